//! Writes to host directories: staged before the commit, put in place after it.
//!
//! Everything new is first written into a folder of its own in the mounted directory. Then a journal that lists the
//! remaining steps (each a rename, a removal or an attribute) goes into the workspace, then the run is committed,
//! which marks the journal as decided, then the steps are taken. Each step can be taken twice. If the process dies,
//! whoever opens the workspace next finds the journal and finishes the steps if they are decided, or else removes
//! the folder.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};

use cowry_vfs::sqlite::{KeptChanges, SqliteLayer};
use cowry_vfs::{
    Errno, FileType, HostLayer, HostOptions, Layer, NodeResult, OpenOptions, RenameMode, SetTime, Timestamp,
    VPathBuf, Vfs, VfsOptions,
};
use serde::{Deserialize, Serialize};

use super::steps::{Steps, What, copy, remove};
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::Mount;
use crate::record::ConflictRecord;
use crate::workspace::Workspace;

/// Kept for as long as it takes.
const FOREVER: Timestamp = Timestamp(i64::MAX);
/// Distinguishes journals from the changes of runs.
const KEY: &str = "host:";

/// What remains to be done, on all directories that a run wrote to.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    id: String,
    /// Whether the workspace's part is committed, so that these steps are to be finished.
    decided: bool,
    folders: Vec<Folder>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Folder {
    source: PathBuf,
    /// The folder in it that holds what is staged.
    staging: String,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Step {
    Remove(String),
    Directory {
        path: String,
        mode: u32,
    },
    /// Renames what is staged under a number into place.
    Place {
        path: String,
        number: usize,
    },
    Attributes {
        path: String,
        mode: u32,
        mtime: i64,
    },
}

/// Everything staged and journalled, but nothing in place yet.
#[derive(Debug)]
pub(crate) struct Staged {
    journal: Journal,
    /// Held as long as this process may still act on it.
    _locks: Vec<File>,
}

/// The paths of writable mounts that somebody else changed since the run saw them.
pub(crate) fn conflicts(mounts: &[Mount], diff: &Diff) -> Result<Vec<ConflictRecord>> {
    let mut found = Vec::new();
    for (mount, source) in writable(mounts) {
        let host = open(source)?;
        for change in &diff.changes {
            let path = change.from.as_ref().unwrap_or(&change.path);
            let Some(inner) =
                path.as_str().strip_prefix(mount.at.as_str()).filter(|rest| rest.starts_with('/'))
            else {
                continue;
            };
            let now = host.lstat(inner).ok();
            let same = match (change.before, now) {
                (None, None) => true,
                (Some(before), Some(now)) if before.kind == now.kind => {
                    before.is_dir() || (before.size, before.mtime) == (now.size, now.mtime)
                }
                _ => false,
            };
            if !same {
                found.push(ConflictRecord {
                    path: path.to_string(),
                    what: "changed on the host since".into(),
                });
            }
        }
    }
    Ok(found)
}

/// Writes everything new beside its place and the journal into the workspace. `None`: there is nothing to write.
pub(crate) fn stage(
    workspace: &Workspace,
    id: &str,
    mounts: &[Mount],
    steps: &Steps,
    after: &Vfs,
) -> Result<Option<Staged>> {
    let journal = Journal { id: id.into(), decided: false, folders: Vec::new() };
    let mut staged = Staged { journal, _locks: Vec::new() };
    for (mount, source) in writable(mounts) {
        let inner = steps.within(&mount.at);
        if inner.is_empty() {
            continue;
        }
        match stage_folder(id, mount, source, &inner, after) {
            Ok((folder, lock)) => {
                staged.journal.folders.push(folder);
                staged._locks.push(lock);
            }
            Err(error) => {
                clean(&staged.journal);
                return Err(error);
            }
        }
    }
    if staged.journal.folders.is_empty() {
        return Ok(None);
    }
    if let Err(error) = staged.write(workspace.file("write to a mount of")?) {
        clean(&staged.journal);
        return Err(error.into());
    }
    Ok(Some(staged))
}

/// The mounts of host directories that a run may change.
fn writable(mounts: &[Mount]) -> impl Iterator<Item = (&Mount, &Path)> {
    mounts.iter().filter(|mount| mount.is_writable()).filter_map(|mount| Some((mount, mount.folder()?)))
}

fn stage_folder(
    id: &str,
    mount: &Mount,
    source: &Path,
    steps: &Steps,
    after: &Vfs,
) -> Result<(Folder, File)> {
    let source = std::path::absolute(source).map_err(|error| Error::host("find", source, error))?;
    let staging = format!(".cowry-{id}");
    let host = open(&source)?;
    host.mkdir(&format!("/{staging}"), 0o700)?;
    let staged = (|| {
        let lock = lock(&source.join(&staging).join("lock"))?;
        let steps = stage_steps(&host, mount, &staging, steps, after)?;
        Ok((steps, lock))
    })();
    match staged {
        Ok((steps, lock)) => Ok((Folder { source, staging, steps }, lock)),
        Err(error) => {
            // What cannot be removed either is left, by a name that says whose it is.
            let _ = host.remove_all(&format!("/{staging}"));
            Err(error)
        }
    }
}

fn stage_steps(host: &Vfs, mount: &Mount, staging: &str, steps: &Steps, after: &Vfs) -> Result<Vec<Step>> {
    let mut list: Vec<Step> = steps.removes.iter().rev().map(|path| Step::Remove(path.to_string())).collect();
    let mut last = Vec::new();
    for (number, (path, make)) in steps.makes.iter().enumerate() {
        let from = format!("{}{path}", mount.at);
        let to = format!("/{staging}/{number}");
        let (path, mtime) = (path.to_string(), make.stat.mtime.0);
        let mode = host_mode(make.stat.kind, make.stat.mode);
        match make.what {
            What::Directory => {
                list.push(Step::Directory { path: path.clone(), mode });
                last.push(Step::Attributes { path, mode, mtime });
            }
            What::Attributes => last.push(Step::Attributes { path, mode, mtime }),
            What::Symlink => {
                host.symlink(&after.readlink(&from)?, &to)?;
                list.push(Step::Place { path, number });
            }
            What::File => {
                copy(after, &from, host, &to)?;
                host.chmod(&to, mode)?;
                host.utimes(&to, SetTime::Keep, SetTime::At(make.stat.mtime))?;
                host.open(&to, OpenOptions { no_follow: true, ..OpenOptions::read() })?.sync()?;
                list.push(Step::Place { path, number });
            }
        }
    }
    // The innermost first: what is put into a directory moves its time.
    list.extend(last.into_iter().rev());
    Ok(list)
}

impl Staged {
    fn write(&self, file: &SqliteLayer) -> NodeResult<()> {
        let text = serde_json::to_vec(&self.journal).expect("paths and numbers can be written as JSON");
        let kept = KeptChanges { changes: &text, until: FOREVER, base: None };
        file.put_run_changes(&format!("{KEY}{}", self.journal.id), kept)
    }

    /// Says that the steps are to be taken; part of the commit.
    pub fn decide(&mut self, file: &SqliteLayer) -> NodeResult<()> {
        self.journal.decided = true;
        self.write(file)
    }

    /// Takes the steps, then forgets the journal.
    pub fn put_in_place(self, workspace: &Workspace) -> Result<()> {
        take_all(&self.journal)?;
        forget(workspace, &self.journal)
    }

    /// Removes what was staged, then the journal.
    pub fn abandon(self, workspace: &Workspace) -> Result<()> {
        clean(&self.journal);
        forget(workspace, &self.journal)
    }
}

/// Finishes or undoes what a process that died had begun to write to host directories.
pub(crate) fn finish_host_writes(workspace: &Workspace) -> Result<()> {
    let file = workspace.file("write to a mount of")?;
    for key in file.run_changes_keys(KEY)? {
        let Some(text) = file.run_changes(&key)? else { continue };
        let Ok(journal) = serde_json::from_slice::<Journal>(&text) else { continue };
        if journal.folders.iter().any(|folder| is_held(&folder.source.join(&folder.staging).join("lock"))) {
            continue;
        }
        if journal.decided {
            take_all(&journal)?;
        } else {
            clean(&journal);
        }
        forget(workspace, &journal)?;
    }
    Ok(())
}

fn take_all(journal: &Journal) -> Result<()> {
    for folder in &journal.folders {
        let host = open(&folder.source)?;
        for step in &folder.steps {
            take(&host, &folder.staging, step)?;
        }
        host.remove_all(&format!("/{}", folder.staging))?;
        host.sync()?;
    }
    Ok(())
}

fn take(host: &Vfs, staging: &str, step: &Step) -> Result<()> {
    match step {
        Step::Remove(path) => remove(host, &VPathBuf::parse(path)?),
        Step::Directory { path, mode } => {
            match host.mkdir(path, host_mode(FileType::Directory, *mode) | 0o700) {
                Err(error) if error.errno() == Errno::EEXIST => Ok(()),
                made => Ok(made?),
            }
        }
        Step::Place { path, number } => {
            let staged = format!("/{staging}/{number}");
            // Not there any more: this step was taken before the crash.
            if host.lstat(&staged).is_err() {
                return Ok(());
            }
            if let Some(parent) = VPathBuf::parse(path)?.parent() {
                host.mkdir_all(&parent, 0o755)?;
            }
            Ok(host.rename(&staged, path, RenameMode::Replace)?)
        }
        Step::Attributes { path, mode, mtime } => {
            let there = host.lstat(path)?;
            // The bits that the host's own users gave a directory are theirs to take away.
            let own = if there.is_dir() { there.mode & 0o6000 } else { 0 };
            host.chmod(path, host_mode(there.kind, *mode) | own)?;
            Ok(host.utimes(path, SetTime::Keep, SetTime::At(Timestamp(*mtime)))?)
        }
    }
}

/// The part of a mode that a program may set on the host: never one by which others would run as somebody else.
pub(crate) fn host_mode(kind: FileType, mode: u32) -> u32 {
    mode & if kind == FileType::Directory { 0o1777 } else { 0o777 }
}

fn clean(journal: &Journal) {
    for folder in &journal.folders {
        if let Ok(host) = open(&folder.source) {
            let _ = host.remove_all(&format!("/{}", folder.staging));
        }
    }
}

fn forget(workspace: &Workspace, journal: &Journal) -> Result<()> {
    workspace.file("write to a mount of")?.drop_run_changes(&format!("{KEY}{}", journal.id))?;
    Ok(())
}

fn open(source: &Path) -> Result<Vfs> {
    let layer = HostLayer::open(source, HostOptions { read_only: false })
        .map_err(|error| Error::host("write to", source, error))?;
    let layer: std::sync::Arc<dyn Layer> = std::sync::Arc::new(layer);
    Ok(Vfs::new(layer, VfsOptions { umask: 0, ..VfsOptions::default() }))
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create_new(path).map_err(|error| Error::host("write", path, error))?;
    file.lock().map_err(|error| Error::host("lock", path, error))?;
    Ok(file)
}

/// Whether a process that is alive holds the lock.
fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}
