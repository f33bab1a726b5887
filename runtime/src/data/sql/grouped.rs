//! Rows in an order in which those of a group follow one another, for `GROUP BY`.
//!
//! SQLite would sort them by value; any order will do, so that each is put to its group, which a hash table finds, and only
//! the columns that are used are kept. What does not fit into memory becomes runs in the scratch, sorted by a hash of the
//! group, which are merged.

use cowry_vfs::{File, OpenOptions, Vfs};
use rusqlite::types::ValueRef;

use super::error::{SqlError, SqlResult};
use super::groups::{Place, Rows};
use super::table::as_sql;
use crate::data::Value;

/// How much of a run is read at once.
const WINDOW: usize = 64 << 10;
/// The lengths that a row begins with: of all of it, and of its key.
const HEAD: usize = 8;

/// Takes rows, in any order.
pub(super) struct Grouper {
    /// How many of the first values of a row are its key.
    keys: usize,
    /// How much is held in memory, in bytes.
    budget: usize,
    scratch: Vfs,
    rows: Rows,
    /// The key and the other values of a row on their way.
    key: Vec<u8>,
    rest: Vec<u8>,
    runs: Vec<(u64, u64)>,
    file: Option<File>,
    written: u64,
}

/// The key of a row.
fn key(row: &[u8]) -> &[u8] {
    &row[HEAD..HEAD + number(&row[4..])]
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize
}

impl Grouper {
    /// Rows of values of which the first `keys` are the group.
    pub(super) fn new(keys: usize, budget: usize, scratch: Vfs) -> Grouper {
        let (rows, key, rest) = Default::default();
        Grouper { keys, budget, scratch, rows, key, rest, runs: Vec::new(), file: None, written: 0 }
    }

    /// Takes a row.
    ///
    /// # Errors
    /// What writing to the scratch fails with.
    pub(super) fn push<'a>(&mut self, values: impl Iterator<Item = Value<'a>>) -> SqlResult<()> {
        self.key.clear();
        self.rest.clear();
        for (index, value) in values.enumerate() {
            encode(if index < self.keys { &mut self.key } else { &mut self.rest }, as_sql(&value));
        }
        self.rows.push(hash(&self.key), &self.key, &self.rest);
        if self.rows.size() > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// Makes a run of what is in memory.
    fn spill(&mut self) -> SqlResult<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => nameless(&self.scratch)?,
        };
        let start = self.written;
        let mut out = Vec::with_capacity(WINDOW * 2);
        for (group, rows) in self.rows.in_order() {
            for rest in rows {
                out.extend(group.hash.to_le_bytes());
                out.extend(((HEAD + group.key.len() + rest.len()) as u32).to_le_bytes());
                out.extend((group.key.len() as u32).to_le_bytes());
                out.extend_from_slice(group.key);
                out.extend_from_slice(rest);
                if out.len() >= WINDOW {
                    write(&file, &mut out, &mut self.written)?;
                }
            }
        }
        write(&file, &mut out, &mut self.written)?;
        self.file = Some(file);
        self.runs.push((start, self.written));
        self.rows.clear();
        Ok(())
    }

    /// All of them, in order.
    ///
    /// # Errors
    /// What writing to and reading from the scratch fails with.
    pub(super) fn finish(mut self) -> SqlResult<Grouped> {
        if self.runs.is_empty() {
            let at = self.rows.first();
            return Ok(Grouped { keys: self.keys, state: State::Memory { rows: self.rows, at } });
        }
        if !self.rows.is_empty() {
            self.spill()?;
        }
        let file = self.file.expect("runs are in a file");
        let mut runs = Vec::new();
        for (at, end) in self.runs {
            let mut run = Run { at, end, window: Vec::new(), start: 0 };
            run.fill(&file)?;
            runs.push(run);
        }
        Ok(Grouped { keys: self.keys, state: State::Merge { file: Box::new(file), current: None, runs } })
    }
}

/// A file of the scratch that goes away when it is closed.
fn nameless(scratch: &Vfs) -> SqlResult<File> {
    const PATH: &str = "/.cowry-groups";
    let options = OpenOptions { read: true, write: true, create: true, ..OpenOptions::default() };
    let file = scratch.open(PATH, options).map_err(SqlError::of_scratch)?;
    scratch.unlink(PATH).map_err(SqlError::of_scratch)?;
    Ok(file)
}

fn write(file: &File, out: &mut Vec<u8>, at: &mut u64) -> SqlResult<()> {
    let mut rest = &out[..];
    while !rest.is_empty() {
        let count = file.write_at(rest, *at).map_err(SqlError::of_scratch)?;
        *at += count as u64;
        rest = &rest[count..];
    }
    out.clear();
    Ok(())
}

/// Rows in order, one at a time.
pub(super) struct Grouped {
    /// How many of the first values of a row are its key.
    keys: usize,
    state: State,
}

