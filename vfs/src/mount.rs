//! The table of mounts: which entries of which directories lead into another layer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::errno::{Errno, NodeResult};
use crate::fs::MountOptions;
use crate::layer::Layer;
use crate::node::Ino;
use crate::path::{Name, VPathBuf};

/// The number of a mount within one [`Vfs`](crate::Vfs): what `st_dev` is to a kernel. The root is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MountId(pub u64);

/// One mounted layer.
#[derive(Debug)]
pub(crate) struct Mount {
    pub id: MountId,
    pub layer: Arc<dyn Layer>,
    pub options: MountOptions,
    pub at: VPathBuf,
    /// It only holds the directories above another mount.
    pub scaffold: bool,
    /// Counts the times that somebody set set-id bits here.
    pub set_ids: AtomicU64,
}

impl Mount {
    /// # Errors
    /// `EROFS` where nothing may be changed.
    pub fn want_write(&self) -> NodeResult<()> {
        let writable = !self.options.read_only && self.layer.features().writable;
        if writable { Ok(()) } else { Err(Errno::EROFS.into()) }
    }
}

/// The directory entry that a mount hides or adds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct MountPoint {
    pub mount: MountId,
    pub dir: Ino,
    pub name: Name,
}

/// All mounts. It is replaced whole when one is added, so that a walk sees one state of it.
#[derive(Clone, Debug)]
pub(crate) struct MountTable {
    pub root: Arc<Mount>,
    points: BTreeMap<MountPoint, Arc<Mount>>,
    next: u64,
}

impl MountTable {
    pub fn new(layer: Arc<dyn Layer>, options: MountOptions) -> MountTable {
        let root = Arc::new(Mount {
            id: MountId(0),
            layer,
            options,
            at: VPathBuf::root(),
            scaffold: false,
            set_ids: AtomicU64::new(0),
        });
        MountTable { root, points: BTreeMap::new(), next: 1 }
    }

    /// The mount that covers this entry.
    pub fn covering(&self, mount: MountId, dir: Ino, name: &Name) -> Option<&Arc<Mount>> {
        if self.points.is_empty() {
            return None;
        }
        self.points.get(&MountPoint { mount, dir, name: name.clone() })
    }

    /// The mounts on entries of this directory, in name order.
    pub fn below(&self, mount: MountId, dir: Ino) -> impl Iterator<Item = (&Name, &Arc<Mount>)> {
        self.points
            .iter()
            .filter(move |(point, _)| point.mount == mount && point.dir == dir)
            .map(|(point, mounted)| (&point.name, mounted))
    }

    /// Whether any entry of this directory is covered.
    pub fn any_below(&self, mount: MountId, dir: Ino) -> bool {
        self.below(mount, dir).next().is_some()
    }

    pub fn insert(
        &mut self,
        (point, at): (MountPoint, VPathBuf),
        layer: Arc<dyn Layer>,
        options: MountOptions,
    ) {
        self.add(
            point,
            Mount { id: MountId(self.next), layer, options, at, scaffold: false, set_ids: AtomicU64::new(0) },
        );
    }

    /// Mounts directories that another mount is to stand in.
    pub fn insert_scaffold(&mut self, (point, at): (MountPoint, VPathBuf), layer: Arc<dyn Layer>) {
        let options = MountOptions { read_only: true, checks: false };
        self.add(
            point,
            Mount { id: MountId(self.next), layer, options, at, scaffold: true, set_ids: AtomicU64::new(0) },
        );
    }

    fn add(&mut self, point: MountPoint, mount: Mount) {
        self.next += 1;
        self.points.insert(point, Arc::new(mount));
    }

    /// Takes a mount away, and the scaffolding that held nothing else.
    ///
    /// # Errors
    /// `EBUSY` if something is mounted inside it.
    pub fn remove(&mut self, id: MountId) -> NodeResult<()> {
        if self.holds_mounts(id) {
            return Err(Errno::EBUSY.into());
        }
        self.points.retain(|_, mount| mount.id != id);
        while let Some(idle) = self
            .points
            .values()
            .find(|mount| mount.scaffold && !self.holds_mounts(mount.id))
            .map(|mount| mount.id)
        {
            self.points.retain(|_, mount| mount.id != idle);
        }
        Ok(())
    }

    fn holds_mounts(&self, id: MountId) -> bool {
        self.points.keys().any(|point| point.mount == id)
    }

    /// All mounts but scaffolding, the root first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Mount>> {
        std::iter::once(&self.root).chain(self.points.values().filter(|mount| !mount.scaffold))
    }
}
