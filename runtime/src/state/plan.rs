//! `planEdits`, `applyEditPlan`, `applyEdits`: edits of many files, thought through before any is done.
//!
//! A plan is plain data. Edits of one file build on each other, and each remembers what the file was, so that a plan is
//! refused once somebody else has changed it.

use std::collections::BTreeMap;

use cowry_vfs::Errno;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diff;
use super::json::{Spaces, render};
use super::pattern::{Budget, Pattern, SearchOptions};
use super::replace::{BatchOptions, lossy, replace};
use super::{State, StateError, path};

/// What errors of edits say they come from.
const OPERATION: &str = "applyEdits";

/// One edit that is asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Instruction {
    Write {
        path: String,
        content: String,
    },
    Replace {
        path: String,
        search: String,
        replacement: String,
        #[serde(default)]
        options: Option<SearchOptions>,
    },
    WriteJson {
        path: String,
        value: Value,
        #[serde(default)]
        options: Option<JsonOptions>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonOptions {
    #[serde(default)]
    spaces: Spaces,
}

/// What was planned.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EditPlan {
    pub(crate) edits: Vec<PlannedEdit>,
    #[serde(default)]
    pub(crate) total_changed: f64,
    #[serde(default)]
    pub(crate) total_instructions: f64,
}

/// One edit of it: the content of its file when it is done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct PlannedEdit {
    #[serde(default)]
    pub(crate) instruction: Value,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) changed: bool,
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) diff: String,
    /// The BLAKE3 hash of what the file was before the plan, or [`MISSING`]; plans made by hand may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<String>,
}

/// The base of a file that is not there.
const MISSING: &str = "missing";

/// A file and its new content.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Write {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// What was done, or would be.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EditResult {
    pub(crate) dry_run: bool,
    pub(crate) edits: Vec<Edited>,
    pub(crate) total_changed: usize,
}

/// One of them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Edited {
    pub(crate) path: String,
    pub(crate) changed: bool,
    pub(crate) content: String,
    pub(crate) diff: String,
}

/// A file in the middle of its edits.
struct Draft {
    base: String,
    /// Its bytes; `None` while it is not there.
    content: Option<Vec<u8>>,
}

