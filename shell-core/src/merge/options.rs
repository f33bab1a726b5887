//! What is decided about a merge beforehand.

use std::collections::BTreeMap;
use std::str::FromStr;

use cowry_vfs::VPathBuf;
use cowry_vfs::merge::{MergeConflictKind, MergeRules, Resolution};

use crate::policy::{Glob, GlobError};
use crate::run::Side;

/// How to merge.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// Whose version to take at paths where there is a conflict; the first that matches wins.
    pub sides: Vec<(Glob, Side)>,
    /// New content for paths where there is a conflict. It goes before a side.
    pub contents: BTreeMap<VPathBuf, Vec<u8>>,
    /// What tells the rows of CSV files apart; the first that matches wins. Others are merged by lines.
    pub csv_keys: Vec<CsvKey>,
    /// Whether to commit nothing.
    pub dry_run: bool,
    /// What to say about the revision, instead of what was merged.
    pub message: Option<String>,
}

impl MergeOptions {
    /// Options that take one side wherever there is a conflict.
    ///
    /// # Panics
    /// Never: the glob that matches everything is one.
    pub fn taking(side: Side) -> MergeOptions {
        let all = Glob::new("/**").expect("it is a glob");
        MergeOptions { sides: vec![(all, side)], ..MergeOptions::default() }
    }

    /// The side to take at a path, if one is.
    pub(crate) fn side(&self, path: &VPathBuf) -> Option<Side> {
        self.sides.iter().find(|(glob, _)| glob.matches(path)).map(|(_, side)| *side)
    }
}

impl MergeRules for MergeOptions {
    fn resolve(&self, path: &VPathBuf, what: MergeConflictKind) -> Option<Resolution> {
        if let Some(content) = self.contents.get(path).filter(|_| what.takes_content()) {
            return Some(Resolution::Content(content.clone().into()));
        }
        Some(match self.side(path)? {
            Side::Ours => Resolution::Ours,
            Side::Theirs => Resolution::Theirs,
        })
    }

    fn csv_key(&self, path: &VPathBuf) -> Option<Vec<String>> {
        self.csv_keys.iter().find(|key| key.glob.matches(path)).map(|key| key.columns.clone())
    }
}

/// Which files are CSV, and which columns of theirs tell rows apart. As text: `GLOB=COLUMN[,COLUMN]`.
#[derive(Clone, Debug)]
pub struct CsvKey {
    /// The files.
    pub glob: Glob,
    /// The columns, as the header names them; together they are the key.
    pub columns: Vec<String>,
}

/// Why a text is no [`CsvKey`].
#[derive(Debug, thiserror::Error)]
pub enum CsvKeyError {
    /// No glob, no column, or nothing between.
    #[error("write GLOB=COLUMN, or GLOB=COLUMN,COLUMN for a key of several columns")]
    Form,
    /// A glob that cannot be used.
    #[error(transparent)]
    Glob(#[from] GlobError),
}

impl FromStr for CsvKey {
    type Err = CsvKeyError;

    fn from_str(text: &str) -> Result<CsvKey, CsvKeyError> {
        let (glob, columns) = text.split_once('=').ok_or(CsvKeyError::Form)?;
        let columns: Vec<String> = columns.split(',').map(|column| column.trim().to_owned()).collect();
        if columns.iter().any(String::is_empty) {
            return Err(CsvKeyError::Form);
        }
        Ok(CsvKey { glob: Glob::new(glob)?, columns })
    }
}
