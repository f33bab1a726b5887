//! What a run that was not committed wrote to mounts, kept beside its changes of the workspace.
//!
//! Inodes of a host folder or a bucket mean nothing to another process, so that these changes cannot be kept as a delta
//! over them. Kept are the steps on paths, each with what the run saw there, and as a tree of its own the whole content
//! of every file that they make.

use std::collections::BTreeMap;
use std::sync::Arc;

use cowry_vfs::commit::{Judge, Verdict};
use cowry_vfs::{
    Atime, DeltaBounds, Errno, FileType, MemoryLayer, Overlay, OverlayOptions, ScratchLimits, SetTime, Stat,
    VPathBuf, Vfs, VfsOptions,
};
use serde::{Deserialize, Serialize};

use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::{Mount, MountSource};
use crate::policy::RuleJudge;
use crate::record::ConflictRecord;
use crate::run::steps::{Make, Steps, What, put};
use crate::run::trees::Trees;

/// Distinguishes these from the changes of the workspace, and has them stay here when the workspace travels.
const KEY: &str = "mounts:";

/// What they are kept under.
pub(crate) fn key(id: &str) -> String {
    format!("{KEY}{id}")
}

/// What a path was when the run saw it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Seen {
    Absent,
    Directory,
    Node {
        kind: FileType,
        size: u64,
        mtime: i64,
    },
    /// An object, by what tells its contents apart.
    Tag(String),
}

/// What is known of a path in a mount, which remembers its first look.
pub(super) fn seen(trees: &Trees, tree: &Vfs, at: &VPathBuf, path: &VPathBuf) -> Result<Seen> {
    let stat = match tree.lstat(path) {
        Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR) => return Ok(Seen::Absent),
        found => found?,
    };
    Ok(match trees.tag(at, stat.ino) {
        _ if stat.is_dir() => Seen::Directory,
        Some(tag) => Seen::Tag(tag),
        None => Seen::Node { kind: stat.kind, size: stat.size, mtime: stat.mtime.0 },
    })
}

/// A mount of which something is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub at: VPathBuf,
    /// An address, or a folder by its whole path.
    pub source: String,
}

/// The steps, by whole path.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub places: Vec<Place>,
    pub removes: BTreeMap<VPathBuf, Seen>,
    pub makes: BTreeMap<VPathBuf, (What, Seen)>,
}

impl Index {
    /// Every path that a step is about, with what the run saw there.
    pub fn paths(&self) -> impl Iterator<Item = (&VPathBuf, &Seen)> {
        let makes = self.makes.iter().map(|(path, (_, seen))| (path, seen));
        let removes = self.removes.iter().filter(|(path, _)| !self.makes.contains_key(*path));
        makes.chain(removes)
    }
}

/// What is kept of all mounts of a run.
#[derive(Debug)]
pub(crate) struct KeptMounts {
    pub(super) index: Index,
    tree: Arc<Overlay>,
}

/// What is to be kept of the mounts of a run.
pub(crate) struct Gathering<'a> {
    pub trees: &'a Trees,
    pub mounts: &'a [Mount],
    pub diff: &'a Diff,
    /// Says what a late commit is to write.
    pub judge: &'a dyn Judge,
    /// The most bytes of content.
    pub limit: u64,
}

/// What was gathered, and what of it cannot be kept.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub bytes: Option<Vec<u8>>,
    pub mounts: Vec<String>,
    pub lost: Vec<ConflictRecord>,
}

impl Gathered {
    fn lost(places: &[Place], why: &str) -> Gathered {
        let lost = |place: &Place| ConflictRecord { path: place.at.to_string(), what: why.into() };
        Gathered { lost: places.iter().map(lost).collect(), ..Gathered::default() }
    }
}

impl Gathering<'_> {
    /// Reads all of it, before the mounts can change.
    pub fn gather(&self) -> Gathered {
        let mut places: Vec<Place> =
            self.mounts.iter().filter(|mount| mount.is_writable()).map(Place::of).collect();
        let touched = |place: &Place| self.diff.changes.iter().any(|change| change.path.is_within(&place.at));
        places.retain(touched);
        if places.is_empty() {
            return Gathered::default();
        }
        let inside = |path: &VPathBuf| places.iter().any(|place| path.is_within(&place.at));
        let steps = Steps::of_those(self.diff, self.judge, |change| inside(&change.path));
        match steps.and_then(|steps| self.keep(&places, &steps)) {
            Ok(gathered) => gathered,
            Err(Error::Files(error)) if error.errno() == Errno::EDQUOT => {
                Gathered::lost(&places, &format!("more than {} MiB, too large to be kept", self.limit >> 20))
            }
            Err(error) => Gathered::lost(&places, &format!("could not be kept: {}", error.in_full())),
        }
    }

    fn keep(&self, places: &[Place], steps: &Steps) -> Result<Gathered> {
        let mut kept = KeptMounts::new(Index::default(), self.limit);
        let (onto, before) = (kept.tree(), self.trees.before()?);
        let mut lost = Vec::new();
        let look = |path: &VPathBuf| {
            let place = places.iter().filter(|place| path.is_within(&place.at));
            let place = place.max_by_key(|place| place.at.as_str().len()).expect("it is in one of them");
            seen(self.trees, &before, &place.at, path)
        };
        for path in &steps.removes {
            kept.index.removes.insert(path.clone(), look(path)?);
        }
        // What a link refers to is not meant, and links have no attributes of their own.
        let is_meant = |make: &Make| make.what != What::Attributes || make.stat.kind != FileType::Symlink;
        for (path, make) in steps.makes.iter().filter(|(_, make)| is_meant(make)) {
            match look(path).and_then(|seen| copy(self.diff.after(), &onto, path, make).map(|()| seen)) {
                Ok(seen) => drop(kept.index.makes.insert(path.clone(), (make.what, seen))),
                Err(Error::Files(error)) if error.errno() == Errno::EDQUOT => return Err(error.into()),
                Err(error) => {
                    // Nothing is there where not even that could be made.
                    let _ = onto.remove_all(path);
                    self.stays(&mut kept.index, path);
                    let what = format!("could not be kept: {}", error.in_full());
                    lost.push(ConflictRecord { path: path.to_string(), what });
                }
            }
        }
        kept.steps()?.set_times(&onto)?;
        kept.index.places = places.to_vec();
        if kept.index.makes.is_empty() && kept.index.removes.is_empty() {
            return Ok(Gathered { lost, ..Gathered::default() });
        }
        let mounts = places.iter().map(|place| place.at.to_string()).collect();
        Ok(Gathered { bytes: Some(kept.encode()?), mounts, lost })
    }
}

