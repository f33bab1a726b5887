//! Records of pax headers: `length key=value\n`, where a value may hold any bytes.

use crate::clock::Timestamp;

const NANOS: i128 = 1_000_000_000;
/// What extended attributes are called in an archive.
const XATTR: &str = "SCHILY.xattr.";

/// What a pax header says of the member that follows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub mtime: Option<Timestamp>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Extended attributes in `user.`; others are not for files of a workspace.
    pub xattrs: Vec<(String, Vec<u8>)>,
    pub sparse: Sparse,
}

/// What it says of holes. GNU tar has had several ways to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Sparse {
    pub major: Option<u64>,
    pub size: Option<u64>,
    pub name: Option<Vec<u8>>,
    /// Offsets and lengths, where they are in the header.
    pub map: Vec<u64>,
}

impl Pax {
    /// Reads the content of a pax header; `None` if it is damaged.
    pub fn parse(mut bytes: &[u8]) -> Option<Pax> {
        let mut pax = Pax::default();
        while !bytes.is_empty() && bytes[0] != 0 {
            let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
            let length: usize = number(&bytes[..space])?;
            let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let key = std::str::from_utf8(&record[..equals]).ok()?;
            pax.take(key, &record[equals + 1..])?;
            bytes = &bytes[length..];
        }
        Some(pax)
    }

    fn take(&mut self, key: &str, value: &[u8]) -> Option<()> {
        match key {
            "path" => self.path = Some(value.to_vec()),
            "linkpath" => self.link = Some(value.to_vec()),
            "size" => self.size = Some(number(value)?),
            "mtime" => self.mtime = Some(time(std::str::from_utf8(value).ok()?)?),
            // Who is unknown here keeps the number of the plain header.
            "uid" => self.uid = number(value),
            "gid" => self.gid = number(value),
            "GNU.sparse.major" => self.sparse.major = Some(number(value)?),
            "GNU.sparse.name" => self.sparse.name = Some(value.to_vec()),
            "GNU.sparse.size" | "GNU.sparse.realsize" => self.sparse.size = Some(number(value)?),
            "GNU.sparse.map" if value.is_empty() => {}
            "GNU.sparse.map" => {
                self.sparse.map = value.split(|byte| *byte == b',').map(number).collect::<Option<_>>()?;
            }
            "GNU.sparse.offset" | "GNU.sparse.numbytes" => self.sparse.map.push(number(value)?),
            _ => {
                if let Some(name) = key.strip_prefix(XATTR).filter(|name| name.starts_with("user.")) {
                    self.xattrs.push((name.to_owned(), value.to_vec()));
                }
            }
        }
        Some(())
    }
}

/// A decimal number and nothing else.
pub(super) fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads `-12.5` as a time.
fn time(text: &str) -> Option<Timestamp> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = i128::from(whole.parse::<u64>().ok()?) * NANOS + i128::from(fraction.parse::<u64>().ok()?);
    Some(clamped(sign * nanos))
}

/// The nearest time that there is.
pub(super) fn clamped(nanos: i128) -> Timestamp {
    Timestamp(nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

/// Seconds with a fraction, as pax writes times.
pub(super) fn exact(time: Timestamp) -> String {
    let sign = if time.0 < 0 { "-" } else { "" };
    let nanos = i128::from(time.0).abs();
    format!("{sign}{}.{:09}", nanos / NANOS, nanos % NANOS)
}

/// A pax header that is being written.
#[derive(Debug, Default)]
pub(super) struct Records(Vec<u8>);

impl Records {
    pub fn push(&mut self, key: &str, value: &[u8]) {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        self.0.extend_from_slice(format!("{length} {key}=").as_bytes());
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }

    pub fn xattr(&mut self, name: &str, value: &[u8]) {
        self.push(&format!("{XATTR}{name}"), value);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_written() {
        let mut records = Records::default();
        for length in [1, 80, 86, 87, 88, 980, 985, 990, 70_000] {
            records.push("path", "p".repeat(length).as_bytes());
        }
        records.xattr("user.lines", b"a\nb=\0\xff\n");
        records.push("mtime", exact(Timestamp(-1_500_000_000)).as_bytes());
        let pax = Pax::parse(records.bytes()).expect("sound");
        assert_eq!(pax.path.expect("a path").len(), 70_000);
        assert_eq!(pax.xattrs, [("user.lines".to_owned(), b"a\nb=\0\xff\n".to_vec())]);
        assert_eq!(pax.mtime, Some(Timestamp(-1_500_000_000)));
    }

    #[test]
    fn damaged_records_are_refused() {
        for bad in
            ["x", "8 path=a\n", "99 path=a\n", "10 path=ab\n", "3 =", "7 patha\n", "0 a=b\n", "11 size=x2\n"]
        {
            assert_eq!(Pax::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn times_read_and_written() {
        for (text, nanos) in
            [("12", 12_000_000_000), ("1.5", 1_500_000_000), ("-0.5", -500_000_000), ("0.0000000019", 1)]
        {
            assert_eq!(time(text), Some(Timestamp(nanos)), "{text}");
        }
        assert_eq!(time("soon"), None);
        assert_eq!(time("99999999999999999"), Some(Timestamp(i64::MAX)));
        assert_eq!(exact(Timestamp(-500_000_000)), "-0.500000000");
        assert_eq!(exact(Timestamp(1_500_000_000)), "1.500000000");
    }
}
