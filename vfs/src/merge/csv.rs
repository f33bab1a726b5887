//! CSV by rows, told apart by the columns that were named. A row is merged as a whole.

use std::collections::{HashMap, HashSet};

use super::content::{Clash, Failed, Three};

/// The byte order mark, in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Merges three tables with a header. `columns` together are the key of a row.
///
/// Ours keeps its order; rows that are new in theirs come after the row they follow there.
pub(super) fn merge(files: Three<&[u8]>, columns: &[String], separator: u8) -> Result<Vec<u8>, Failed> {
    let (mark, files) = without_mark(files);
    let split = |bytes, side| split(bytes, separator, side);
    let lines = Three {
        base: split(files.base, "base")?,
        ours: split(files.ours, "ours")?,
        theirs: split(files.theirs, "theirs")?,
    };
    for column in columns {
        if lines.all(|lines| lines.first().is_none_or(|header| !header.fields.contains(column))) {
            return Err(Failed::NoColumn(column.clone()));
        }
    }
    let base = Table::new(&lines.base, columns, "base")?;
    let ours = Table::new(&lines.ours, columns, "ours")?;
    let theirs = Table::new(&lines.theirs, columns, "theirs")?;
    if ours.header.fields != theirs.header.fields {
        return Err(Clash::new("the columns of ours and theirs differ").into());
    }
    let end = if ours.header.end.is_empty() { theirs.header.end } else { ours.header.end };
    let last_end = lines.ours.last().map_or("\n".as_bytes(), |line| line.end);
    Ok([mark, &put(&order(&base, &ours, &theirs)?, end, last_end)].concat())
}

/// The mark that spreadsheets put before UTF-8, or nothing, as it is to be; and the tables without it. It would be
/// taken for a part of the first column's name.
fn without_mark(files: Three<&[u8]>) -> (&[u8], Three<&[u8]>) {
    let (base, ours, theirs) = (cut(files.base), cut(files.ours), cut(files.theirs));
    let mark = if ours.0 == base.0 { theirs.0 } else { ours.0 };
    (mark, Three { base: base.1, ours: ours.1, theirs: theirs.1 })
}

fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(if bytes.starts_with(MARK) { MARK.len() } else { 0 })
}

/// One record: its text without the line's end, the end, and its fields.
struct Line<'a> {
    text: &'a [u8],
    end: &'a [u8],
    fields: Vec<String>,
    number: usize,
}

/// Cuts a table into records. A quoted field may hold anything, quotes doubled.
fn split<'a>(bytes: &'a [u8], separator: u8, side: &str) -> Result<Vec<Line<'a>>, Clash> {
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let number = lines.len() + 1;
        let line = record(&bytes[at..], separator, number)
            .ok_or_else(|| Clash::new(format!("record {number} of {side} is no CSV")))?;
        at += line.text.len() + line.end.len();
        lines.push(line);
    }
    Ok(lines)
}

fn record(bytes: &[u8], separator: u8, number: usize) -> Option<Line<'_>> {
    let (mut at, mut fields) = (0, Vec::new());
    loop {
        let field = field(bytes, &mut at, separator)?;
        fields.push(String::from_utf8(field).ok()?);
        match bytes.get(at) {
            Some(byte) if *byte == separator => at += 1,
            _ => break,
        }
    }
    let end = match &bytes[at..] {
        [] => 0,
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    Some(Line { text: &bytes[..at], end: &bytes[at..at + end], fields, number })
}

fn field(bytes: &[u8], at: &mut usize, separator: u8) -> Option<Vec<u8>> {
    if bytes.get(*at) == Some(&b'"') {
        return quoted(bytes, at);
    }
    let start = *at;
    while let Some(byte) = bytes.get(*at) {
        match byte {
            b'\n' => break,
            b'\r' if bytes.get(*at + 1) == Some(&b'\n') => break,
            byte if *byte == separator => break,
            _ => *at += 1,
        }
    }
    Some(bytes[start..*at].to_vec())
}

