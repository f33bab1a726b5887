//! What is searched for: plain text, a pattern that runs in linear time, or one that has to backtrack and is bounded.

use std::ops::Range;

use memchr::memmem::Finder;
use serde::Deserialize;

use super::script_regex::{Manner, of_text, translate};
use super::{State, StateError};

/// How often a search may go back before it gives up: milliseconds of work.
const BACKTRACK_MAX: usize = 200_000;
/// The largest automaton, in bytes.
const SIZE_MAX: usize = 4 << 20;

/// How to search; what is left out is as JavaScript's `g` has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct SearchOptions {
    /// Whether `A` is another letter than `a`; it is unless this is false.
    pub(crate) case_sensitive: Option<bool>,
    /// Whether the query is a regular expression.
    pub(crate) regex: Option<bool>,
    /// Whether matches begin and end where words do.
    pub(crate) whole_word: Option<bool>,
    /// How many lines before the one of a match come with it.
    pub(crate) context_before: Option<f64>,
    /// And after it.
    pub(crate) context_after: Option<f64>,
    /// The most matches of one file.
    pub(crate) max_matches: Option<f64>,
}

/// A query, compiled.
#[derive(Debug)]
pub(crate) struct Pattern {
    engine: Engine,
    query: String,
}

#[derive(Debug)]
enum Engine {
    Text(Box<Finder<'static>>),
    Linear {
        text: regex::Regex,
        /// Finds the lines that may match in a text of many.
        lines: regex::Regex,
    },
    Backtracking(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// Compiles a query.
    ///
    /// # Errors
    /// If it is empty, or no regular expression.
    pub(crate) fn new(query: &str, options: &SearchOptions) -> Result<Pattern, StateError> {
        if query.is_empty() {
            return Err(StateError::new("Search query must not be empty"));
        }
        let engine = Engine::new(query, options)
            .map_err(|why| StateError::new(format!("Invalid search pattern: /{query}/: {why}")))?;
        Ok(Pattern { engine, query: query.to_owned() })
    }

    /// The first match that begins at an offset or later.
    ///
    /// # Errors
    /// If it would have to go back too often.
    pub(super) fn find(&self, text: &str, at: usize) -> Result<Option<Range<usize>>, StateError> {
        match &self.engine {
            Engine::Text(finder) => {
                let found = finder.find(&text.as_bytes()[at..]).map(|found| at + found);
                Ok(found.map(|start| start..start + finder.needle().len()))
            }
            Engine::Linear { text: regex, .. } => Ok(regex.find_at(text, at).map(|found| found.range())),
            Engine::Backtracking(regex) => match regex.find_from_pos(text, at) {
                Ok(found) => Ok(found.map(|found| found.range())),
                Err(error) => Err(self.gave_up(&error)),
            },
        }
    }

    /// The next match after another, as `exec` goes on: past an empty one by a character.
    ///
    /// # Errors
    /// As [`Pattern::find`].
    pub(super) fn find_after(
        &self,
        text: &str,
        last: &Range<usize>,
    ) -> Result<Option<Range<usize>>, StateError> {
        let step =
            if last.is_empty() { text[last.end..].chars().next().map_or(1, char::len_utf8) } else { 0 };
        if last.end + step > text.len() { Ok(None) } else { self.find(text, last.end + step) }
    }

    /// An offset within the next line, from the beginning of one on, in which there may be a match.
    pub(super) fn next_line(&self, text: &str, at: usize) -> Option<usize> {
        match &self.engine {
            Engine::Text(finder) => finder.find(&text.as_bytes()[at..]).map(|found| at + found),
            Engine::Linear { lines, .. } => lines.find_at(text, at).map(|found| found.start()),
            Engine::Backtracking(_) => Some(at),
        }
    }

    fn gave_up(&self, error: &fancy_regex::Error) -> StateError {
        StateError::new(format!(
            "Search pattern takes too long: /{}/ ({error}): write it without lookaround and backreferences, or narrow it",
            self.query
        ))
    }
}

impl Engine {
    fn new(query: &str, options: &SearchOptions) -> Result<Engine, String> {
        let caseless = options.case_sensitive == Some(false);
        let whole_word = options.whole_word == Some(true);
        let is_regex = options.regex == Some(true);
        if !is_regex && !caseless && !whole_word {
            return Ok(Engine::Text(Box::new(Finder::new(query).into_owned())));
        }
        let manner = Manner { whole_word, caseless };
        let translated = if is_regex { translate(query, manner)? } else { of_text(query, manner) };
        match translated.lines {
            Some(lines) => Ok(Engine::Linear {
                text: linear(&translated.text, caseless)?,
                lines: linear(&lines, caseless)?,
            }),
            None => backtracking(&translated.text, caseless),
        }
    }
}

fn linear(pattern: &str, caseless: bool) -> Result<regex::Regex, String> {
    let built = regex::RegexBuilder::new(pattern).case_insensitive(caseless).size_limit(SIZE_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".into(),
        // The last line says what; those before show the pattern as it was translated.
        error => error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
    })
}

fn backtracking(pattern: &str, caseless: bool) -> Result<Engine, String> {
    let built = fancy_regex::RegexBuilder::new(pattern)
        .case_insensitive(caseless)
        .backtrack_limit(BACKTRACK_MAX)
        .delegate_size_limit(SIZE_MAX)
        .build();
    built.map(|regex| Engine::Backtracking(Box::new(regex))).map_err(|error| error.to_string())
}

/// A count as JavaScript gives it; what is no count is 0.
pub(super) fn count(number: Option<f64>) -> usize {
    number.unwrap_or(0.0).clamp(0.0, 1e9) as usize
}

impl State<'_> {
    /// The whole content of a file that is edited or compared, and so held several times.
    ///
    /// # Errors
    /// `EFBIG` past [`WHOLE_MAX`]; those of reading.
    pub(super) fn read_whole(&self, path: &str) -> Result<bytes::Bytes, StateError> {
        let stat = self.vfs.stat(path)?;
        if stat.is_dir() {
            return Err(cowry_vfs::Error::at("read", path, cowry_vfs::Errno::EISDIR).into());
        }
        if stat.is_file() && stat.size > WHOLE_MAX as u64 {
            return Err(too_large(path));
        }
        Ok(self.vfs.read(path)?)
    }
}

/// The most bytes of a file that is handled as a whole, and of what one operation answers with.
pub(super) const WHOLE_MAX: usize = 64 << 20;

pub(super) fn too_large(path: &str) -> StateError {
    let what = format!("file too large: {path} has more than {} MiB", WHOLE_MAX >> 20);
    StateError::coded(cowry_vfs::Errno::EFBIG, what, path)
}

/// How much an operation may still answer with.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { left: WHOLE_MAX }
    }
}

impl Budget {
    /// Takes bytes of it.
    ///
    /// # Errors
    /// If that is more than is left, since nothing is left out silently.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), StateError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            StateError::new(format!(
                "the result is larger than {} MiB: narrow the pattern or the query, or ask for less at once",
                WHOLE_MAX >> 20
            ))
        })?;
        Ok(())
    }
}
