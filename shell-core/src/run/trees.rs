//! The trees a run sees: the workspace at `/`, mounts below.

use std::io;
use std::path::Path;
use std::sync::Arc;

use cowry_vfs::{
    Atime, Change, ChangeKind, Clock, Errno, HostLayer, HostOptions, Ino, Layer, MemoryLayer, MountOptions,
    Overlay, OverlayOptions, ScratchLimits, VPathBuf, Vfs, VfsOptions,
};

use super::bucket::{self, BucketTree};
use super::frozen::Frozen;
use super::noted::{Noted, Notes};
use crate::address::Address;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::{Mount, MountSource};
use crate::record::ConflictRecord;

/// What is mounted where, before anything was written.
#[derive(Debug)]
pub(crate) struct Trees {
    root: Arc<dyn Layer>,
    mounts: Vec<Mounted>,
    notes: Arc<Notes>,
    clock: Arc<dyn Clock>,
}

/// A mount that was opened.
#[derive(Debug)]
struct Mounted {
    mount: Mount,
    layer: Arc<dyn Layer>,
    /// What is known of it beyond the tree, if it is a bucket that can be written.
    bucket: Option<BucketTree>,
}

impl Trees {
    /// Opens every mount.
    pub fn open(root: Arc<dyn Layer>, mounts: &[Mount], clock: Arc<dyn Clock>) -> Result<Trees> {
        let mut trees = Trees { root, mounts: Vec::new(), notes: Arc::default(), clock };
        mounts.iter().try_for_each(|mount| trees.add(mount))?;
        Ok(trees)
    }

    /// Opens one more mount.
    pub fn add(&mut self, mount: &Mount) -> Result<()> {
        if self.mounts.iter().any(|other| other.mount.at == mount.at) {
            return Err(Error::Usage(format!("{} is mounted twice: remove one of them", mount.at)));
        }
        let mounted = match &mount.source {
            MountSource::Folder(path) => folder(mount, path)?,
            MountSource::Bucket(address) => bucket(mount, address, self.clock.clone())?,
        };
        self.mounts.push(mounted);
        Ok(())
    }

    /// Where something is mounted.
    #[cfg(feature = "object")]
    pub fn places(&self) -> Vec<VPathBuf> {
        self.mounts.iter().map(|mounted| mounted.mount.at.clone()).collect()
    }

    /// The buckets that can be written.
    #[cfg(feature = "object")]
    pub fn buckets(&self) -> impl Iterator<Item = (&Mount, &BucketTree)> {
        self.mounts.iter().filter_map(|mounted| Some((&mounted.mount, mounted.bucket.as_ref()?)))
    }

    /// The one of these that is mounted at a place.
    #[cfg(feature = "object")]
    pub fn bucket(&self, at: &str) -> Option<&BucketTree> {
        self.buckets().find(|(mount, _)| mount.at.as_str() == at).map(|(_, tree)| tree)
    }

    /// What told the contents of a node of a mount apart when it was first seen, where that is a bucket.
    pub fn tag(&self, at: &VPathBuf, ino: Ino) -> Option<String> {
        self.mounts.iter().find(|mounted| mounted.mount.at == *at)?.bucket.as_ref()?.tag(ino)
    }

    /// Takes the mount back that was added last.
    pub fn remove_last(&mut self) {
        self.mounts.pop();
    }

    /// What to hand to a sandbox, the workspace first.
    pub fn for_sandbox(&self) -> Vec<cowry_runtime::Mount> {
        let noted = |layer: &Arc<dyn Layer>, at: &VPathBuf| -> Arc<dyn Layer> {
            Arc::new(Noted::new(layer.clone(), at.clone(), self.notes.clone()))
        };
        let layer = noted(&self.root, &VPathBuf::root());
        let root = cowry_runtime::Mount { at: "/".into(), layer, writable: true, written: None };
        let mounts = self.mounts.iter().map(|Mounted { mount, layer, .. }| cowry_runtime::Mount {
            at: mount.at.to_string(),
            layer: noted(layer, &mount.at),
            writable: mount.is_writable(),
            written: None,
        });
        std::iter::once(root).chain(mounts).collect()
    }

    /// What sandboxes could not read of buckets since this was asked last.
    pub fn unread(&self) -> Result<Vec<ConflictRecord>> {
        Ok(self.notes.told(&self.before()?))
    }

    /// The trees as they were.
    pub fn before(&self) -> Result<Vfs> {
        self.assemble(|_| None)
    }

    /// The trees with what was written to them; `overlays` are the sandbox's, in the order of its mounts.
    pub fn after(&self, overlays: &[Option<Overlay>]) -> Result<Vfs> {
        self.assemble(|at| {
            overlays.get(at)?.as_ref().map(|overlay| Arc::new(overlay.fork()) as Arc<dyn Layer>)
        })
    }

