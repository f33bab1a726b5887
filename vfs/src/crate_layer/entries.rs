//! Entries of directories.

use super::{CrateLayer, foreign};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{DirEntry, FileType, Ino, NewAttr, NewNode, SetAttr, Stat};
use crate::path::Name;

impl CrateLayer {
    pub(super) fn list(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let path = match self.dir_path(dir) {
            // Removed while open: there is nothing in it.
            Err(error) if error == Errno::ENOENT => return Ok(Vec::new()),
            path => path?,
        };
        let mut names: Vec<Name> =
            self.names(&path)?.into_iter().filter(|name| after.is_none_or(|after| name > after)).collect();
        names.sort_unstable();
        let mut entries = Vec::new();
        for name in names {
            if entries.len() == limit {
                break;
            }
            match self.see(&format!("{path}/{name}")) {
                Ok(stat) => entries.push(DirEntry { name, stat }),
                // Removed since it was listed.
                Err(error) if error == Errno::ENOENT => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// The names in a directory; one that no path can contain is left out.
    fn names(&self, path: &str) -> NodeResult<Vec<Name>> {
        let names = self.fs.read_dir(path).map_err(foreign)?;
        Ok(names.filter_map(|name| Name::new(&name).ok()).collect())
    }

    pub(super) fn make(
        &self,
        parent: Ino,
        name: &Name,
        node: NewNode<'_>,
        attr: &NewAttr,
    ) -> NodeResult<Stat> {
        let path = format!("{}/{name}", self.dir_path(parent)?);
        match self.see(&path) {
            Ok(_) => return Err(Errno::EEXIST.into()),
            Err(error) if error == Errno::ENOENT => {}
            Err(error) => return Err(error),
        }
        match node {
            NewNode::File(data) => self.put_at(&path, data)?,
            NewNode::Directory => self.fs.create_dir(&path).map_err(foreign)?,
            _ => return Err(Errno::EOPNOTSUPP.into()),
        }
        let made = self.see(&path)?;
        self.changed(parent);
        if attr.mtime.is_some() {
            self.set_times(made.ino, &SetAttr { mtime: attr.mtime, ..SetAttr::default() })?;
        }
        self.stat(made.ino)
    }

    pub(super) fn remove_file(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        let path = format!("{}/{name}", self.dir_path(parent)?);
        if self.see(&path)?.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        self.drop_file(&path)?;
        self.changed(parent);
        Ok(())
    }

    /// Removes a file; what is open of it lives on.
    fn drop_file(&self, path: &str) -> NodeResult<()> {
        let stat = self.see(path)?;
        let pinned = self.table.lock().is_pinned(path);
        let content = if pinned { self.read_range(stat.ino, 0, usize::MAX)?.to_vec() } else { Vec::new() };
        self.fs.remove_file(path).map_err(foreign)?;
        self.let_go(path, content, pinned);
        Ok(())
    }

    fn let_go(&self, path: &str, content: Vec<u8>, pinned: bool) {
        let mut table = self.table.lock();
        if pinned {
            table.orphan(path, content, self.clock.now());
        } else {
            table.lost(path);
        }
    }

    pub(super) fn remove_dir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        let path = format!("{}/{name}", self.dir_path(parent)?);
        self.drop_dir(&path)?;
        self.changed(parent);
        Ok(())
    }

    fn drop_dir(&self, path: &str) -> NodeResult<()> {
        if !self.see(path)?.is_dir() {
            return Err(Errno::ENOTDIR.into());
        }
        if !self.names(path)?.is_empty() {
            return Err(Errno::ENOTEMPTY.into());
        }
        let pinned = self.table.lock().is_pinned(path);
        self.fs.remove_dir(path).map_err(foreign)?;
        self.let_go(path, Vec::new(), pinned);
        Ok(())
    }

    pub(super) fn move_entry(&self, from: (Ino, &Name), to: (Ino, &Name)) -> NodeResult<()> {
        let old = format!("{}/{}", self.dir_path(from.0)?, from.1);
        let new = format!("{}/{}", self.dir_path(to.0)?, to.1);
        let moved = self.see(&old)?;
        let replaced = match self.see(&new) {
            Err(error) if error == Errno::ENOENT => None,
            found => Some(found?),
        };
        if old == new {
            return Ok(());
        }
        if moved.is_dir() && new.starts_with(&format!("{old}/")) {
            return Err(Errno::EINVAL.into());
        }
        match replaced {
            Some(target) if target.is_dir() && !moved.is_dir() => return Err(Errno::EISDIR.into()),
            Some(target) if !target.is_dir() && moved.is_dir() => return Err(Errno::ENOTDIR.into()),
            Some(target) if target.is_dir() => self.drop_dir(&new)?,
            Some(_) => self.drop_file(&new)?,
            None => {}
        }
        self.transfer(&old, &new, moved.is_dir())?;
        self.table.lock().moved(&old, &new, self.clock.now());
        self.changed(from.0);
        self.changed(to.0);
        self.keep_mtime(&moved)
    }

    /// Moves, or copies and removes where the filesystem cannot move.
    fn transfer(&self, old: &str, new: &str, dir: bool) -> NodeResult<()> {
        let moved = if dir { self.fs.move_dir(old, new) } else { self.fs.move_file(old, new) };
        match moved.map_err(foreign) {
            Err(error) if error == Errno::EOPNOTSUPP => {}
            moved => return moved,
        }
        let before = self.fs.metadata(old).map_err(foreign)?.modified;
        if dir {
            self.copy_dir(old, new)?;
        } else {
            self.copy_file(old, new)?;
        }
        // Where it cannot be set, a copy is as old as it is.
        if let Some(time) = before {
            let _ = self.fs.set_modification_time(new, time);
        }
        Ok(())
    }

    fn copy_file(&self, old: &str, new: &str) -> NodeResult<()> {
        let mut content = Vec::new();
        let mut file = self.fs.open_file(old).map_err(foreign)?;
        std::io::Read::read_to_end(&mut file, &mut content).map_err(NodeError::io)?;
        self.put_at(new, &content)?;
        self.fs.remove_file(old).map_err(foreign)
    }

    fn copy_dir(&self, old: &str, new: &str) -> NodeResult<()> {
        self.fs.create_dir(new).map_err(foreign)?;
        for name in self.names(old)? {
            let child = format!("{old}/{name}");
            let metadata = self.fs.metadata(&child).map_err(foreign)?;
            self.transfer(
                &child,
                &format!("{new}/{name}"),
                super::kind_of(&metadata) == FileType::Directory,
            )?;
        }
        self.fs.remove_dir(old).map_err(foreign)
    }

    /// A node that moves keeps its modification time, also where it was copied.
    fn keep_mtime(&self, moved: &Stat) -> NodeResult<()> {
        self.set_times(moved.ino, &SetAttr { mtime: Some(moved.mtime), ..SetAttr::default() })
    }
}
