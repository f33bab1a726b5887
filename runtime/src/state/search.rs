//! `searchText` and `searchFiles`: line by line, and as fast as the lines without a match can be passed over.

use std::borrow::Cow;

use cowry_vfs::OpenOptions;
use memchr::{memchr, memchr_iter, memrchr};
use serde::Serialize;

use super::glob::Glob;
use super::pattern::{Budget, Pattern, SearchOptions, WHOLE_MAX, count, too_large};
use super::{State, StateError};
use crate::text::lossy;

/// How much of a large file is looked at at once, in bytes.
const PIECE: usize = 4 << 20;

/// One match.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Match {
    /// From 1.
    pub(crate) line: usize,
    /// In UTF-16 units, from 1.
    pub(crate) column: usize,
    /// What matched.
    #[serde(rename = "match")]
    pub(crate) text: String,
    /// The line without its end.
    pub(crate) line_text: String,
    /// If they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before_lines: Option<Vec<String>>,
    /// If they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after_lines: Option<Vec<String>>,
}

/// The matches of one file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct FileMatches {
    pub(crate) path: String,
    pub(crate) matches: Vec<Match>,
}

impl State<'_> {
    /// The matches in one file. Bytes that are no UTF-8 are read as U+FFFD. A large file is read in pieces.
    ///
    /// # Errors
    /// Those of the query and of reading; `EFBIG` for a line, with the context that was asked for, of more than 64 MiB.
    pub(crate) fn search_text(
        &self,
        path: &str,
        query: &str,
        options: &SearchOptions,
    ) -> Result<Vec<Match>, StateError> {
        let pattern = Pattern::new(query, options)?;
        let mut search = Search::new(&pattern, options);
        let size = self.vfs.stat(path)?.size;
        self.search(path, size, &mut search)
    }

    /// The matches in all regular files that a pattern names, in the order of their paths.
    ///
    /// # Errors
    /// As [`State::search_text`].
    pub(crate) fn search_files(
        &self,
        pattern: &str,
        query: &str,
        options: &SearchOptions,
    ) -> Result<Vec<FileMatches>, StateError> {
        let query = Pattern::new(query, options)?;
        let mut search = Search::new(&query, options);
        let mut found = Vec::new();
        let mut files = Vec::new();
        Glob::new(pattern)?.visit(self.vfs, &mut |entry| {
            if entry.stat.is_file() {
                files.push((entry.path, entry.stat.size));
            }
            Ok(())
        })?;
        files.sort_unstable();
        for (path, size) in files {
            let matches = self.search(path.as_str(), size, &mut search)?;
            if !matches.is_empty() {
                search.budget.take(path.len())?;
                found.push(FileMatches { path: path.as_str().to_owned(), matches });
            }
        }
        Ok(found)
    }

    fn search(&self, path: &str, size: u64, search: &mut Search<'_>) -> Result<Vec<Match>, StateError> {
        if size > PIECE as u64 {
            return self.search_pieces(path, search);
        }
        let bytes = self.vfs.read(path).map_err(|error| StateError::of_read(error, path))?;
        search.in_text(&lossy(&bytes))
    }

    /// A large file: whole lines of it at a time, with the context that they need.
    fn search_pieces(&self, path: &str, search: &mut Search<'_>) -> Result<Vec<Match>, StateError> {
        let file = self.vfs.open(path, OpenOptions::read())?;
        let (mut offset, mut held, mut from) = (0, Vec::new(), 0);
        search.begin();
        loop {
            let piece = file.read_bytes_at(offset, PIECE)?;
            offset += piece.len() as u64;
            held.extend_from_slice(&piece);
            let end = if piece.is_empty() { held.len() } else { lines_back(&held, search.after + 1) };
            if end > from {
                search.in_window(&held, from, end)?;
                let keep = lines_back(&held[..end], search.before + 1);
                held.drain(..keep);
                from = end - keep;
            }
            if piece.is_empty() || search.is_done() {
                return Ok(search.take());
            }
            if held.len() > WHOLE_MAX {
                return Err(too_large(path));
            }
        }
    }
}

/// Where the last `count` − 1 whole lines begin, and with them what follows the last line feed.
fn lines_back(bytes: &[u8], count: usize) -> usize {
    let mut ends = memchr::memrchr_iter(b'\n', bytes);
    ends.nth(count - 1).map_or(0, |end| end + 1)
}