fn quoted(bytes: &[u8], at: &mut usize) -> Option<Vec<u8>> {
    let mut field = Vec::new();
    *at += 1;
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        match (byte, bytes.get(*at)) {
            (b'"', Some(b'"')) => {
                field.push(b'"');
                *at += 1;
            }
            (b'"', _) => return Some(field),
            (byte, _) => field.push(byte),
        }
    }
}

/// A table with its rows by key.
struct Table<'a> {
    header: &'a Line<'a>,
    rows: Vec<(Vec<&'a str>, &'a Line<'a>)>,
    by_key: HashMap<Vec<&'a str>, &'a Line<'a>>,
}

impl<'a> Table<'a> {
    fn new(lines: &'a [Line<'a>], columns: &[String], side: &str) -> Result<Table<'a>, Clash> {
        let Some((header, lines)) = lines.split_first() else {
            return Err(Clash::new(format!("{side} has no header")));
        };
        let mut places = Vec::new();
        for column in columns {
            let place = header.fields.iter().position(|field| field == column);
            places.push(place.ok_or_else(|| Clash::new(format!("{side} has no column {column:?}")))?);
        }
        let mut table = Table { header, rows: Vec::new(), by_key: HashMap::new() };
        // A blank line is no row, and where it stood nobody knows after a merge.
        for line in lines.iter().filter(|line| !line.text.is_empty()) {
            let key: Option<Vec<&str>> =
                places.iter().map(|at| line.fields.get(*at).map(String::as_str)).collect();
            let key = key.ok_or_else(|| {
                Clash::new(format!("record {} of {side} is too short to have a key", line.number))
            })?;
            if table.by_key.insert(key.clone(), line).is_some() {
                return Err(Clash::new(format!("{side} has two rows with the key {}", named(&key))));
            }
            table.rows.push((key, line));
        }
        Ok(table)
    }

    fn row(&self, key: &[&str]) -> Option<&'a [u8]> {
        self.by_key.get(key).map(|line| line.text)
    }
}

fn named(key: &[&str]) -> String {
    key.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(", ")
}

/// The rows of the result, the header first.
fn order<'a>(base: &Table<'a>, ours: &Table<'a>, theirs: &Table<'a>) -> Result<Vec<&'a [u8]>, Clash> {
    let mut kept = Vec::new();
    let mut there: HashSet<&[&str]> = HashSet::new();
    for (key, _) in &ours.rows {
        if let Some(row) = pick(base, ours, theirs, key)? {
            kept.push((key, row));
            there.insert(key);
        }
    }
    let mut new: HashMap<Option<&[&str]>, Vec<&'a [u8]>> = HashMap::new();
    let mut follows: Option<&[&str]> = None;
    for (key, _) in &theirs.rows {
        if there.contains(key.as_slice()) {
            follows = Some(key);
        } else if ours.row(key).is_none()
            && let Some(row) = pick(base, ours, theirs, key)?
        {
            new.entry(follows).or_default().push(row);
        }
    }
    let mut rows = vec![ours.header.text];
    rows.extend(new.remove(&None).unwrap_or_default());
    for (key, row) in kept {
        rows.push(row);
        rows.extend(new.remove(&Some(key.as_slice())).unwrap_or_default());
    }
    Ok(rows)
}

/// The row of the result that has this key; `None` if it is gone.
fn pick<'a>(
    base: &Table<'a>,
    ours: &Table<'a>,
    theirs: &Table<'a>,
    key: &[&str],
) -> Result<Option<&'a [u8]>, Clash> {
    let (base, ours, theirs) = (base.row(key), ours.row(key), theirs.row(key));
    match () {
        () if ours == theirs || theirs == base => Ok(ours),
        () if ours == base => Ok(theirs),
        () => Err(Clash::new(format!("both changed the row with the key {}", named(key)))),
    }
}

fn put(rows: &[&[u8]], end: &[u8], last_end: &[u8]) -> Vec<u8> {
    let mut out = rows.join(end);
    out.extend_from_slice(last_end);
    out
}
