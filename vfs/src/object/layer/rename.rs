//! Moving names: a copy by the server and a removal, which is not one step.

use super::ObjectLayer;
use super::nodes::{Object, Seen, join, split};
use std::collections::HashMap;

use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{Ino, Stat};
use crate::object::bucket::{Found, From};
use crate::path::Name;

/// What a server copies in one request.
const COPY_MAX: u64 = 5 << 30;
/// Requests under way at once.
const PARALLEL: usize = 16;
/// The most objects of a directory that is moved.
const MOVED_MAX: usize = 1_000_000;

/// Everything below a folder.
#[derive(Default)]
struct Tree {
    objects: Vec<Found>,
    markers: Vec<String>,
}

impl ObjectLayer {
    pub(super) fn move_entry(&self, from: (Ino, &Name), to: (Ino, &Name)) -> NodeResult<()> {
        let _names = self.names.lock();
        self.state.lock().dir(to.0)?;
        let moved = self.find(from.0, from.1)?;
        let replaced = self.find_any(to.0, to.1)?;
        let (source, target) = (self.new_key(from.0, from.1)?, self.new_key(to.0, to.1)?);
        if replaced.is_some_and(|replaced| replaced.ino == moved.ino) {
            return Ok(());
        }
        if moved.is_dir() && target.strip_prefix(&*source).is_some_and(|rest| rest.starts_with('/')) {
            return Err(Errno::EINVAL.into());
        }
        match replaced {
            Some(replaced) if replaced.is_dir() && !moved.is_dir() => return Err(Errno::EISDIR.into()),
            Some(replaced) if !replaced.is_dir() && moved.is_dir() => return Err(Errno::ENOTDIR.into()),
            _ => {}
        }
        if moved.is_dir() {
            self.move_dir((moved, &source), (replaced, &target))
        } else {
            self.move_file((moved, &source), (replaced, &target))
        }
    }

    fn move_file(
        &self,
        (moved, source): (Stat, &str),
        (replaced, target): (Option<Stat>, &str),
    ) -> NodeResult<()> {
        self.upload(moved.ino)?;
        if moved.size > COPY_MAX {
            let why = "the server copies objects up to 5 GiB only; write it anew under the other name";
            return Err(NodeError::with_source(Errno::EFBIG, why));
        }
        if let Some(replaced) = replaced {
            self.hold(replaced.ino)?;
        }
        self.keep_folder(split(source).0, Some(split(source).1))?;
        {
            let mut state = self.state.lock();
            [source, target].into_iter().for_each(|key| state.begin(key));
        }
        let done = self.copy_over(source, target);
        let now = self.now();
        let mut state = self.state.lock();
        if let Ok(object) = &done {
            if let Some(replaced) = replaced {
                state.unname(replaced.ino, now);
            }
            state.moved(moved.ino, target, Some(object.clone()), now);
        } else {
            // It may be under both names by now: what the bucket says is what is so.
            [source, target].into_iter().for_each(|key| state.drop_window(split(key).0));
        }
        [source, target].into_iter().for_each(|key| state.end(key));
        done.map(drop)
    }

    /// Copies an object, looks at what it has become, and removes the first.
    fn copy_over(&self, source: &str, target: &str) -> NodeResult<Object> {
        self.bucket.copy(source, target)?;
        let found = self.bucket.head(target)?.ok_or(Errno::ENOENT)?;
        self.bucket.delete(source)?;
        Ok(Object { modified: None, ..Object::of(&found) })
    }

    fn move_dir(
        &self,
        (moved, source): (Stat, &str),
        (replaced, target): (Option<Stat>, &str),
    ) -> NodeResult<()> {
        if let Some(replaced) = replaced
            && !self.bucket.is_moving(source, target)?
        {
            self.need_empty(replaced.ino, target)?;
        }
        let below = self.state.lock().table.below(source);
        for (_, ino) in below {
            let dirty = self.state.lock().table.get(ino).is_ok_and(|node| node.spool.is_some());
            if dirty {
                self.upload(ino)?;
            }
        }
        let tree = self.tree(source)?;
        self.keep_folder(split(source).0, Some(split(source).1))?;
        self.state.lock().begin(source);
        self.state.lock().begin(target);
        let done = self.move_tree(&tree, source, target);
        let done = done.and_then(|()| self.copies(source, target));
        let now = self.now();
        let mut state = self.state.lock();
        if let Ok(copies) = &done {
            if let Some(replaced) = replaced {
                state.unname(replaced.ino, now);
            }
            state.moved_below(source, target, copies);
            state.moved(moved.ino, target, None, now);
        }
        state.drop_below(source);
        state.drop_below(target);
        if done.is_err() {
            [source, target].into_iter().for_each(|key| state.drop_window(split(key).0));
        }
        [source, target].into_iter().for_each(|key| state.end(key));
        done.map(drop)
    }