impl State<'_> {
    /// Plans edits and writes nothing.
    ///
    /// # Errors
    /// `ENOENT` for a replacement in a file that is not there and that no edit before makes; `EILSEQ` for one in a file
    /// that is no text, since a plan is text; those of queries and of reading.
    pub(crate) fn plan_edits(&self, instructions: &[Value]) -> Result<EditPlan, StateError> {
        let (mut drafts, mut budget) = (BTreeMap::new(), Budget::default());
        let mut edits = Vec::new();
        for value in instructions {
            let instruction = Instruction::deserialize(value).map_err(|error| {
                StateError::usage(format!("state.planEdits: an instruction does not fit: {error}: {value}"))
            })?;
            let edit = self.plan(instruction, value, &mut drafts)?;
            budget.take(edit.path.len() + edit.content.len() + edit.diff.len())?;
            edits.push(edit);
        }
        let total_changed = edits.iter().filter(|edit| edit.changed).count() as f64;
        Ok(EditPlan { total_instructions: edits.len() as f64, edits, total_changed })
    }

    fn plan(
        &self,
        instruction: Instruction,
        value: &Value,
        drafts: &mut BTreeMap<String, Draft>,
    ) -> Result<PlannedEdit, StateError> {
        let path = path::normal(instruction.path())?;
        let draft = self.draft(&path, drafts)?;
        let content = match instruction {
            Instruction::Write { content, .. } => content,
            Instruction::WriteJson { value, options, .. } => {
                render(&value, &options.unwrap_or_default().spaces)
            }
            Instruction::Replace { search, replacement, options, .. } => {
                let Some(before) = &draft.content else {
                    return Err(StateError::coded(Errno::ENOENT, format!("no such file: {path}"), &path));
                };
                if std::str::from_utf8(before).is_err() {
                    let what = format!("{path} is not UTF-8 text: edit it with replaceInFile");
                    return Err(StateError::coded(Errno::EILSEQ, what, &path));
                }
                let pattern = Pattern::new(&search, &options.unwrap_or_default())?;
                lossy(replace(before, &pattern, &replacement, &path)?.bytes)
            }
        };
        let base = Some(draft.base.clone());
        let Edited { changed, diff, .. } = draft.edit(&path, &content);
        Ok(PlannedEdit { instruction: value.clone(), path, changed, content, diff, base })
    }

    /// The file at a path, as the edits before left it. Two paths that lead to one file are one.
    fn draft<'d>(
        &self,
        path: &str,
        drafts: &'d mut BTreeMap<String, Draft>,
    ) -> Result<&'d mut Draft, StateError> {
        let real = self.vfs.realpath(path).map_or_else(|_| path.to_owned(), |real| real.as_str().to_owned());
        if !drafts.contains_key(&real) {
            let draft = match self.read_whole(&real) {
                Ok(bytes) => Draft { base: blake3::hash(&bytes).to_string(), content: Some(bytes.to_vec()) },
                Err(error) if error.is(Errno::ENOENT) => Draft { base: MISSING.into(), content: None },
                Err(error) => return Err(error),
            };
            drafts.insert(real.clone(), draft);
        }
        Ok(drafts.get_mut(&real).expect("it was just put there"))
    }

    /// Does what was planned.
    ///
    /// # Errors
    /// `ESTALE` if a file is not what it was when the plan was made; those of reading and writing. They are those of a
    /// batch.
    pub(crate) fn apply_edit_plan(
        &self,
        plan: &EditPlan,
        options: &BatchOptions,
    ) -> Result<EditResult, StateError> {
        self.apply(plan.edits.iter().map(|edit| (&*edit.path, &*edit.content, edit.base.as_deref())), options)
    }

    /// Writes files; those that have their content already are left alone.
    ///
    /// # Errors
    /// Those of reading and writing, as those of a batch.
    pub(crate) fn apply_edits(
        &self,
        edits: &[Write],
        options: &BatchOptions,
    ) -> Result<EditResult, StateError> {
        self.apply(edits.iter().map(|edit| (&*edit.path, &*edit.content, None)), options)
    }

    fn apply<'e>(
        &self,
        edits: impl Iterator<Item = (&'e str, &'e str, Option<&'e str>)>,
        options: &BatchOptions,
    ) -> Result<EditResult, StateError> {
        let dry_run = options.is_dry();
        let edits = self.in_batch(OPERATION, options, || {
            let (mut drafts, mut budget) = (BTreeMap::new(), Budget::default());
            let mut done = Vec::new();
            for (path, content, base) in edits {
                let path = path::normal(path)?;
                let draft = self.draft(&path, &mut drafts)?;
                if base.is_some_and(|base| base != draft.base) {
                    let what = format!("{path} has changed since the plan was made: plan the edits again");
                    return Err(StateError::coded(Errno::ESTALE, what, &path));
                }
                let edited = draft.edit(&path, content);
                if edited.changed && !dry_run {
                    self.write(&path, content.as_bytes())?;
                }
                budget.take(path.len() + content.len() + edited.diff.len())?;
                done.push(edited);
            }
            Ok(done)
        })?;
        Ok(EditResult { dry_run, total_changed: edits.iter().filter(|edit| edit.changed).count(), edits })
    }
}

impl Draft {
    /// Gives it another content and says how that differs.
    fn edit(&mut self, path: &str, content: &str) -> Edited {
        let changed = self.content.as_deref() != Some(content.as_bytes());
        let before = self.content.as_deref().unwrap_or_default();
        let diff = diff::of_bytes(path, path, before, content.as_bytes());
        if changed {
            self.content = Some(content.into());
        }
        Edited { path: path.to_owned(), changed, content: content.to_owned(), diff }
    }
}

impl Instruction {
    fn path(&self) -> &str {
        match self {
            Instruction::Write { path, .. }
            | Instruction::Replace { path, .. }
            | Instruction::WriteJson { path, .. } => path,
        }
    }
}
