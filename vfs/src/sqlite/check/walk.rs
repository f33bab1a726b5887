//! Which paths cannot be read: by reading all of them.

use std::collections::HashSet;

use super::super::schema::ROOT;
use super::super::view::View;
use super::{TOLD_MAX, reason};
use crate::errno::NodeResult;
use crate::node::{DirEntry, FileType, Ino};
use crate::path::{Name, VPathBuf};

/// How many entries are looked at together.
const PAGE: usize = 1000;
/// How much of a file is read at a time.
const PIECE: usize = 4 << 20;
/// No tree is as deep as this; a ring of directories would be.
const DEPTH_MAX: usize = 4096;

/// Paths that cannot be read, or not all of them, each with the reason. Contents in `read` were read before, and those
/// that can be read are added there.
pub(super) fn unreadable(view: &View<'_>, read: &mut HashSet<i64>) -> Vec<(String, String)> {
    let mut walk = Walk { view, read, found: Vec::new() };
    let mut todo = vec![(Ino(ROOT as u64), VPathBuf::root(), 0)];
    while let Some((dir, path, depth)) = todo.pop() {
        if walk.found.len() >= TOLD_MAX || depth > DEPTH_MAX {
            continue;
        }
        let below = walk.directory(dir, &path);
        todo.extend(below.into_iter().map(|(ino, path)| (ino, path, depth + 1)));
    }
    walk.found.sort();
    walk.found
}

struct Walk<'a, 'b> {
    view: &'a View<'b>,
    read: &'a mut HashSet<i64>,
    found: Vec<(String, String)>,
}

impl Walk<'_, '_> {
    fn note(&mut self, path: &VPathBuf, result: NodeResult<()>) {
        if let Err(error) = result {
            self.found.push((path.to_string(), reason(&error)));
        }
    }

    /// Looks at what is in a directory and returns the directories there.
    fn directory(&mut self, dir: Ino, path: &VPathBuf) -> Vec<(Ino, VPathBuf)> {
        let mut below = Vec::new();
        let mut after: Option<Name> = None;
        loop {
            let page = match self.view.readdir(dir, after.as_ref(), PAGE) {
                Ok(page) => page,
                Err(error) => {
                    self.note(path, Err(error));
                    return below;
                }
            };
            let Some(last) = page.last() else { return below };
            after = Some(last.name.clone());
            for entry in page {
                let path = path.join(&entry.name);
                if entry.stat.is_dir() {
                    below.push((entry.stat.ino, path));
                } else {
                    let read = self.read(&entry);
                    self.note(&path, read);
                }
            }
        }
    }

    fn read(&mut self, entry: &DirEntry) -> NodeResult<()> {
        let ino = entry.stat.ino;
        self.view.xattrs(ino)?;
        match entry.stat.kind {
            FileType::Symlink => self.view.readlink(ino).map(|_| ()),
            FileType::Regular => self.content(ino, entry.stat.size),
            _ => Ok(()),
        }
    }

    fn content(&mut self, ino: Ino, size: u64) -> NodeResult<()> {
        let content = self.view.node(ino.0 as i64)?.content;
        if content.is_some_and(|content| self.read.contains(&content)) {
            return Ok(());
        }
        read_all(self.view, ino, size)?;
        self.read.extend(content);
        Ok(())
    }
}

/// Reads all of a file that is here. What is in a bucket is for [`check_buckets`](super::SqliteLayer::check_buckets).
pub(super) fn read_all(view: &View<'_>, ino: Ino, size: u64) -> NodeResult<()> {
    (0..size).step_by(PIECE).try_for_each(|at| view.plan(ino, at, PIECE).map(|_| ()))
}
