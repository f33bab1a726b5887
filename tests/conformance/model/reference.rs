//! The reference: a tree in a map, with one obvious way to do everything.

use std::collections::BTreeMap;

use cowry_vfs::Errno;

/// The names that operations choose from. Few, so that they meet.
pub const NAMES: [&str; 6] = ["a", "b", "c", "dd", "e.txt", "\u{e9}"];

/// A node of the reference.
pub type Id = usize;

#[derive(Clone, Debug)]
pub enum Body {
    File(Vec<u8>),
    Dir(BTreeMap<&'static str, Id>),
    Symlink(String),
}

#[derive(Clone, Debug)]
pub struct Node {
    pub body: Body,
    /// The modification time, as long as it is the one that was set.
    pub mtime: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Reference {
    nodes: BTreeMap<Id, Node>,
    next: Id,
}

/// What an operation may fail with: where systems differ in the order of checks there are two.
pub type Expected = Result<(), &'static [Errno]>;

/// The root.
pub const ROOT: Id = 0;

impl Default for Reference {
    fn default() -> Self {
        Reference::new()
    }
}

impl Reference {
    pub fn new() -> Reference {
        let root = Node { body: Body::Dir(BTreeMap::new()), mtime: None };
        Reference { nodes: BTreeMap::from([(ROOT, root)]), next: 1 }
    }

    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[&id]
    }

    pub fn node_mut(&mut self, id: Id) -> &mut Node {
        self.nodes.get_mut(&id).expect("only what exists is asked for")
    }

    pub fn entries(&self, dir: Id) -> &BTreeMap<&'static str, Id> {
        match &self.node(dir).body {
            Body::Dir(entries) => entries,
            _ => panic!("{dir} is no directory"),
        }
    }

    pub fn forget_directory_times(&mut self) {
        for node in self.nodes.values_mut().filter(|node| matches!(node.body, Body::Dir(_))) {
            node.mtime = None;
        }
    }

    fn entries_mut(&mut self, dir: Id) -> &mut BTreeMap<&'static str, Id> {
        let node = self.node_mut(dir);
        node.mtime = None;
        match &mut node.body {
            Body::Dir(entries) => entries,
            _ => panic!("{dir} is no directory"),
        }
    }

    pub fn is_dir(&self, id: Id) -> bool {
        matches!(self.node(id).body, Body::Dir(_))
    }

    /// Everything that has a name, with one path to it.
    pub fn paths(&self) -> Vec<(Id, Vec<&'static str>)> {
        let mut found = vec![(ROOT, Vec::new())];
        let mut at = 0;
        while at < found.len() {
            let (id, path) = found[at].clone();
            if self.is_dir(id) {
                for (name, child) in self.entries(id) {
                    found.push((*child, [&path[..], &[*name]].concat()));
                }
            }
            at += 1;
        }
        found
    }

    /// Names of a node; 2 and its subdirectories for a directory.
    pub fn links(&self, id: Id) -> usize {
        if self.is_dir(id) {
            return 2 + self.entries(id).values().filter(|child| self.is_dir(**child)).count();
        }
        self.paths().iter().filter(|(named, _)| *named == id).count()
    }

    pub fn create(&mut self, dir: Id, name: &'static str, body: Body) -> Expected {
        if self.entries(dir).contains_key(name) {
            return Err(&[Errno::EEXIST]);
        }
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, Node { body, mtime: None });
        self.entries_mut(dir).insert(name, id);
        Ok(())
    }

    pub fn unlink(&mut self, dir: Id, name: &'static str) -> Expected {
        match self.entries(dir).get(name) {
            None => Err(&[Errno::ENOENT]),
            Some(id) if self.is_dir(*id) => Err(&[Errno::EISDIR]),
            Some(_) => {
                self.entries_mut(dir).remove(name);
                Ok(())
            }
        }
    }

    pub fn rmdir(&mut self, dir: Id, name: &'static str) -> Expected {
        match self.entries(dir).get(name) {
            None => Err(&[Errno::ENOENT]),
            Some(id) if !self.is_dir(*id) => Err(&[Errno::ENOTDIR]),
            Some(id) if !self.entries(*id).is_empty() => Err(&[Errno::ENOTEMPTY]),
            Some(_) => {
                self.entries_mut(dir).remove(name);
                Ok(())
            }
        }
    }

    pub fn link(&mut self, id: Id, dir: Id, name: &'static str) -> Expected {
        if self.entries(dir).contains_key(name) {
            return Err(&[Errno::EEXIST]);
        }
        self.entries_mut(dir).insert(name, id);
        Ok(())
    }

    /// Whether `id` is `top` or below it.
    fn is_within(&self, id: Id, top: Id) -> bool {
        id == top || (self.is_dir(top) && self.entries(top).values().any(|child| self.is_within(id, *child)))
    }

    pub fn rename(&mut self, from: (Id, &'static str), to: (Id, &'static str)) -> Expected {
        let Some(&moved) = self.entries(from.0).get(from.1) else { return Err(&[Errno::ENOENT]) };
        let target = self.entries(to.0).get(to.1).copied();
        if target == Some(moved) {
            return Ok(());
        }
        if self.is_dir(moved) && self.is_within(to.0, moved) {
            return Err(&[Errno::EINVAL]);
        }
        if let Some(target) = target {
            match (self.is_dir(moved), self.is_dir(target)) {
                (true, false) => return Err(&[Errno::ENOTDIR]),
                // Linux sees first that what holds the file cannot be replaced by it.
                (false, true) => return Err(&[Errno::EISDIR, Errno::ENOTEMPTY]),
                (true, true) if !self.entries(target).is_empty() => return Err(&[Errno::ENOTEMPTY]),
                _ => {}
            }
        }
        self.entries_mut(from.0).remove(from.1);
        self.entries_mut(to.0).insert(to.1, moved);
        Ok(())
    }
}
