//! A diff as steps on paths, for places where a changeset cannot be replayed node by node: host directories, and a
//! workspace that has moved on.
//!
//! Hard links become copies and a renamed directory is written anew: paths know no more.

use std::collections::{BTreeMap, BTreeSet};

use cowry_vfs::commit::{Judge, Verdict};
use cowry_vfs::{Change, ChangeKind, Errno, FileType, OpenOptions, SeekTo, SetTime, Stat, VPathBuf, Vfs};
use serde::{Deserialize, Serialize};

use crate::diff::Diff;
use crate::error::Result;

/// How much of a file is copied at once.
const PIECE: usize = 1 << 20;

/// What to remove, then what to make, in path order.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    pub removes: BTreeSet<VPathBuf>,
    pub makes: BTreeMap<VPathBuf, Make>,
}

/// How a path is made what it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Make {
    pub what: What,
    /// The attributes it gets.
    pub stat: Stat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum What {
    Directory,
    File,
    Symlink,
    /// Only mode and time of what is there.
    Attributes,
}

impl Steps {
    /// The steps for everything in a diff that the judge keeps.
    pub fn of(diff: &Diff, judge: &dyn Judge) -> Result<Steps> {
        Steps::of_those(diff, judge, |_| true)
    }

    /// The same, of the changes that `which` says.
    pub fn of_those(diff: &Diff, judge: &dyn Judge, which: impl Fn(&Change) -> bool) -> Result<Steps> {
        let mut steps = Steps::default();
        for change in diff.changes.iter().filter(|change| which(change)) {
            steps.change(diff, change, judge)?;
        }
        Ok(steps)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.removes.is_empty() && self.makes.is_empty()
    }

    /// Those of one mount, its own paths for those of the whole tree.
    pub fn within(&self, place: &VPathBuf) -> Steps {
        let inner = |path: &VPathBuf| {
            let rest = path.as_str().strip_prefix(place.as_str())?;
            (rest.starts_with('/')).then(|| VPathBuf::parse(rest).ok()).flatten()
        };
        Steps {
            removes: self.removes.iter().filter_map(inner).collect(),
            makes: self.makes.iter().filter_map(|(path, make)| Some((inner(path)?, *make))).collect(),
        }
    }

    fn change(&mut self, diff: &Diff, change: &Change, judge: &dyn Judge) -> Result<()> {
        let moved = change.kind == ChangeKind::Renamed;
        let replaced = match (change.before, change.after) {
            (Some(before), Some(after)) => before.kind != after.kind,
            _ => false,
        };
        let old = change.from.as_ref().unwrap_or(&change.path);
        // What goes with a removed directory is in the diff; what goes with a moved one is not. Only directories
        // are walked: a walk would follow a link that it begins at.
        if (moved || replaced) && change.before.is_some_and(|stat| stat.is_dir()) {
            for entry in diff.before().walk_tree(old)? {
                self.remove(entry?.path, judge);
            }
        } else if moved || replaced || change.kind == ChangeKind::Removed {
            self.remove(old.clone(), judge);
        }
        let Some(stat) = change.after else { return Ok(()) };
        if moved && stat.is_dir() {
            for entry in diff.after().walk_tree(&change.path)? {
                let entry = entry?;
                self.make(&entry.path, entry.stat, false, judge);
            }
        } else {
            let only_attributes = change.kind == ChangeKind::Modified && !change.content && !replaced;
            self.make(&change.path, stat, only_attributes, judge);
        }
        Ok(())
    }

    fn remove(&mut self, path: VPathBuf, judge: &dyn Judge) {
        if judge.verdict(&path) != Verdict::Discard {
            self.removes.insert(path);
        }
    }

    fn make(&mut self, path: &VPathBuf, stat: Stat, only_attributes: bool, judge: &dyn Judge) {
        if judge.verdict(path) == Verdict::Discard {
            return;
        }
        let what = match stat.kind {
            _ if only_attributes => What::Attributes,
            FileType::Directory => What::Directory,
            FileType::Regular => What::File,
            FileType::Symlink => What::Symlink,
            // Nothing that could be opened: it is left out.
            _ => return,
        };
        self.makes.insert(path.clone(), Make { what, stat });
    }