enum State {
    Memory {
        rows: Rows,
        at: Option<Place>,
    },
    /// The row that this run is at; the first one of all if there is none yet.
    Merge {
        file: Box<File>,
        current: Option<usize>,
        runs: Vec<Run>,
    },
}

impl Grouped {
    /// Moves past the current row.
    ///
    /// # Errors
    /// What reading from the scratch fails with.
    pub(super) fn next(&mut self) -> SqlResult<()> {
        match &mut self.state {
            State::Memory { rows, at } => *at = at.and_then(|place| rows.after(place)),
            State::Merge { file, current, runs } => {
                let at = current.take().or_else(|| first(runs));
                if let Some(at) = at {
                    runs[at].next(file)?;
                }
                *current = first(runs);
            }
        }
        Ok(())
    }

    /// Whether there is no row any more.
    pub(super) fn is_at_end(&self) -> bool {
        self.parts().is_none()
    }

    /// A value of the current row; `None` past the last value and the last row.
    pub(super) fn value(&self, index: usize) -> Option<ValueRef<'_>> {
        let (keys, key, rest) = self.parts()?;
        match index.checked_sub(keys) {
            None => Values(key).nth(index),
            Some(index) => Values(rest).nth(index),
        }
    }

    /// How many values are the key of the current row, these, and the others.
    fn parts(&self) -> Option<(usize, &[u8], &[u8])> {
        match &self.state {
            State::Memory { rows, at } => {
                let (key, rest) = rows.row((*at)?);
                Some((self.keys, key, rest))
            }
            State::Merge { current, runs, .. } => {
                let row = runs[current.or_else(|| first(runs))?].row()?;
                let key = key(row);
                Some((self.keys, key, &row[HEAD + key.len()..]))
            }
        }
    }
}

/// The run whose row comes next.
fn first(runs: &[Run]) -> Option<usize> {
    let places = runs.iter().enumerate().filter_map(|(at, run)| Some((run.place()?, at)));
    places.min().map(|(_, at)| at)
}

/// A part of the file that is in order.
struct Run {
    /// What of it is not in the window yet.
    at: u64,
    end: u64,
    window: Vec<u8>,
    /// Where in the window the current row begins, with its hash.
    start: usize,
}

impl Run {
    fn rest(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// What decides about the order.
    fn place(&self) -> Option<(u64, &[u8])> {
        let hash = self.rest().get(..8)?.try_into().expect("eight bytes");
        Some((u64::from_le_bytes(hash), key(self.row()?)))
    }

    fn row(&self) -> Option<&[u8]> {
        let rest = self.rest().get(8..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..number(rest)])
    }

    fn next(&mut self, file: &File) -> SqlResult<()> {
        self.start += 8 + self.row().map_or(0, <[u8]>::len);
        self.fill(file)
    }

    /// Reads until the window has a whole row, or all that is left.
    fn fill(&mut self, file: &File) -> SqlResult<()> {
        while self.at < self.end && !self.has_row() {
            self.window.drain(..self.start);
            self.start = 0;
            let want = (WINDOW as u64).min(self.end - self.at) as usize;
            let bytes = file.read_bytes_at(self.at, want).map_err(SqlError::of_scratch)?;
            self.at += bytes.len() as u64;
            self.window.extend_from_slice(&bytes);
        }
        Ok(())
    }

    fn has_row(&self) -> bool {
        let rest = self.rest();
        rest.len() >= 8 + HEAD && rest.len() - 8 >= number(&rest[8..])
    }
}

/// Values, one after another.
#[derive(Clone, Copy)]
struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (tag, rest) = self.0.split_first()?;
        let eight = || rest[..8].try_into().expect("eight bytes");
        let four = || rest[..4].try_into().expect("four bytes");
        let (value, len) = match tag {
            0 => (ValueRef::Null, 0),
            1 => (ValueRef::Integer(i64::from_le_bytes(eight())), 8),
            2 => (ValueRef::Real(f64::from_le_bytes(eight())), 8),
            3 => (ValueRef::Integer(i64::from(rest[0])), 1),
            4 => (ValueRef::Integer(i64::from(i32::from_le_bytes(four()))), 4),
            _ => {
                let len = number(rest);
                (ValueRef::Text(&rest[4..4 + len]), 4 + len)
            }
        };
        self.0 = &rest[len..];
        Some(value)
    }
}

fn encode(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => bytes.push(0),
        ValueRef::Integer(number) => match (u8::try_from(number), i32::try_from(number)) {
            (Ok(small), _) => bytes.extend([3, small]),
            (_, Ok(middle)) => {
                bytes.push(4);
                bytes.extend_from_slice(&middle.to_le_bytes());
            }
            _ => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        },
        ValueRef::Real(number) => {
            bytes.push(2);
            // Both zeros are one group.
            bytes.extend_from_slice(&(number + 0.0).to_le_bytes());
        }
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            bytes.push(5);
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text);
        }
    }
}

/// A number that is the same for the same bytes, and rarely for others.
fn hash(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
    }
    hash ^ (hash >> 32)
}
