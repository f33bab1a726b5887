//! Which way a file is merged, and how much of it may be looked at.

use super::{csv, json, text};
use crate::path::VPathBuf;

/// The largest file whose content is merged, in bytes. What is larger is taken or left as a whole.
pub const MERGE_MAX: u64 = 32 << 20;
/// The largest file that is merged by structure; what is larger is merged by lines.
const JSON_MAX: usize = 8 << 20;

/// How a file that both sides changed was put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Line by line.
    Lines,
    /// Key by key of its objects.
    Json,
    /// Row by row, told apart by their keys.
    Csv,
}

impl Method {
    /// One word, as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Lines => "lines",
            Method::Json => "json",
            Method::Csv => "csv",
        }
    }
}

/// Why two contents do not go together, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Clash(pub(super) String);

impl Clash {
    pub(super) fn new(why: impl Into<String>) -> Clash {
        Clash(why.into())
    }
}

/// Why a content was not merged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failed {
    /// Both sides are right, and differ.
    Clash(Clash),
    /// What was asked for cannot be done with any of the three: the column that is no column.
    NoColumn(String),
}

impl From<Clash> for Failed {
    fn from(clash: Clash) -> Failed {
        Failed::Clash(clash)
    }
}

/// The three states of a file.
#[derive(Clone, Copy)]
pub(super) struct Three<T> {
    pub(super) base: T,
    pub(super) ours: T,
    pub(super) theirs: T,
}

impl<T> Three<T> {
    pub(super) fn all(&self, holds: impl Fn(&T) -> bool) -> bool {
        holds(&self.base) && holds(&self.ours) && holds(&self.theirs)
    }
}

/// Merges a file that both sides changed. `key` names the columns of a CSV's rows, if rows were asked for.
pub(super) fn merge(
    path: &VPathBuf,
    files: Three<&[u8]>,
    key: Option<&[String]>,
) -> Result<(Vec<u8>, Method), Failed> {
    if !files.all(|bytes| !bytes.contains(&0)) {
        return Err(Clash::new("binary, so merged as a whole").into());
    }
    if let Some(columns) = key {
        let separator = if path.ends_with(".tsv") { b'\t' } else { b',' };
        return csv::merge(files, columns, separator).map(|bytes| (bytes, Method::Csv));
    }
    if path.ends_with(".json")
        && files.all(|bytes| bytes.len() <= JSON_MAX)
        && let Some(merged) = json::merge(files)
    {
        return Ok((merged?, Method::Json));
    }
    Ok((text::merge(files.base, files.ours, files.theirs)?, Method::Lines))
}