impl Gathering<'_> {
    /// What is lost cannot take anything's place: what was there stays, and what was moved there stays where it was.
    fn stays(&self, index: &mut Index, lost: &VPathBuf) {
        index.removes.remove(lost);
        let moves = self.diff.changes.iter().filter(|change| lost.is_within(&change.path));
        for from in moves.filter_map(|change| change.from.as_ref()) {
            index.removes.retain(|path, _| !path.is_within(from));
        }
    }
}

/// Copies what a step makes; where only attributes change, something empty stands for what has them.
fn copy(from: &Vfs, onto: &Vfs, path: &VPathBuf, make: &Make) -> Result<()> {
    if make.what != What::Attributes {
        return put(from, onto, path, make);
    }
    if let Some(parent) = path.parent() {
        onto.mkdir_all(&parent, 0o777)?;
    }
    match make.stat.kind {
        FileType::Directory => drop(onto.mkdir_all(path, 0o777)?),
        _ => onto.write(path, b"")?,
    }
    onto.chmod(path, make.stat.mode)?;
    Ok(onto.utimes(path, SetTime::Keep, SetTime::At(make.stat.mtime))?)
}

impl KeptMounts {
    fn new(index: Index, limit: u64) -> KeptMounts {
        let limits = ScratchLimits { memory_bytes: limit, total_bytes: limit, ..ScratchLimits::UNLIMITED };
        let options = OverlayOptions { limits, ..OverlayOptions::default() };
        KeptMounts { index, tree: Arc::new(Overlay::new(Arc::new(MemoryLayer::new()), options)) }
    }

    /// The tree of what is made, to be written by whoever makes it.
    pub(super) fn tree(&self) -> Vfs {
        let options = VfsOptions { umask: 0, atime: Atime::Never, ..VfsOptions::default() };
        Vfs::new(self.tree.clone(), options)
    }

    /// The steps, from the tree.
    pub(super) fn steps(&self) -> Result<Steps> {
        let tree = self.tree();
        let make = |(path, (what, _)): (&VPathBuf, &(What, Seen))| -> Result<(VPathBuf, Make)> {
            let stat: Stat = tree.lstat(path)?;
            Ok((path.clone(), Make { what: *what, stat }))
        };
        let makes = self.index.makes.iter().map(make).collect::<Result<_>>()?;
        Ok(Steps { removes: self.index.removes.keys().cloned().collect(), makes })
    }

    /// The index with its length before it, then the tree.
    fn encode(&self) -> Result<Vec<u8>> {
        let index = serde_json::to_vec(&self.index).expect("paths and numbers can be written as JSON");
        let mut bytes = (index.len() as u64).to_le_bytes().to_vec();
        bytes.extend(index);
        let written = self.tree.encode_since(0, &mut bytes);
        written.map_err(|source| Error::Stream { what: "keep what a run wrote to mounts", source })?;
        Ok(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> std::result::Result<KeptMounts, String> {
        let (length, rest) = bytes.split_first_chunk().ok_or("they end early")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|error| error.to_string())?;
        let (index, mut tree) = rest.split_at_checked(length).ok_or("they end early")?;
        let index = serde_json::from_slice(index).map_err(|error| error.to_string())?;
        let kept = KeptMounts::new(index, u64::MAX);
        kept.tree.merge(&mut tree, &DeltaBounds::default()).map_err(|error| error.to_string())?;
        Ok(kept)
    }
}

impl Place {
    fn of(mount: &Mount) -> Place {
        let source = match &mount.source {
            MountSource::Folder(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            MountSource::Bucket(address) => {
                return Place { at: mount.at.clone(), source: address.to_string() };
            }
        };
        Place { at: mount.at.clone(), source: source.to_string_lossy().into_owned() }
    }
}

/// Judges as a success would have been, without what is written already.
#[derive(Debug)]
pub(crate) struct NotYet<'a> {
    pub success: RuleJudge<'a>,
    /// What persisted of what a failed run wrote.
    pub written: Option<&'a RuleJudge<'a>>,
}

impl Judge for NotYet<'_> {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        match self.written {
            Some(written) if written.verdict(path) != Verdict::Discard => Verdict::Discard,
            _ => self.success.verdict(path),
        }
    }

    fn verdict_below(&self, _: &VPathBuf) -> Option<Verdict> {
        None
    }
}
