//! The values of a file one after another: of its lines, or of the array that it is.

use super::super::error::{BadRow, DataError, DataResult};
use super::super::source::Source;
use super::cursor::Cursor;
use super::scan::{Scan, scan};

/// How long a value can be.
const VALUE_MAX: usize = 64 << 20;

/// How values follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One on each line; blank lines are none.
    Lines,
    /// The elements of one array, or a single value that is not an array.
    Array,
    /// The same, and what follows is not looked at.
    Within,
}

/// Reads the text of values. Memory is bounded by the longest.
#[derive(Debug)]
pub(crate) struct Values {
    cursor: Cursor,
    layout: Layout,
    state: State,
    /// The line of the last value.
    at: u64,
    /// How many bytes of the window the last value takes with what follows it on its line, and itself.
    taken: usize,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begin,
    /// Within the array, before its first element.
    First,
    /// After an element.
    Later,
    Over,
}

impl Values {
    pub(crate) fn new(source: Source, layout: Layout) -> Values {
        Values { cursor: Cursor::new(source, 1), layout, state: State::Begin, at: 1, taken: 0, length: 0 }
    }

    /// The same for text that begins on another line.
    pub(crate) fn on_line(mut self, line: u64) -> Values {
        self.cursor.line = line;
        self
    }

    /// Moves to the next value; `false` at the end.
    ///
    /// # Errors
    /// [`DataError::Row`] for a line that is not UTF-8, after which it can be called again; [`DataError::Broken`]
    /// for text that is no array, and for values of more than 64 MiB; what reading fails with.
    pub(crate) fn advance(&mut self) -> DataResult<bool> {
        self.leave();
        let found = match self.layout {
            Layout::Lines => self.line()?,
            Layout::Array | Layout::Within => self.element()?,
        };
        if found && std::str::from_utf8(&self.cursor.window()[..self.length]).is_err() {
            let reason = "not valid UTF-8; say which encoding it is, such as encoding: 'latin1'";
            return Err(match self.layout {
                Layout::Lines => self.bad(reason),
                Layout::Array | Layout::Within => DataError::broken(self.at, reason),
            });
        }
        Ok(found)
    }

    /// The text of the value that [`Values::advance`] moved to.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.cursor.window()[..self.length]).expect("it was looked at when it was found")
    }

    /// The line the value begins on, from 1.
    #[cfg(test)]
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The value as a bad row.
    pub(crate) fn bad(&self, reason: impl Into<String>) -> DataError {
        DataError::Row(BadRow::new(self.at, reason, &self.cursor.window()[..self.length]))
    }

    /// More of the values that are in the window already, for whoever wants to look ahead, and whether those are all.
    pub(crate) fn sample(&self) -> (Values, bool) {
        let source = Source::text(self.cursor.window()[self.taken..].to_vec());
        let cursor = Cursor::new(source, self.cursor.line);
        let (layout, state, at) = (self.layout, self.state, self.cursor.line);
        (Values { cursor, layout, state, at, taken: 0, length: 0 }, self.cursor.is_ended())
    }

    /// Leaves the last value behind.
    fn leave(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        self.length = 0;
        self.cursor.skip(taken);
    }

    fn line(&mut self) -> DataResult<bool> {
        if self.cursor.peek()?.is_none() {
            return Ok(false);
        }
        self.at = self.cursor.line;
        loop {
            let window = self.cursor.window();
            let end = memchr::memchr(b'\n', window);
            if let Some(end) = end.or(self.cursor.is_ended().then_some(window.len())) {
                self.length = window[..end].trim_ascii_end().len();
                self.taken = end;
                return Ok(true);
            }
            self.more()?;
        }
    }

    fn element(&mut self) -> DataResult<bool> {
        if self.layout == Layout::Within && self.state == State::Over {
            return Ok(false);
        }
        let next = self.cursor.peek()?;
        match (self.state, next) {
            (State::Begin, None) | (State::Over, None) => return Ok(false),
            (State::Begin, Some(b'[')) => {
                self.cursor.skip(1);
                self.state = State::First;
                return self.element();
            }
            (State::First | State::Later, Some(b']')) => {
                self.cursor.skip(1);
                self.state = State::Over;
                return self.element();
            }
            (State::Later, Some(b',')) => {
                self.cursor.skip(1);
                self.cursor.peek()?;
            }
            (State::Begin, Some(_)) => self.state = State::Over,
            (State::First, Some(_)) => {}
            (State::First | State::Later, None) => return Err(self.cursor.broken("the array is not closed")),
            (State::Later, Some(_)) => {
                return Err(self.cursor.broken("a comma is missing between two elements"));
            }
            (State::Over, Some(_)) => return Err(self.cursor.broken("text after the end of the JSON value")),
        }
        if self.state == State::First {
            self.state = State::Later;
        }
        self.whole()
    }

    /// Finds the end of the value that the window begins with.
    fn whole(&mut self) -> DataResult<bool> {
        self.at = self.cursor.line;
        loop {
            match scan(self.cursor.window(), self.cursor.is_ended()) {
                Scan::Value(length) => {
                    (self.length, self.taken) = (length, length);
                    return Ok(true);
                }
                Scan::More => self.more()?,
                Scan::Not(0) => return Err(self.cursor.broken("a JSON value is missing")),
                Scan::Not(_) => return Err(self.cursor.broken("the JSON value is not complete")),
            }
        }
    }

    fn more(&mut self) -> DataResult<()> {
        self.cursor.more(VALUE_MAX, "json.get and json.rows take a part of it")
    }
}