    /// The mounts to be written to, each through an overlay. The workspace's own tree is not there.
    pub fn writable(&self) -> Result<(Vfs, Vec<Arc<Overlay>>)> {
        let options = VfsOptions { umask: 0, atime: Atime::Never, ..VfsOptions::default() };
        let tree = Vfs::new(Arc::new(MemoryLayer::new()), options);
        let mut overlays = Vec::new();
        for Mounted { mount, layer, .. } in &self.mounts {
            let limits = ScratchLimits::UNLIMITED;
            let options = OverlayOptions { clock: self.clock.clone(), limits, ..OverlayOptions::default() };
            let overlay = Arc::new(Overlay::new(layer.clone(), options));
            let mounted = tree.mount(&mount.at, overlay.clone(), MountOptions::default());
            mounted.map_err(|error| unmountable(&mount.at, &error))?;
            overlays.push(overlay);
        }
        Ok((tree, overlays))
    }

    /// What was written, over all trees.
    pub fn diff(&self, overlays: &[Option<Overlay>]) -> Result<Diff> {
        self.diff_since(&[], overlays)
    }

    /// What was written since the overlays were as `earlier` has them; those it has not were empty.
    pub fn diff_since(&self, earlier: &[Option<Overlay>], overlays: &[Option<Overlay>]) -> Result<Diff> {
        let mut changes = Vec::new();
        for (at, overlay) in overlays.iter().enumerate() {
            let Some(overlay) = overlay else { continue };
            let place = if at == 0 { VPathBuf::root() } else { self.mounts[at - 1].mount.at.clone() };
            let since = overlay.changes_since(earlier.get(at).and_then(Option::as_ref))?;
            changes.extend(since.into_iter().map(|change| moved_below(change, &place)));
        }
        forget_unused_tmp(&mut changes);
        Ok(Diff::new(changes, self.after(earlier)?, self.after(overlays)?))
    }

    fn assemble(&self, instead: impl Fn(usize) -> Option<Arc<dyn Layer>>) -> Result<Vfs> {
        let options = VfsOptions {
            clock: self.clock.clone(),
            read_only: true,
            atime: Atime::Never,
            ..VfsOptions::default()
        };
        let tree = Vfs::new(instead(0).unwrap_or_else(|| self.root.clone()), options);
        for (at, Mounted { mount, layer, .. }) in self.mounts.iter().enumerate() {
            let layer = instead(at + 1).unwrap_or_else(|| layer.clone());
            let read_only = MountOptions { read_only: true, ..MountOptions::default() };
            tree.mount(&mount.at, layer, read_only).map_err(|error| unmountable(&mount.at, &error))?;
        }
        Ok(tree)
    }
}

fn folder(mount: &Mount, path: &Path) -> Result<Mounted> {
    let options = HostOptions { read_only: true };
    let layer = HostLayer::open(path, options).map_err(|error| cannot_mount(mount, &error))?;
    let layer: Arc<dyn Layer> = Arc::new(layer);
    // What a run changes is compared with what it saw, and only where it can change anything.
    let layer = if mount.is_writable() { Arc::new(Frozen::new(layer)) } else { layer };
    Ok(Mounted { mount: mount.clone(), layer, bucket: None })
}

/// Meets the bucket: a wrong key is told before anything runs.
fn bucket(mount: &Mount, address: &Address, clock: Arc<dyn Clock>) -> Result<Mounted> {
    let layer = bucket::open(address, clock).map_err(|refusal| Error::Bucket {
        doing: format!("mount at {}", mount.at),
        why: bucket::said(refusal, address),
    })?;
    let mount = mount.clone();
    if !mount.is_writable() {
        return Ok(Mounted { mount, layer, bucket: None });
    }
    let tree = BucketTree::new(layer);
    Ok(Mounted { mount, layer: tree.layer(), bucket: Some(tree) })
}

fn unmountable(at: &VPathBuf, error: &cowry_vfs::Error) -> Error {
    Error::Usage(match error.errno() {
        Errno::ENOTDIR => {
            format!("cannot mount at {at}: there is something that is no directory; mount elsewhere")
        }
        _ => format!("cannot mount at {at}: {error}"),
    })
}

/// Leaves out a `/tmp` that the sandbox made for the program and the program did not use.
fn forget_unused_tmp(changes: &mut Vec<Change>) {
    let in_tmp =
        |change: &Change| change.path.components().next().is_some_and(|first| first.as_str() == "tmp");
    let is_made =
        |change: &Change| change.kind == ChangeKind::Added && change.after.is_some_and(|stat| stat.is_dir());
    let own = changes.iter().position(|change| in_tmp(change) && is_made(change));
    let used = changes.iter().filter(|change| in_tmp(change)).count() > 1;
    if let (Some(at), false) = (own, used) {
        changes.remove(at);
    }
}

fn moved_below(change: Change, place: &VPathBuf) -> Change {
    Change { path: below(place, &change.path), from: change.from.map(|from| below(place, &from)), ..change }
}

fn below(place: &VPathBuf, path: &VPathBuf) -> VPathBuf {
    path.components().fold(place.clone(), |path, name| path.join(&name))
}

/// Why the host's folder cannot be mounted, and what to do about it.
fn cannot_mount(mount: &Mount, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such folder: make it first, or name another".into(),
        io::ErrorKind::NotADirectory => "it is no folder: name the folder that it is in".into(),
        io::ErrorKind::PermissionDenied => {
            "permission denied: name a folder that you may read, or change who may".into()
        }
        _ => error.to_string(),
    };
    Error::Usage(format!("cannot mount {} at {}: {why}", mount.source, mount.at))
}
