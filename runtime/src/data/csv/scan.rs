//! Finding the fields of one row in a window of text, without copying any.

use memchr::{memchr, memchr_iter, memchr2};

use super::marks::{BLOCK, Marks};

/// The characters that have a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) comment: Option<u8>,
    /// Lines end with a carriage return alone.
    pub(crate) cr_only: bool,
}

impl Dialect {
    fn line_end(&self) -> u8 {
        if self.cr_only { b'\r' } else { b'\n' }
    }

    /// Whether a row that begins so is a comment.
    pub(crate) fn is_comment(&self, row: &[u8]) -> bool {
        self.comment.is_some() && row.first().copied() == self.comment
    }
}

/// Where a field lies in its row, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// It stands in quotes.
    pub(crate) quoted: bool,
    /// It has doubled quotes within.
    pub(crate) doubled: bool,
}

impl Field {
    fn plain(start: usize, end: usize) -> Field {
        Field { start, end, quoted: false, doubled: false }
    }

    /// Whether there is nothing, not even quotes.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end && !self.quoted
    }
}

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// How many bytes it takes, its line end included.
    pub(crate) length: usize,
    /// How many lines end in it.
    pub(crate) lines: u64,
    /// The field, from 1, that goes on after its closing quote.
    pub(crate) malformed: Option<usize>,
}

/// What there is at the beginning of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A row; it may be malformed.
    Row(Row),
    /// Less than a row.
    More,
    /// The text ends in a quoted field: the one with this number, from 1.
    Open { field: usize },
}

/// Finds the row that `window` begins with and adds its fields to `fields`. `last` says that the text ends with
/// the window, which must not be empty.
pub(crate) fn scan(window: &[u8], last: bool, dialect: &Dialect, fields: &mut Vec<Field>) -> Scan {
    let mut row = Scanner { window, last, end: dialect.line_end(), lines: 0, malformed: None };
    let marks = Marks::new(dialect.delimiter, row.end, dialect.quote);
    let mut at = 0;
    loop {
        let quoted = dialect.quote.filter(|quote| window.get(at) == Some(quote));
        let found = match quoted {
            Some(quote) => row.quoted(at, quote, dialect.delimiter, fields),
            None => row.plains(at, &marks, fields),
        };
        match found {
            Next::Field(next) => at = next,
            Next::Done(length) => {
                let lines = row.lines + u64::from(window[length - 1] == row.end);
                return Scan::Row(Row { length, lines, malformed: row.malformed });
            }
            Next::Missing if last => return Scan::Open { field: fields.len() + 1 },
            Next::Missing => return Scan::More,
        }
    }
}

struct Scanner<'a> {
    window: &'a [u8],
    last: bool,
    end: u8,
    lines: u64,
    malformed: Option<usize>,
}

/// What follows a field.
enum Next {
    /// Another one, here.
    Field(usize),
    /// Nothing: the row ends before here.
    Done(usize),
    /// What cannot be seen yet, or never will.
    Missing,
}

impl Scanner<'_> {
    /// Fields without quotes, as many as follow one another; the first one is known to be one.
    fn plains(&mut self, mut start: usize, marks: &Marks, fields: &mut Vec<Field>) -> Next {
        let mut base = start;
        while let Some(block) = self.window[base..].first_chunk::<BLOCK>() {
            for offset in marks.of(block) {
                let at = base + offset;
                let byte = self.window[at];
                if byte == self.end {
                    fields.push(Field::plain(start, self.without_cr(start, at)));
                    return Next::Done(at + 1);
                }
                if byte == marks.delimiter {
                    fields.push(Field::plain(start, at));
                    start = at + 1;
                } else if at == start {
                    return Next::Field(start);
                }
            }
            base += BLOCK;
        }
        if self.window.get(start).is_some_and(|first| marks.quote == Some(*first)) {
            return Next::Field(start);
        }
        self.plain(start, marks.delimiter, fields)
    }

    fn plain(&mut self, start: usize, delimiter: u8, fields: &mut Vec<Field>) -> Next {
        let field = |end| Field::plain(start, end);
        match memchr2(delimiter, self.end, &self.window[start..]) {
            None if !self.last => Next::Missing,
            None => {
                fields.push(field(self.without_cr(start, self.window.len())));
                Next::Done(self.window.len())
            }
            Some(length) => {
                let stop = start + length;
                if self.window[stop] == self.end {
                    fields.push(field(self.without_cr(start, stop)));
                    return Next::Done(stop + 1);
                }
                fields.push(field(stop));
                Next::Field(stop + 1)
            }
        }
    }

    /// The end of a field that may end with the first half of CR LF.
    fn without_cr(&self, start: usize, end: usize) -> usize {
        let has = self.end == b'\n' && end > start && self.window[end - 1] == b'\r';
        end - usize::from(has)
    }

    fn quoted(&mut self, open: usize, quote: u8, delimiter: u8, fields: &mut Vec<Field>) -> Next {
        let start = open + 1;
        let (mut from, mut doubled) = (start, false);
        let close = loop {
            let Some(length) = memchr(quote, &self.window[from..]) else { return Next::Missing };
            let close = from + length;
            match self.window.get(close + 1) {
                Some(next) if *next == quote => (from, doubled) = (close + 2, true),
                None if !self.last => return Next::Missing,
                _ => break close,
            }
        };
        let field = Field { start, end: close, quoted: true, doubled };
        match self.after(close + 1, delimiter) {
            Some(next) => {
                self.lines += memchr_iter(self.end, &self.window[start..close]).count() as u64;
                fields.push(field);
                next
            }
            None if matches!(self.window.get(close + 1..), Some([b'\r'])) && !self.last => Next::Missing,
            None => {
                let next = self.plain(close + 1, delimiter, fields);
                if let (Some(rest), false) = (fields.last_mut(), matches!(next, Next::Missing)) {
                    (rest.start, rest.quoted, rest.doubled) = (start, true, true);
                    self.malformed.get_or_insert(fields.len());
                    self.lines += memchr_iter(self.end, &self.window[start..close]).count() as u64;
                }
                next
            }
        }
    }

    /// What stands after a closing quote; `None` if it is something that must not.
    fn after(&self, at: usize, delimiter: u8) -> Option<Next> {
        match self.window.get(at..).unwrap_or_default() {
            [] => Some(Next::Done(at)),
            [byte, ..] if *byte == delimiter => Some(Next::Field(at + 1)),
            [byte, ..] if *byte == self.end => Some(Next::Done(at + 1)),
            [b'\r', byte, ..] if *byte == self.end => Some(Next::Done(at + 2)),
            [b'\r'] if self.last => Some(Next::Done(at + 1)),
            _ => None,
        }
    }
}