    /// What the objects below a folder that was moved have become, if any node is known there.
    fn copies(&self, source: &str, target: &str) -> NodeResult<HashMap<String, Object>> {
        if self.state.lock().table.below(source).is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.tree(target)?.objects;
        let object = |found: Found| (found.name.clone(), Object { modified: None, ..Object::of(&found) });
        Ok(found.into_iter().map(object).collect())
    }

    /// Copies everything, and when all of it is there removes it where it was. Until then nothing is missing there; what came
    /// in between stays.
    fn move_tree(&self, tree: &Tree, source: &str, target: &str) -> NodeResult<()> {
        let other = |key: &String| format!("{target}{}", &key[source.len()..]);
        self.bucket.put_moving(source, target)?;
        let copies = tree.objects.iter().map(|found| (found.name.clone(), other(&found.name))).collect();
        self.bucket.copy_many(copies, PARALLEL)?;
        for marker in tree.markers.iter().filter(|marker| *marker != source) {
            self.bucket.keep_folder(&other(marker))?;
        }
        let gone = tree.objects.iter().map(|found| found.name.clone()).collect();
        self.bucket.delete_many(gone, PARALLEL)?;
        for marker in tree.markers.iter().rev() {
            self.bucket.delete_marker(marker)?;
        }
        Ok(self.bucket.keep_folder(target)?)
    }

    /// Everything below a folder, folders before what is in them.
    fn tree(&self, folder: &str) -> NodeResult<Tree> {
        let mut tree = Tree::default();
        let mut left = vec![folder.to_owned()];
        while let Some(folder) = left.pop() {
            let mut from = From::Start;
            loop {
                let page = self.bucket.list_from(&folder, from, 1000)?;
                if page.hidden > 0 {
                    return Err(NodeError::with_source(Errno::EOPNOTSUPP, self.hidden_in(&folder)));
                }
                if page.marker {
                    tree.markers.push(folder.clone());
                }
                if let Some(large) = page.objects.iter().find(|found| found.size > COPY_MAX) {
                    let why = format!("{} is past 5 GiB, which servers do not copy", large.name);
                    return Err(NodeError::with_source(Errno::EFBIG, why));
                }
                tree.objects.extend(page.objects);
                left.extend(page.folders.iter().map(|name| join(&folder, name)));
                if tree.objects.len() + left.len() > MOVED_MAX {
                    let why = "more than a million objects are in it; move its parts one by one";
                    return Err(NodeError::with_source(Errno::EFBIG, why));
                }
                let Some(next) = page.next else { break };
                from = From::Page(next);
            }
        }
        Ok(tree)
    }
}

impl super::state::State {
    /// A node has another name by now, and what is there is this.
    fn moved(&mut self, ino: Ino, target: &str, object: Option<Object>, now: crate::Timestamp) {
        let Ok(node) = self.table.get(ino) else { return };
        let source = node.key.clone();
        node.stat.ctime = now;
        node.stat.version += 1;
        node.checked = Some(now);
        let seen = match object {
            Some(object) => {
                node.object = Some(object.clone());
                Seen::Object(object)
            }
            None => Seen::Folder,
        };
        self.table.rekey(ino, target);
        self.patch(&source, None);
        self.patch(target, Some(seen));
        self.table.touch(split(&source).0, now);
        self.table.touch(split(target).0, now);
    }

    /// All below a folder has other names by now.
    fn moved_below(&mut self, source: &str, target: &str, copies: &HashMap<String, Object>) {
        for (key, ino) in self.table.below(source) {
            let key = format!("{target}{}", &key[source.len()..]);
            self.table.rekey(ino, &key);
            if let Ok(node) = self.table.get(ino) {
                node.checked = None;
                node.object = copies
                    .get(&key)
                    .cloned()
                    .filter(|copy| copy.size == node.stat.size)
                    .or(node.object.take());
            }
        }
    }
}
