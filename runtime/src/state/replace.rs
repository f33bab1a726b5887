//! `replaceInFile` and `replaceInFiles`: every match, by a text that stands for itself. Matches may span lines.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::diff;
use super::glob::Glob;
use super::pattern::{Budget, Pattern, SearchOptions, WHOLE_MAX, too_large};
use super::{State, StateError};
use crate::text;

/// How to replace in many files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReplaceOptions {
    /// What matches.
    #[serde(flatten)]
    pub(crate) search: SearchOptions,
    /// What becomes of an error.
    #[serde(flatten)]
    pub(crate) batch: BatchOptions,
}

/// How to change many files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BatchOptions {
    /// Whether nothing is written.
    pub(crate) dry_run: Option<bool>,
    /// Whether an error undoes what was written; it does unless this is false.
    pub(crate) rollback_on_error: Option<bool>,
}

impl BatchOptions {
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run == Some(true)
    }
}

/// What was replaced in one file.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Replaced {
    pub(crate) replaced: usize,
    pub(crate) content: String,
}

/// What was replaced in many.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplacedFiles {
    pub(crate) dry_run: bool,
    pub(crate) files: Vec<ReplacedFile>,
    pub(crate) total_files: usize,
    pub(crate) total_replacements: usize,
}

/// One of them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct ReplacedFile {
    pub(crate) path: String,
    pub(crate) replaced: usize,
    pub(crate) content: String,
    pub(crate) diff: String,
}

impl State<'_> {
    /// Replaces in one file, which is not written if nothing matches.
    ///
    /// # Errors
    /// Those of the query, of reading and of writing; `EFBIG` past 64 MiB before or after.
    pub(crate) fn replace_in_file(
        &self,
        path: &str,
        search: &str,
        replacement: &str,
        options: &SearchOptions,
    ) -> Result<Replaced, StateError> {
        let pattern = Pattern::new(search, options)?;
        let before = self.read_whole(path)?;
        let edit = replace(&before, &pattern, replacement, path)?;
        if edit.replaced > 0 {
            self.vfs.write(path, &edit.bytes)?;
        }
        Ok(Replaced { replaced: edit.replaced, content: lossy(edit.bytes) })
    }

    /// Replaces in all regular files that a pattern names; those without a match are not in the answer.
    ///
    /// # Errors
    /// As [`State::replace_in_file`], as those of a batch.
    pub(crate) fn replace_in_files(
        &self,
        pattern: &str,
        search: &str,
        replacement: &str,
        options: &ReplaceOptions,
    ) -> Result<ReplacedFiles, StateError> {
        let query = Pattern::new(search, &options.search)?;
        let mut paths = Vec::new();
        Glob::new(pattern)?.visit(self.vfs, &mut |entry| {
            if entry.stat.is_file() {
                paths.push(entry.path);
            }
            Ok(())
        })?;
        paths.sort_unstable();
        let dry_run = options.batch.is_dry();
        let files = self.in_batch("replaceInFiles", &options.batch, || {
            let (mut files, mut budget) = (Vec::new(), Budget::default());
            for path in &paths {
                if let Some(file) = self.replace_one(path, &query, replacement, dry_run, &mut budget)? {
                    files.push(file);
                }
            }
            Ok(files)
        })?;
        let total_replacements = files.iter().map(|file| file.replaced).sum();
        Ok(ReplacedFiles { dry_run, total_files: files.len(), total_replacements, files })
    }

    fn replace_one(
        &self,
        path: &str,
        query: &Pattern,
        replacement: &str,
        dry_run: bool,
        budget: &mut Budget,
    ) -> Result<Option<ReplacedFile>, StateError> {
        let before = self.read_whole(path)?;
        let edit = replace(&before, query, replacement, path)?;
        if edit.replaced == 0 {
            return Ok(None);
        }
        if !dry_run {
            self.vfs.write(path, &edit.bytes)?;
        }
        let diff = diff::of_bytes(path, path, &before, &edit.bytes);
        let (replaced, content) = (edit.replaced, lossy(edit.bytes));
        budget.take(path.len() + content.len() + diff.len())?;
        Ok(Some(ReplacedFile { path: path.to_owned(), replaced, content, diff }))
    }

    /// Runs an operation on many files: what it fails with says whether everything is as it was.
    pub(super) fn in_batch<T>(
        &self,
        operation: &'static str,
        options: &BatchOptions,
        work: impl FnOnce() -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let rolls_back = options.rollback_on_error != Some(false);
        let done = if rolls_back { self.atomically(work) } else { work() };
        done.map_err(|error| error.in_batch(operation, rolls_back))
    }
}

/// An edited content.
pub(super) struct Edit {
    pub(super) replaced: usize,
    pub(super) bytes: Vec<u8>,
}

/// Replaces every match. Bytes that are no UTF-8 are searched as U+FFFD and stay as they are where nothing matches.
///
/// # Errors
/// As [`Pattern::find`]; `EFBIG` if the result is longer than 64 MiB.
pub(super) fn replace(
    bytes: &[u8],
    pattern: &Pattern,
    replacement: &str,
    path: &str,
) -> Result<Edit, StateError> {
    let text = text::lossy(bytes);
    let places = Places::of(bytes);
    let mut edit = Edit { replaced: 0, bytes: Vec::new() };
    let mut kept = 0;
    let mut next = pattern.find(&text, 0)?;
    while let Some(found) = next {
        let Range { start, end } = places.in_bytes(&found);
        edit.bytes.extend_from_slice(&bytes[kept..start]);
        edit.bytes.extend_from_slice(replacement.as_bytes());
        edit.replaced += 1;
        kept = end;
        if edit.bytes.len() > WHOLE_MAX {
            return Err(too_large(path));
        }
        next = pattern.find_after(&text, &found)?;
    }
    edit.bytes.extend_from_slice(&bytes[kept..]);
    Ok(edit)
}

/// Where offsets of a text are in the bytes that it was decoded from.
struct Places {
    /// For each U+FFFD that stands for bytes: where it ends in the text, and where those end.
    shifts: Vec<(usize, usize)>,
}

impl Places {
    fn of(bytes: &[u8]) -> Places {
        let (mut in_text, mut in_bytes, mut shifts) = (0, 0, Vec::new());
        for chunk in bytes.utf8_chunks() {
            in_text += chunk.valid().len();
            in_bytes += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                in_text += '\u{fffd}'.len_utf8();
                in_bytes += chunk.invalid().len();
                shifts.push((in_text, in_bytes));
            }
        }
        Places { shifts }
    }

    fn in_bytes(&self, range: &Range<usize>) -> Range<usize> {
        self.offset(range.start)..self.offset(range.end)
    }

    fn offset(&self, at: usize) -> usize {
        match self.shifts.partition_point(|(in_text, _)| *in_text <= at) {
            0 => at,
            passed => {
                let (in_text, in_bytes) = self.shifts[passed - 1];
                in_bytes + (at - in_text)
            }
        }
    }
}

/// Bytes as JavaScript gets them.
pub(super) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
