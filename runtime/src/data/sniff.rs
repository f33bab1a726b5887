//! What can be told of data by its looks: encoding, delimiter, line ends, header, kinds of columns.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::csv::{Dialect, Field, Scan, scan};
use super::source::Charset;
use super::value::{Kind, Value, number};

/// Integers beyond these are not safe in JavaScript, and are more often names than numbers.
const SAFE: u64 = (1 << 53) - 1;
/// How many rows decide about a delimiter.
const ROWS: usize = 50;

/// The encoding of a text that begins with `first`, and how many bytes its byte order mark takes.
pub(crate) fn encoding(first: &[u8], charset: Charset, is_all: bool) -> (&'static Encoding, usize) {
    if let Some(marked) = Encoding::for_bom(first) {
        return marked;
    }
    match charset {
        Charset::Given(encoding) => (encoding, 0),
        Charset::Auto => (unmarked(first, is_all), 0),
    }
}

fn unmarked(first: &[u8], is_all: bool) -> &'static Encoding {
    let sample = &first[..first.len().min(4096) & !1];
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count() * 2;
    if sample.len() >= 4 {
        // Half of a UTF-16 file in a language of Europe is zeros, all at even or all at odd places.
        let most = sample.len() * 4 / 10;
        match (zeros(0), zeros(1)) {
            (even, odd) if odd > most && even < most / 4 => return UTF_16LE,
            (even, odd) if even > most && odd < most / 4 => return UTF_16BE,
            _ => {}
        }
    }
    match std::str::from_utf8(first) {
        Ok(_) => UTF_8,
        // The sample ends within a character.
        Err(error) if error.error_len().is_none() && !is_all => UTF_8,
        Err(_) => WINDOWS_1252,
    }
}

/// Whether lines end with a carriage return alone, as on old Macs.
pub(crate) fn is_cr_only(sample: &[u8]) -> bool {
    memchr::memchr(b'\n', sample).is_none() && memchr::memchr(b'\r', sample).is_some()
}

/// The delimiter that cuts the sample into the most even rows; a comma if none does.
pub(crate) fn delimiter(sample: &[u8], is_all: bool, dialect: &Dialect) -> u8 {
    let score = |delimiter: u8| evenness(sample, is_all, &Dialect { delimiter, ..*dialect });
    let mut best = (0, b',');
    for candidate in [b',', b';', b'\t', b'|'] {
        let score = score(candidate);
        if score > best.0 {
            best = (score, candidate);
        }
    }
    best.1
}

/// How well a dialect fits: how many rows have as many fields as the first, then how many fields that is.
fn evenness(sample: &[u8], is_all: bool, dialect: &Dialect) -> u64 {
    let mut fields: Vec<Field> = Vec::new();
    let (mut rest, mut first, mut even, mut rows) = (sample, 0, 0, 0);
    while rows < ROWS && !rest.is_empty() {
        fields.clear();
        let length = match scan(rest, is_all, dialect, &mut fields) {
            Scan::Row(row) => row.length,
            Scan::More | Scan::Open { .. } if rows == 0 => {
                even = u64::from(fields.len() > 1);
                first = fields.len();
                break;
            }
            Scan::More | Scan::Open { .. } => break,
        };
        let is_blank = fields.len() == 1 && fields[0].is_empty();
        if !is_blank && !dialect.is_comment(rest) {
            if rows == 0 {
                first = fields.len();
            }
            even += u64::from(fields.len() == first && first > 1);
            rows += 1;
        }
        rest = &rest[length..];
    }
    if even == 0 { 0 } else { (even * 1000 / rows.max(1) as u64) * 1000 + first.min(999) as u64 }
}

/// Whether a first row looks like names: none is empty, a number, or there twice.
pub(crate) fn is_header<'a>(row: impl Iterator<Item = &'a str> + Clone) -> bool {
    let mut seen = std::collections::HashSet::new();
    row.into_iter().all(|name| {
        let name = name.trim();
        !name.is_empty() && number(name).is_none() && seen.insert(name)
    })
}

/// Narrows down what a column can be, value by value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Guess {
    seen: Option<Kind>,
}

impl Guess {
    /// Takes another value that is not null.
    pub(crate) fn see(&mut self, text: &str) {
        let kind = match (self.seen, number(text)) {
            (Some(Kind::Text), _) => return,
            (_, Some(Value::Integer(it))) if it.unsigned_abs() <= SAFE => Kind::Integer,
            (_, Some(Value::Real(_))) => Kind::Real,
            _ if Kind::Boolean.read(text).is_some() => Kind::Boolean,
            _ => Kind::Text,
        };
        self.seen = Some(match (self.seen, kind) {
            (None, kind) => kind,
            (Some(before), kind) if before == kind => kind,
            (Some(Kind::Integer | Kind::Real), Kind::Integer | Kind::Real) => Kind::Real,
            _ => Kind::Text,
        });
    }

    /// Whether there was no value yet.
    pub(crate) fn is_open(self) -> bool {
        self.seen.is_none()
    }

    /// What it comes to.
    pub(crate) fn kind(self) -> Kind {
        self.seen.unwrap_or_default()
    }
}
