//! What remains to be written to buckets, as the workspace keeps it.

use std::fs::File;
use std::path::{Path, PathBuf};

use cowry_vfs::Timestamp;
use cowry_vfs::sqlite::{KeptChanges, Revision, SqliteLayer};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::record::BucketRecord;
use crate::workspace::Workspace;

/// Kept for as long as it takes.
const FOREVER: Timestamp = Timestamp(i64::MAX);
/// Distinguishes these journals from the changes of runs.
const KEY: &str = "bucket:";
/// What stands between the name of a workspace and the id of what is held.
const HELD: &str = "-held-";
/// The most addresses of conflicts that are named.
const NAMED: usize = 100;

/// What a run or a commit of a session has to write to buckets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub id: String,
    /// Whether the workspace's part is committed, so that the steps are to be taken.
    pub decided: bool,
    /// The revision that holds what is promoted.
    pub revision: Option<u64>,
    /// Whether what is promoted was to be there long ago, so that what is there may be newer.
    #[serde(default)]
    pub late: bool,
    pub targets: Vec<Target>,
}

/// One bucket, and what is to be written to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Target {
    pub address: String,
    /// The mount it is, or `None` where files are promoted to it.
    pub mount: Option<String>,
    pub done: u64,
    #[serde(default)]
    pub removed: u64,
    pub bytes: u64,
    pub steps: Vec<Step>,
    pub conflicts: Vec<String>,
    pub trouble: Option<String>,
}

/// One object to be written or removed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    /// Its name below the address.
    pub name: String,
    /// How it was when the run saw it.
    pub want: Want,
    pub act: Act,
}

impl Step {
    /// How much is to be written.
    pub fn bytes(&self) -> u64 {
        match self.act {
            Act::Promote { size, .. } | Act::Put { size, .. } => size,
            Act::Remove | Act::Mark | Act::Unmark => 0,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Act {
    /// Writes the file at a path of the revision.
    Promote {
        path: String,
        size: u64,
    },
    /// Writes what is staged under a number.
    Put {
        number: usize,
        size: u64,
        mode: u32,
        mtime: i64,
    },
    Remove,
    /// Marks a folder that is empty.
    Mark,
    /// Removes the mark of a folder that is gone.
    Unmark,
}

/// What is expected under a name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Want {
    Anything,
    Absent,
    Tag(String),
    /// Nothing that was written after the revision that is promoted.
    NotNewer,
}

impl Target {
    pub fn new(address: impl ToString, mount: Option<String>, steps: Vec<Step>) -> Target {
        let address = address.to_string();
        Target { address, mount, done: 0, removed: 0, bytes: 0, steps, conflicts: Vec::new(), trouble: None }
    }

    pub fn record(&self) -> BucketRecord {
        BucketRecord {
            address: self.address.clone(),
            mount: self.mount.clone(),
            done: self.done,
            removed: self.removed,
            bytes: self.bytes,
            left: self.steps.len() as u64,
            conflicts: self.conflicts.iter().take(NAMED).cloned().collect(),
            trouble: self.trouble.clone(),
        }
    }
}

impl Journal {
    pub fn is_done(&self) -> bool {
        self.targets.iter().all(|target| target.steps.is_empty())
    }

    /// Has everything written over what others changed.
    pub fn want_anything(&mut self) {
        let steps = self.targets.iter_mut().flat_map(|target| &mut target.steps);
        steps.for_each(|step| step.want = Want::Anything);
    }

    pub fn records(&self) -> Vec<BucketRecord> {
        self.targets.iter().map(Target::record).collect()
    }

    /// Writes it; the revision that it names is not pruned as long as it is there.
    pub fn write(&self, file: &SqliteLayer) -> cowry_vfs::NodeResult<()> {
        let text = serde_json::to_vec(self).expect("names and numbers can be written as JSON");
        let kept = KeptChanges { changes: &text, until: FOREVER, base: self.revision.map(Revision) };
        file.put_run_changes(&format!("{KEY}{}", self.id), kept)
    }

    pub fn forget(&self, file: &SqliteLayer) -> cowry_vfs::NodeResult<()> {
        file.drop_run_changes(&format!("{KEY}{}", self.id)).map(drop)
    }

    /// The one with this id, if it is there.
    pub fn of(file: &SqliteLayer, id: &str) -> Result<Option<Journal>> {
        let text = file.run_changes(&format!("{KEY}{id}"))?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Every one that there is. One from another version is left for that.
    pub fn all(file: &SqliteLayer) -> Result<Vec<Journal>> {
        let mut found = Vec::new();
        for key in file.run_changes_keys(KEY)? {
            let text = file.run_changes(&key)?;
            found.extend(text.and_then(|text| serde_json::from_slice(&text).ok()));
        }
        Ok(found)
    }
}

/// The folder beside the workspace that holds content until it is in a bucket, and tells by a lock who is at it.
#[derive(Debug)]
pub(super) struct Held {
    pub path: PathBuf,
    lock: Option<File>,
}

impl Held {
    pub fn of(workspace: &Workspace, id: &str) -> Result<Held> {
        let file = workspace.path().ok_or(Error::Scratch { what: "write to a bucket" })?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(Held { path: file.with_file_name(format!("{name}{HELD}{id}")), lock: None })
    }

    /// Makes it, with the lock held.
    pub fn make(mut self) -> Result<Held> {
        std::fs::create_dir_all(&self.path).map_err(|error| Error::host("make", &self.path, error))?;
        let lock = self.path.join("lock");
        let file = File::options().create(true).append(true).open(&lock);
        let file = file.map_err(|error| Error::host("write", &lock, error))?;
        file.try_lock()
            .map_err(|_| Error::Refused(format!("another process is writing {}", lock.display())))?;
        self.lock = Some(file);
        Ok(self)
    }

    /// Whether a process that is alive is at it.
    pub fn is_busy(&self) -> bool {
        File::open(self.path.join("lock"))
            .is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
    }

    /// What to do if the content for a target is not there, as when the workspace has another name since.
    pub fn misses(&self, target: &Target) -> Option<String> {
        let mut puts = target.steps.iter().filter_map(|step| match step.act {
            Act::Put { number, .. } => Some(self.staged(number)),
            _ => None,
        });
        if puts.all(|staged| staged.exists()) {
            return None;
        }
        let here = self.path.display();
        Some(match self.elsewhere() {
            Some(folder) => {
                format!(
                    "it is held in {}, as the workspace had another name: rename that to {here}",
                    folder.display()
                )
            }
            None => format!("it was held beside the workspace, in {here}, which is not there: put it back"),
        })
    }

    /// The folder that was made for the same writes when the workspace had another name.
    fn elsewhere(&self) -> Option<PathBuf> {
        let own = self.path.file_name()?.to_string_lossy();
        let suffix = &own[own.rfind(HELD)?..];
        let beside = self.path.parent().filter(|folder| *folder != Path::new(""));
        let entries = std::fs::read_dir(beside.unwrap_or(Path::new("."))).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut others = names.filter(|name| name.ends_with(suffix) && *name != own);
        // Of several it cannot be told which.
        let found = others.next()?;
        others.next().is_none().then(|| self.path.with_file_name(found))
    }

    pub fn staged(&self, number: usize) -> PathBuf {
        self.path.join(number.to_string())
    }

    /// Removes it. What cannot be removed is left, by a name that says whose it is.
    pub fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