/// A search, with what was found in the current file.
pub(super) struct Search<'a> {
    pattern: &'a Pattern,
    before: usize,
    after: usize,
    with_before: bool,
    with_after: bool,
    max: usize,
    budget: Budget,
    found: Vec<Match>,
    /// The number of the line that comes next.
    line: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(pattern: &'a Pattern, options: &SearchOptions) -> Search<'a> {
        Search {
            pattern,
            before: count(options.context_before),
            after: count(options.context_after),
            with_before: options.context_before.is_some(),
            with_after: options.context_after.is_some(),
            // None at all is one, as in the reference.
            max: options.max_matches.map_or(usize::MAX, |max| count(Some(max)).max(1)),
            budget: Budget::default(),
            found: Vec::new(),
            line: 1,
        }
    }

    /// The matches in one text.
    pub(super) fn in_text(&mut self, text: &str) -> Result<Vec<Match>, StateError> {
        self.begin();
        self.scan(text, 0, text.len())?;
        Ok(self.take())
    }

    fn begin(&mut self) {
        self.line = 1;
        self.found.clear();
    }

    fn take(&mut self) -> Vec<Match> {
        std::mem::take(&mut self.found)
    }

    fn is_done(&self) -> bool {
        self.found.len() >= self.max
    }

    /// The lines between two offsets; what is before and after is context.
    fn in_window(&mut self, bytes: &[u8], from: usize, to: usize) -> Result<(), StateError> {
        let (text, from, to) = match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), from, to),
            Err(_) => {
                let parts = [&bytes[..from], &bytes[from..to], &bytes[to..]].map(String::from_utf8_lossy);
                let from = parts[0].len();
                (Cow::Owned(parts.concat()), from, from + parts[1].len())
            }
        };
        let first = self.line;
        self.scan(&text, from, to)?;
        self.line = first + memchr_iter(b'\n', &text.as_bytes()[from..to]).count();
        Ok(())
    }

    fn scan(&mut self, text: &str, from: usize, to: usize) -> Result<(), StateError> {
        let (mut at, mut counted) = (from, from);
        // After the last line feed there is no line; without one at the end, there may be a match there.
        let is_open = to == text.len() && !text.ends_with('\n');
        while at < to && !self.is_done() {
            let Some(hit) = self.pattern.next_line(text, at).filter(|hit| *hit < to || is_open) else {
                break;
            };
            let bytes = text.as_bytes();
            let start = memrchr(b'\n', &bytes[at..hit]).map_or(at, |end| at + end + 1);
            let end = memchr(b'\n', &bytes[hit..]).map_or(text.len(), |end| hit + end);
            self.line += memchr_iter(b'\n', &bytes[counted..start]).count();
            counted = start;
            self.in_line(text, start, end)?;
            at = end + 1;
        }
        Ok(())
    }

    fn in_line(&mut self, text: &str, start: usize, end: usize) -> Result<(), StateError> {
        let line = without_return(&text[start..end]);
        let (mut column, mut counted) = (1, 0);
        let mut next = self.pattern.find(line, 0)?;
        while let Some(found) = next {
            if self.is_done() {
                break;
            }
            column += line[counted..found.start].chars().map(char::len_utf16).sum::<usize>();
            counted = found.start;
            let before = self.with_before.then(|| lines_before(text, start, self.before));
            let after = self.with_after.then(|| lines_after(text, end, self.after));
            let context: usize = before.iter().chain(&after).flatten().map(|line| line.len() + 24).sum();
            self.budget.take(64 + line.len() + found.len() + context)?;
            self.found.push(Match {
                line: self.line,
                column,
                text: line[found.clone()].to_owned(),
                line_text: line.to_owned(),
                before_lines: before.map(owned),
                after_lines: after.map(owned),
            });
            next = self.pattern.find_after(line, &found)?;
        }
        Ok(())
    }
}

fn owned(lines: Vec<&str>) -> Vec<String> {
    lines.into_iter().map(str::to_owned).collect()
}

fn without_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// The lines that end before an offset where one begins.
fn lines_before(text: &str, start: usize, count: usize) -> Vec<&str> {
    if start == 0 {
        return Vec::new();
    }
    let mut lines: Vec<&str> = text[..start - 1].rsplit('\n').take(count).map(without_return).collect();
    lines.reverse();
    lines
}

/// The lines after one that ends at an offset.
fn lines_after(text: &str, end: usize, count: usize) -> Vec<&str> {
    let rest = text.get(end + 1..).unwrap_or_default();
    let rest = rest.strip_suffix('\n').unwrap_or(rest);
    let any = end + 1 < text.len();
    rest.split('\n').take(if any { count } else { 0 }).map(without_return).collect()
}