    /// Takes the steps on a tree; `from` is where content comes from. What is in the way gives way.
    pub fn apply(&self, from: &Vfs, to: &Vfs) -> Result<()> {
        for path in self.removes.iter().rev() {
            remove(to, path)?;
        }
        for (path, make) in &self.makes {
            put(from, to, path, make)?;
        }
        self.set_times(to)
    }

    /// Gives the directories that are made their times: last, since making an entry moves the time of its directory.
    pub fn set_times(&self, to: &Vfs) -> Result<()> {
        for (path, make) in self.makes.iter().rev().filter(|(_, make)| make.stat.is_dir()) {
            to.utimes(path, SetTime::Keep, SetTime::At(make.stat.mtime))?;
        }
        Ok(())
    }
}

/// Removes a path; a directory only if it is empty by now, and nothing there is fine.
pub(super) fn remove(tree: &Vfs, path: &VPathBuf) -> Result<()> {
    let removed = match tree.lstat(path) {
        Ok(stat) if stat.is_dir() => tree.rmdir(path),
        Ok(_) => tree.unlink(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if !matches!(error.errno(), Errno::ENOENT | Errno::ENOTEMPTY | Errno::ENOTDIR) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// Makes one path what it should be, and the directories that it is in.
pub(super) fn put(from: &Vfs, to: &Vfs, path: &VPathBuf, make: &Make) -> Result<()> {
    if let Some(parent) = path.parent() {
        to.mkdir_all(&parent, 0o777)?;
    }
    let there = to.lstat(path).ok();
    let fits = there.is_some_and(|there| there.kind == make.stat.kind);
    match make.what {
        What::Attributes if !fits => return Ok(()),
        _ if there.is_some() && (!fits || make.what == What::Symlink) => to.remove_all(path)?,
        _ => {}
    }
    match make.what {
        What::Directory if !fits => to.mkdir(path, make.stat.mode)?,
        What::Symlink => return Ok(to.symlink(&from.readlink(path)?, path)?),
        What::File => copy(from, path, to, path)?,
        What::Directory | What::Attributes => {}
    }
    to.chmod(path, make.stat.mode)?;
    Ok(to.utimes(path, SetTime::Keep, SetTime::At(make.stat.mtime))?)
}

/// Copies the content of a file, never through a symbolic link that stands in its place. Holes stay holes: they cost
/// a program nothing, and must not fill the disk that they are copied to.
pub(super) fn copy(from: &Vfs, source: &str, to: &Vfs, target: &str) -> Result<()> {
    let source = from.open(source, OpenOptions { no_follow: true, ..OpenOptions::read() })?;
    let target = to.open(target, OpenOptions { no_follow: true, ..OpenOptions::write() })?;
    let size = source.stat()?.size;
    let find = |at, what, none| or_unknown(source.find(at, what), none);
    let mut at = 0;
    while at < size {
        let start = find(at, SeekTo::Data, at)?.unwrap_or(size);
        let end = find(start, SeekTo::Hole, size)?.unwrap_or(size).min(size);
        at = start;
        while at < end {
            let piece = source.read_bytes_at(at, PIECE.min(usize::try_from(end - at).unwrap_or(PIECE)))?;
            if piece.is_empty() {
                return Err(cowry_vfs::Error::at("read", source.path(), Errno::EIO).into());
            }
            target.write_at(&piece, at)?;
            at += piece.len() as u64;
        }
    }
    Ok(target.truncate(size)?)
}

/// Where something was found: `None` if there is no more, `unknown` where the tree knows no holes.
fn or_unknown(found: cowry_vfs::Result<u64>, unknown: u64) -> Result<Option<u64>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.errno() == Errno::ENXIO => Ok(None),
        Err(error) if error.errno() == Errno::EOPNOTSUPP => Ok(Some(unknown)),
        Err(error) => Err(error.into()),
    }
}
