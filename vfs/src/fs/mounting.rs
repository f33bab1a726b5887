//! Mounting and unmounting.

use std::sync::Arc;

use super::{Context, Follow, MountInfo, MountOptions, Vfs};
use crate::errno::{Errno, NodeResult, Result};
use crate::layer::Layer;
use crate::memory::MemoryLayer;
use crate::mount::{Mount, MountPoint, MountTable};
use crate::node::{NewAttr, NewNode};
use crate::path::{Name, VPathBuf};
use crate::walk::Walk;

impl Vfs {
    /// Mounts `layer` on `path`, for all clones. If something is there it must be a directory, which is hidden
    /// meanwhile. If nothing is, the entry and the directories above it that are missing appear while the
    /// mount is there; the tree itself is not changed.
    ///
    /// # Errors
    /// `ENOTDIR`; `EBUSY` if something is mounted there already or it is the root; as [`Vfs::stat`].
    pub fn mount(&self, path: &str, layer: Arc<dyn Layer>, options: MountOptions) -> Result<()> {
        let mut table = self.shared.table.write();
        *table = Arc::new(self.mounted(&table, path, layer, options).at("mount", path)?);
        Ok(())
    }

    fn mounted(
        &self,
        table: &MountTable,
        path: &str,
        layer: Arc<dyn Layer>,
        options: MountOptions,
    ) -> NodeResult<MountTable> {
        let mut changed = table.clone();
        let point = match self.mount_point(&changed, path) {
            Err(error) if error == Errno::ENOENT && !path.is_empty() => {
                self.scaffold(&mut changed, path)?;
                self.mount_point(&changed, path)
            }
            point => point,
        };
        changed.insert(point?, layer, options);
        Ok(changed)
    }

    fn mount_point(&self, table: &MountTable, path: &str) -> NodeResult<(MountPoint, VPathBuf)> {
        let mut walk = Walk::begin(table, &self.credentials, &self.cwd, path)?;
        let aim = walk.aim(path)?;
        aim.dir.need_dir()?;
        let name = aim.last.name_or(Errno::EBUSY)?;
        if table.covering(aim.dir.mount.id, aim.dir.ino(), &name).is_some() {
            return Err(Errno::EBUSY.into());
        }
        if let Some(node) = walk.child_if_any(&name)? {
            node.need_dir()?;
        }
        let at = walk.path().join(&name);
        Ok((MountPoint { mount: aim.dir.mount.id, dir: aim.dir.ino(), name }, at))
    }

    /// Mounts the missing directories above `path`, as a layer of their own, on the first that is missing.
    fn scaffold(&self, table: &mut MountTable, path: &str) -> NodeResult<()> {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        parts.pop();
        let mut reached = if path.starts_with('/') { String::new() } else { ".".to_owned() };
        for (at, part) in parts.iter().enumerate() {
            reached = format!("{reached}/{part}");
            let found =
                Walk::begin(table, &self.credentials, &self.cwd, &reached)?.find(&reached, Follow::Yes);
            match found {
                Err(error) if error == Errno::ENOENT => {
                    let point = self.mount_point(table, &reached)?;
                    let layer = self.directories(&parts[at + 1..])?;
                    table.insert_scaffold(point, Arc::new(layer));
                    return Ok(());
                }
                found => drop(found?),
            }
        }
        Ok(())
    }

    /// A layer that holds these directories, each in the one before.
    fn directories(&self, names: &[&str]) -> NodeResult<MemoryLayer> {
        let layer = MemoryLayer::with_clock(self.shared.clock.clone());
        let mut dir = layer.root();
        for name in names {
            let attr = NewAttr::with_mode(0o755);
            dir = layer.create(dir, &Name::new(name)?, NewNode::Directory, &attr)?.ino;
        }
        Ok(layer)
    }

    /// Takes away what is mounted at `path`, for all clones. Open handles stay usable.
    ///
    /// # Errors
    /// `EINVAL` if nothing is mounted there, `EBUSY` for the root and if something is mounted inside.
    pub fn unmount(&self, path: &str) -> Result<()> {
        const OP: &str = "unmount";
        let mut table = self.shared.table.write();
        let mounted = self.unmounted(&table, path).at(OP, path)?;
        *table = Arc::new(mounted);
        Ok(())
    }

    fn unmounted(&self, table: &MountTable, path: &str) -> NodeResult<MountTable> {
        let mut walk = Walk::begin(table, &self.credentials, &self.cwd, path)?;
        let node = walk.find(path, Follow::Yes)?;
        if node.ino() != node.mount.layer.root() {
            return Err(Errno::EINVAL.into());
        }
        if node.mount.id == table.root.id {
            return Err(Errno::EBUSY.into());
        }
        let mut changed = table.clone();
        changed.remove(node.mount.id)?;
        Ok(changed)
    }

    /// All mounts, the root first.
    pub fn mounts(&self) -> Vec<MountInfo> {
        let info = |mount: &Arc<Mount>| MountInfo {
            at: mount.at.clone(),
            id: mount.id,
            layer: mount.layer.clone(),
            options: mount.options,
        };
        self.table().iter().map(info).collect()
    }
}
