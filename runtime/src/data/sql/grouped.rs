//! Rows in an order in which those of a group follow one another, for `GROUP BY`.
//!
//! SQLite would sort them by value; any order will do, so that they are sorted by a hash of the group, and only the
//! columns that are used are kept. What does not fit into memory becomes sorted runs in the scratch, which are merged.

use cowry_vfs::{File, OpenOptions, Vfs};
use rusqlite::types::ValueRef;

use super::error::{SqlError, SqlResult};
use super::table::as_sql;
use crate::data::Value;

/// How much of a run is read at once.
const WINDOW: usize = 64 << 10;
/// What a row takes beside its values: its place in the order.
const PLACE: usize = size_of::<(u64, u32)>();
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
    runs: Vec<(u64, u64)>,
    file: Option<File>,
    written: u64,
}

/// Rows in memory.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    /// The hash of each, and where it begins.
    order: Vec<(u64, u32)>,
}

impl Rows {
    fn row(&self, start: u32) -> &[u8] {
        let rest = &self.bytes[start as usize..];
        &rest[..length(rest)]
    }

    /// Orders rows by their hashes, those of one hash by their keys, and those of one key as they came.
    fn sort(&mut self) {
        let mut order = std::mem::take(&mut self.order);
        order.sort_unstable();
        for same in order.chunk_by_mut(|one, other| one.0 == other.0) {
            let first = key(self.row(same[0].1));
            if same.iter().any(|(_, start)| key(self.row(*start)) != first) {
                same.sort_by(|one, other| key(self.row(one.1)).cmp(key(self.row(other.1))));
            }
        }
        self.order = order;
    }
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize
}

/// The length of the row that the bytes begin with.
fn length(row: &[u8]) -> usize {
    number(row)
}

/// The key of a row.
fn key(row: &[u8]) -> &[u8] {
    &row[HEAD..HEAD + number(&row[4..])]
}

impl Grouper {
    /// Rows of values of which the first `keys` are the group.
    pub(super) fn new(keys: usize, budget: usize, scratch: Vfs) -> Grouper {
        let rows = Rows::default();
        Grouper { keys, budget, scratch, rows, runs: Vec::new(), file: None, written: 0 }
    }

    /// Takes a row.
    ///
    /// # Errors
    /// What writing to the scratch fails with.
    pub(super) fn push<'a>(&mut self, values: impl Iterator<Item = Value<'a>>) -> SqlResult<()> {
        let bytes = &mut self.rows.bytes;
        let start = bytes.len();
        bytes.extend([0; HEAD]);
        let mut key_end = start + HEAD;
        for (index, value) in values.enumerate() {
            encode(bytes, as_sql(&value));
            if index + 1 == self.keys {
                key_end = bytes.len();
            }
        }
        let (len, key_len) = (bytes.len() - start, key_end - start - HEAD);
        bytes[start..start + 4].copy_from_slice(&(len as u32).to_le_bytes());
        bytes[start + 4..start + HEAD].copy_from_slice(&(key_len as u32).to_le_bytes());
        let hash = hash(&bytes[start + HEAD..key_end]);
        self.rows.order.push((hash, start as u32));
        if self.rows.bytes.len() + self.rows.order.len() * PLACE > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// Makes a run of what is in memory.
    fn spill(&mut self) -> SqlResult<()> {
        self.rows.sort();
        let file = match self.file.take() {
            Some(file) => file,
            None => nameless(&self.scratch)?,
        };
        let start = self.written;
        let mut out = Vec::with_capacity(WINDOW * 2);
        for (hash, at) in &self.rows.order {
            out.extend(hash.to_le_bytes());
            out.extend(self.rows.row(*at));
            if out.len() >= WINDOW {
                write(&file, &mut out, &mut self.written)?;
            }
        }
        write(&file, &mut out, &mut self.written)?;
        self.file = Some(file);
        self.runs.push((start, self.written));
        self.rows.bytes.clear();
        self.rows.order.clear();
        Ok(())
    }

    /// All of them, in order.
    ///
    /// # Errors
    /// What writing to and reading from the scratch fails with.
    pub(super) fn finish(mut self) -> SqlResult<Grouped> {
        if self.runs.is_empty() {
            self.rows.sort();
            return Ok(Grouped { state: State::Memory { rows: self.rows, at: 0 } });
        }
        if !self.rows.order.is_empty() {
            self.spill()?;
        }
        let file = self.file.expect("runs are in a file");
        let mut runs = Vec::new();
        for (at, end) in self.runs {
            let mut run = Run { at, end, window: Vec::new(), start: 0 };
            run.fill(&file)?;
            runs.push(run);
        }
        Ok(Grouped { state: State::Merge { file: Box::new(file), current: None, runs } })
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
    state: State,
}

enum State {
    /// The row with this number in the order, from 0.
    Memory { rows: Rows, at: usize },
    /// The row that this run is at; the first one of all if there is none yet.
    Merge { file: Box<File>, current: Option<usize>, runs: Vec<Run> },
}

impl Grouped {
    /// Moves past the current row.
    ///
    /// # Errors
    /// What reading from the scratch fails with.
    pub(super) fn next(&mut self) -> SqlResult<()> {
        match &mut self.state {
            State::Memory { at, .. } => *at += 1,
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

    /// The values of the current row; `None` past the last one.
    pub(super) fn values(&self) -> Option<Values<'_>> {
        let row = match &self.state {
            State::Memory { rows, at } => rows.row(rows.order.get(*at)?.1),
            State::Merge { current, runs, .. } => runs[current.or_else(|| first(runs))?].row()?,
        };
        Some(Values(&row[HEAD..]))
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
        Some(&rest[..length(rest)])
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
        rest.len() >= 8 + HEAD && rest.len() - 8 >= length(&rest[8..])
    }
}

/// The values of a row.
#[derive(Clone, Copy)]
pub(super) struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (tag, rest) = self.0.split_first()?;
        let eight = || rest[..8].try_into().expect("eight bytes");
        let (value, len) = match tag {
            0 => (ValueRef::Null, 0),
            1 => (ValueRef::Integer(i64::from_le_bytes(eight())), 8),
            2 => (ValueRef::Real(f64::from_le_bytes(eight())), 8),
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
        ValueRef::Integer(number) => {
            bytes.push(1);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            bytes.push(2);
            // Both zeros are one group.
            bytes.extend_from_slice(&(number + 0.0).to_le_bytes());
        }
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            bytes.push(3);
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
