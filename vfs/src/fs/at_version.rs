//! Changes that depend on a version: optimistic locking of single files.

use crate::errno::{Errno, NodeResult, Result};
use crate::fs::{Access, Context, Follow, Vfs, attr, set_id};
use crate::layer::Layer;
use crate::node::{Ino, RenameMode, SetAttr, Stat};
use crate::path::Name;
use crate::walk::Node;

/// Changes of a [`Vfs`] that happen only if what they change still has a version; see [`Vfs::at_version`].
#[derive(Clone, Copy, Debug)]
pub struct AtVersion<'a> {
    vfs: &'a Vfs,
    version: u64,
}

/// What an operation requires of the node it changes.
pub(super) type Expected = Option<u64>;

impl Vfs {
    /// Changes that happen only if the node at the path still has this version ([`Stat::version`], which grows with
    /// every change but of the access time), compared and changed as one step. If it has another, because somebody
    /// was faster, nothing happens and the error is `EAGAIN`: look again, then try again.
    ///
    /// A host directory can be changed from outside between comparing and changing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use cowry_vfs::{Errno, MemoryLayer, Vfs, VfsOptions};
    /// # let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
    /// vfs.write("/count", b"1")?;
    /// let seen = vfs.stat("/count")?.version;
    /// let now = vfs.at_version(seen).write("/count", b"2")?;
    /// assert_eq!(vfs.at_version(seen).write("/count", b"3").unwrap_err().errno(), Errno::EAGAIN);
    /// vfs.at_version(now.version).unlink("/count")?;
    /// # Ok::<(), cowry_vfs::Error>(())
    /// ```
    pub fn at_version(&self, version: u64) -> AtVersion<'_> {
        AtVersion { vfs: self, version }
    }
}

impl AtVersion<'_> {
    /// Replaces the content of a file that is there. Returns its attributes, the new version among them.
    ///
    /// # Errors
    /// `EAGAIN` for another version; as [`Vfs::write`].
    pub fn write(&self, path: &str, data: &[u8]) -> Result<Stat> {
        self.change("write", path, &mut |layer, ino| {
            layer.setattr(ino, &SetAttr::size(0))?;
            layer.write(ino, 0, data)
        })
    }

    /// Adds to the end of a file that is there. Returns its attributes.
    ///
    /// # Errors
    /// `EAGAIN` for another version; as [`Vfs::append`].
    pub fn append(&self, path: &str, data: &[u8]) -> Result<Stat> {
        self.change("write", path, &mut |layer, ino| layer.append(ino, data).map(drop))
    }

    /// Cuts a file off at `size`, or extends it with a hole. Returns its attributes.
    ///
    /// # Errors
    /// `EAGAIN` for another version; as [`Vfs::truncate`].
    pub fn truncate(&self, path: &str, size: u64) -> Result<Stat> {
        self.change("truncate", path, &mut |layer, ino| layer.setattr(ino, &SetAttr::size(size)).map(drop))
    }

    /// Removes a name of what is no directory.
    ///
    /// # Errors
    /// `EAGAIN` if it has another version, or leads to something else by now; as [`Vfs::unlink`].
    pub fn unlink(&self, path: &str) -> Result<()> {
        self.vfs.unlink_expected(path, Some(self.version)).at("unlink", path)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `EAGAIN` as [`AtVersion::unlink`]; as [`Vfs::rmdir`].
    pub fn rmdir(&self, path: &str) -> Result<()> {
        self.vfs.rmdir_expected(path, Some(self.version)).at("rmdir", path)
    }

    /// Moves an entry. The version is that of what moves, not of what it replaces.
    ///
    /// # Errors
    /// `EAGAIN` as [`AtVersion::unlink`]; as [`Vfs::rename`].
    pub fn rename(&self, from: &str, to: &str, mode: RenameMode) -> Result<()> {
        self.vfs.rename_expected(from, to, mode, Some(self.version)).between("rename", from, to)
    }

    fn change(
        &self,
        op: &'static str,
        path: &str,
        work: &mut dyn FnMut(&dyn Layer, Ino) -> NodeResult<()>,
    ) -> Result<Stat> {
        let who = self.vfs.credentials;
        let change = |node: Node| {
            attr::need_content(&node.stat)?;
            node.mount.want_write()?;
            who.need(&node, Access::WRITE)?;
            let mut after = node.stat;
            node.mount.layer.batch(&mut |layer| {
                let stat = layer.getattr(node.ino())?;
                need_version(&stat, Some(self.version))?;
                if let Some(mode) = set_id::after_write(&who, &stat) {
                    layer.setattr(node.ino(), &SetAttr::mode(mode))?;
                }
                work(layer, node.ino())?;
                after = layer.getattr(node.ino())?;
                Ok(())
            })?;
            Ok(after)
        };
        let after = self.vfs.find(path, Follow::Yes).and_then(change).at(op, path)?;
        self.vfs.tell_modified(path, Follow::Yes);
        Ok(after)
    }
}

fn need_version(stat: &Stat, expected: Expected) -> NodeResult<()> {
    match expected {
        Some(version) if stat.version != version => Err(Errno::EAGAIN.into()),
        _ => Ok(()),
    }
}

/// Changes an entry of `dir`, if it still leads to `node` in the version that is expected.
pub(super) fn change_entry(
    (dir, name): (&Node, &Name),
    node: &Node,
    expected: Expected,
    work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>,
) -> NodeResult<()> {
    let layer = &dir.mount.layer;
    if expected.is_none() {
        return work(&**layer);
    }
    layer.batch(&mut |layer| {
        let stat = layer.lookup(dir.ino(), name)?;
        need_version(&stat, expected)?;
        if stat.ino != node.ino() {
            return Err(Errno::EAGAIN.into());
        }
        work(layer)
    })
}
