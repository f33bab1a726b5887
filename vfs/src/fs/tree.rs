//! Operations on whole trees: make all parents, remove everything, temporary directories.

use std::collections::VecDeque;

use crate::errno::{Errno, Error, NodeResult, Result};
use crate::fs::{Access, Context, Follow, FsEventKind, Vfs, entries, read};
use crate::layer::Layer;
use crate::mount::MountTable;
use crate::node::DirEntry;
use crate::walk::{Aim, Last, Node, Walk};

impl Vfs {
    /// Makes a directory and every missing one above it. An existing directory is fine.
    /// Returns the first one that was made.
    ///
    /// # Errors
    /// `EEXIST` if there is something else at the end, `ENOTDIR` if there is on the way; as [`Vfs::mkdir`].
    pub fn mkdir_all(&self, path: &str, mode: u32) -> Result<Option<String>> {
        let mut missing = Vec::new();
        let mut at = path.trim_end_matches('/');
        if at.is_empty() && !path.is_empty() {
            at = "/";
        }
        loop {
            match self.mkdir(at, mode) {
                Ok(()) => break missing.push(at),
                Err(error) if error.errno() == Errno::ENOENT && parent(at).is_some() => {
                    missing.push(at);
                    at = parent(at).expect("just asked");
                }
                Err(error) => {
                    self.need_existing_dir(at, error).map_err(|error| self.of_whole(error, path, at))?;
                    break;
                }
            }
        }
        let first = missing.last().map(|first| (*first).to_owned());
        for at in missing.into_iter().rev() {
            match self.mkdir(at, mode) {
                Err(error) if error.errno() != Errno::EEXIST => return Err(self.of_whole(error, path, at)),
                _ => {}
            }
        }
        Ok(first)
    }

    /// What mkdir refused is fine if it is because the directory is there.
    fn need_existing_dir(&self, path: &str, error: Error) -> Result<()> {
        let there = self.stat(path).is_ok_and(|stat| stat.is_dir());
        if there { Ok(()) } else { Err(error) }
    }

    /// The error of an ancestor, told for the path that was asked for: something on the way is no directory.
    fn of_whole(&self, error: Error, path: &str, at: &str) -> Error {
        let on_the_way = at.len() < path.trim_end_matches('/').len();
        let errno = if on_the_way && error.errno() == Errno::EEXIST { Errno::ENOTDIR } else { error.errno() };
        Error::at("mkdir", path, errno)
    }

    /// Removes what is at `path` and, if it is a directory, everything below it. Links are removed, not
    /// followed; nothing there is fine. Mounts are not entered: what holds one is `EBUSY`.
    /// Where the layer has transactions, all of it goes or nothing.
    ///
    /// # Errors
    /// `EBUSY` for `/` and mount points; `EINVAL` for `.` and `..`; as [`Vfs::unlink`] and [`Vfs::rmdir`].
    pub fn remove_all(&self, path: &str) -> Result<()> {
        let remove = |walk: &Walk<'_>, aim: Aim| {
            let name = match aim.last {
                Last::Name(name) => name,
                Last::Unfit(errno) => return Err(errno.into()),
                Last::Dot | Last::DotDot => return Err(Errno::EINVAL.into()),
                Last::Root => return Err(Errno::EBUSY.into()),
            };
            let Some(node) = walk.child_if_any(&name)? else { return Ok(()) };
            aim.dir.mount.want_write()?;
            if aim.slash {
                node.need_dir()?;
            }
            self.credentials.need_remove(&aim.dir, &node)?;
            let layer = &aim.dir.mount.layer;
            let dir = aim.dir.ino();
            if node.stat.is_dir() {
                entries::need_unmounted(walk, &aim.dir, &node)?;
                layer.batch(&mut |layer| {
                    self.clear(walk.table, layer, &node)?;
                    layer.rmdir(dir, &name)
                })?;
            } else {
                layer.unlink(dir, &name)?;
            }
            self.tell(FsEventKind::Remove, || walk.path().join(&name));
            Ok(())
        };
        match self.aim(path, remove) {
            Err(error) if error == Errno::ENOENT && !path.is_empty() => Ok(()),
            done => done.at("rm", path),
        }
    }

    /// Removes everything below a directory. The stack is on the heap: trees can be deep.
    fn clear(&self, table: &MountTable, layer: &dyn Layer, dir: &Node) -> NodeResult<()> {
        let mut stack = vec![self.level(table, layer, dir)?];
        while let Some((at, entries)) = stack.last_mut() {
            let Some(entry) = entries.pop_front() else {
                stack.pop();
                if let Some((above, entries)) = stack.last_mut() {
                    let name = entries.pop_front().expect("a level stays listed until it is empty").name;
                    layer.rmdir(above.ino(), &name)?;
                }
                continue;
            };
            let node = Node { mount: at.mount.clone(), stat: entry.stat };
            self.credentials.need_remove(at, &node)?;
            if entry.stat.is_dir() {
                entries.push_front(entry);
                let level = self.level(table, layer, &node)?;
                stack.push(level);
            } else {
                layer.unlink(at.ino(), &entry.name)?;
            }
        }
        Ok(())
    }

    fn level(
        &self,
        table: &MountTable,
        layer: &dyn Layer,
        dir: &Node,
    ) -> NodeResult<(Node, VecDeque<DirEntry>)> {
        if table.any_below(dir.mount.id, dir.ino()) {
            return Err(Errno::EBUSY.into());
        }
        self.credentials.need(dir, Access { read: true, write: false, execute: true })?;
        let entries: Vec<DirEntry> = read::entries_of(layer, dir.ino())?;
        Ok((dir.clone(), entries.into()))
    }

    /// Makes a new directory whose name is `prefix` and six characters chosen by `random`, mode 0700,
    /// and returns its path.
    ///
    /// # Errors
    /// `EEXIST` if a hundred names in a row are taken; as [`Vfs::mkdir`].
    pub fn mkdtemp(&self, prefix: &str, random: &mut dyn FnMut() -> u32) -> Result<String> {
        const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        const OP: &str = "mkdtemp";
        for _ in 0..100 {
            let suffix = (0..6).map(|_| char::from(LETTERS[random() as usize % LETTERS.len()]));
            let path: String = prefix.chars().chain(suffix).collect();
            match self.mkdir(&path, 0o700) {
                Ok(()) => return Ok(path),
                Err(error) if error.errno() == Errno::EEXIST => {}
                Err(error) => return Err(Error::at(OP, format!("{prefix}XXXXXX"), error.errno())),
            }
        }
        Err(Error::at(OP, format!("{prefix}XXXXXX"), Errno::EEXIST))
    }

    /// Makes everything written so far durable, in every mount.
    ///
    /// # Errors
    /// `EIO`.
    pub fn sync(&self) -> Result<()> {
        self.table().iter().try_for_each(|mount| mount.layer.fsync(None)).of("sync")
    }

    /// Whether two paths lead to the same node.
    ///
    /// # Errors
    /// As [`Vfs::stat`].
    pub fn same_file(&self, a: &str, b: &str) -> Result<bool> {
        let first = self.find(a, Follow::Yes).at("stat", a)?;
        let second = self.find(b, Follow::Yes).at("stat", b)?;
        Ok(first.same(&second))
    }
}

/// The part of a path before its last component; `None` if there is no other component.
fn parent(path: &str) -> Option<&str> {
    let cut = path.rfind('/')?;
    let parent = path[..cut].trim_end_matches('/');
    (!parent.is_empty()).then_some(parent)
}
