//! Pulling.

use std::path::Path;

use super::block;
use super::depot::Depot;
use super::manifest::Manifest;
use super::partial::Partial;
use super::{PARALLEL, PushError, PushInfo, PushName, PushProgress, Stage};
use crate::failpoint;
use crate::object::Bucket;
use crate::sqlite::travel;
use crate::sqlite::{SqliteLayer, SqliteOptions};

/// What to pull, and how.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// What was pushed. If `None`, what is called as the target's file is, or the only one there is.
    pub name: Option<PushName>,
    /// Which push of that name; the latest if `None`.
    pub number: Option<u64>,
    /// Requests under way at once.
    pub parallel: usize,
}

impl Default for PullOptions {
    fn default() -> PullOptions {
        PullOptions { name: None, number: None, parallel: PARALLEL }
    }
}

/// What a pull did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulled {
    /// What was asked for.
    pub info: PushInfo,
    /// Whether the workspace has it all already, so that nothing was done.
    pub unchanged: bool,
    /// Whether there was no file before.
    pub created: bool,
    /// Blocks of the file.
    pub blocks: u64,
    /// Blocks that were fetched.
    pub fetched_blocks: u64,
    /// Pieces of content that stay in the bucket and are read there.
    pub pieces: u64,
}

/// Pulls a workspace to `target`, where it appears when it is whole and checked. If a file is there, it has to be an
/// older state of the same workspace, and takes everything at once: nothing that is only there is lost.
///
/// # Errors
/// [`PushError::Conflict`] if the file that is there has revisions, or changes in no revision, that were not pushed;
/// [`PushError::Unusable`] if nothing of that name is there, it is damaged, or the file is another workspace; `EBUSY` if
/// anybody has that file open. What was fetched stays beside the target for the next pull.
pub fn pull(
    bucket: &Bucket,
    target: &Path,
    how: &SqliteOptions,
    options: &PullOptions,
    on_progress: &mut dyn FnMut(PushProgress),
) -> Result<Pulled, PushError> {
    let depot = Depot::find(bucket)?.ok_or_else(|| nothing(bucket))?;
    let manifest = choose(&depot, target, options)?;
    let created = target.symlink_metadata().is_err();
    let info = manifest.info.clone();
    let blocks = manifest.hashes.len() as u64;
    let pieces = manifest.pieces;
    let done =
        |unchanged, fetched_blocks| Pulled { info, unchanged, created, blocks, fetched_blocks, pieces };
    if !created && has_it(target, how, &manifest.info)? {
        return Ok(done(true, 0));
    }
    let draft = Partial::claim(target)?;
    let fetched = draft.fill(bucket, &manifest, target, options.parallel, on_progress)?;
    failpoint::pass("PULL_FETCHED")?;
    on_progress(PushProgress {
        stage: Stage::Checking,
        blocks,
        bytes: manifest.info.bytes,
        of_bytes: manifest.info.bytes,
    });
    draft.settle(&manifest.info, &bucket.location().join(block::FOLDER).to_string(), how)?;
    failpoint::pass("PULL_CHECKED")?;
    if created {
        travel::appear(&draft.path, target, how)?;
    } else {
        travel::succeed(&draft.path, target, how)?;
    }
    draft.done();
    Ok(done(false, fetched))
}

fn nothing(bucket: &Bucket) -> PushError {
    let place = bucket.location();
    PushError::Unusable(format!(
        "nothing was pushed to {place}: check the address, or `cowry push {place}` first"
    ))
}

/// The push that is meant.
fn choose(depot: &Depot<'_>, target: &Path, options: &PullOptions) -> Result<Manifest, PushError> {
    let name = match &options.name {
        Some(name) => name.clone(),
        None => only_name(depot, target)?,
    };
    let numbers = depot.numbers(&name)?;
    let place = depot.bucket.location();
    let number = match (options.number, numbers.last()) {
        (_, None) => {
            let names = told(&depot.names()?);
            let there = if names.is_empty() { String::new() } else { format!(" (there: {names})") };
            return Err(PushError::Unusable(format!("nothing called {name} was pushed to {place}{there}")));
        }
        (None, Some(latest)) => *latest,
        (Some(number), _) if numbers.contains(&number) => number,
        (Some(number), _) => {
            let why = format!("there is no push {number} of {name}: see `cowry push --list {place}`");
            return Err(PushError::Unusable(why));
        }
    };
    depot.manifest(&name, number)
}

fn only_name(depot: &Depot<'_>, target: &Path) -> Result<PushName, PushError> {
    let (usual, mut names) = (PushName::of_file(target), depot.names()?);
    if names.len() > 1 {
        // A name that all pushes of were removed may be left as a folder.
        let counts: Vec<_> = names.iter().map(|name| depot.numbers(name)).collect::<Result<_, _>>()?;
        let mut counts = counts.iter();
        names.retain(|_| counts.next().is_some_and(|numbers| !numbers.is_empty()));
    }
    match names.len() {
        _ if names.contains(&usual) => Ok(usual),
        0 => Err(nothing(depot.bucket)),
        1 => Ok(names.remove(0)),
        _ => {
            let (place, names) = (depot.bucket.location(), told(&names));
            Err(PushError::Unusable(format!(
                "several were pushed to {place} ({names}): say which with --name"
            )))
        }
    }
}

fn told(names: &[PushName]) -> String {
    const TOLD: usize = 10;
    let list: Vec<&str> = names.iter().take(TOLD).map(PushName::as_str).collect();
    let more = if names.len() > TOLD { ", …" } else { "" };
    format!("{}{more}", list.join(", "))
}

/// Whether the workspace that is there has all that was pushed. What it could not take is told before anything is
/// fetched.
fn has_it(target: &Path, how: &SqliteOptions, pushed: &PushInfo) -> Result<bool, PushError> {
    let layer = SqliteLayer::open(target, how)?;
    let (here, file) = (layer.standing()?, target.display());
    if here.workspace != pushed.workspace {
        return Err(PushError::Unusable(format!(
            "{file} is another workspace than what was pushed: name another file"
        )));
    }
    let (name, there) = (&pushed.name, pushed.revision);
    let is_known = layer.sealed_at(there)? == Some(pushed.sealed_at);
    if is_known {
        return Ok(true);
    }
    if there <= here.head {
        return Err(PushError::Conflict(format!(
            "{file} went its own way: its revision {there} is another one than that of {name}; pull into another file \
             and merge"
        )));
    }
    if here.is_fork {
        return Err(PushError::Conflict(format!(
            "{file} is a fork: `cowry -w {file} flatten` makes it stand alone first"
        )));
    }
    if here.is_open {
        return Err(PushError::Conflict(travel::UNSEALED.into()));
    }
    Ok(false)
}
