//! Doing an operation to the layer and to the reference, and comparing the two.

use std::collections::{BTreeMap, VecDeque};

use cowry_vfs::{Errno, Ino, Layer, Name, NewAttr, NewNode, RenameMode, SetAttr, Timestamp};

use super::reference::{Body, Id, NAMES, ROOT, Reference};
use super::{Op, agree};

/// A layer with the reference beside it.
pub struct Subject<'a> {
    counts: bool,
    layer: &'a dyn Layer,
    reference: Reference,
    /// The numbers that nodes were seen with: they must not change.
    numbers: BTreeMap<Id, Ino>,
    held: VecDeque<(Id, Ino)>,
    steps: usize,
}

fn name(text: &str) -> Name {
    Name::new(text).expect("the names are valid")
}

fn bytes(len: usize, salt: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + salt * 7 + 1) as u8).collect()
}

impl<'a> Subject<'a> {
    /// `counts` tells whether directories count their subdirectories.
    pub fn new(layer: &'a dyn Layer, reference: Reference, counts: bool) -> Self {
        Subject { layer, counts, reference, numbers: BTreeMap::new(), held: VecDeque::new(), steps: 0 }
    }

    /// Closes what is open, compares everything, and gives the reference back.
    pub fn finish(mut self) -> Reference {
        self.compare();
        while let Some((_, ino)) = self.held.pop_front() {
            self.layer.release(ino);
        }
        self.reference
    }

    /// Does one operation to both.
    pub fn step(&mut self, op: &Op) {
        self.steps += 1;
        self.perform(op);
        if self.steps.is_multiple_of(5) {
            self.compare();
        }
    }

    fn dir(&self, index: usize) -> Id {
        let dirs: Vec<Id> = self
            .reference
            .paths()
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| self.reference.is_dir(*id))
            .collect();
        dirs[index % dirs.len()]
    }

    /// A file that has a name, or one that is held.
    fn file(&self, index: usize) -> Option<Id> {
        let named = self.reference.paths().into_iter().map(|(id, _)| id);
        let mut files: Vec<Id> = named
            .chain(self.held.iter().map(|(id, _)| *id))
            .filter(|id| matches!(self.reference.node(*id).body, Body::File(_)))
            .collect();
        files.dedup();
        (!files.is_empty()).then(|| files[index % files.len()])
    }

    /// The layer's number for a node: through what is held, or by name.
    fn ino(&self, id: Id) -> Ino {
        if let Some((_, ino)) = self.held.iter().find(|(held, _)| *held == id) {
            return *ino;
        }
        let path = self.reference.paths().into_iter().find(|(named, _)| *named == id);
        let (_, path) = path.expect("it has a name or is held");
        path.iter().fold(self.layer.root(), |at, part| {
            self.layer.lookup(at, &name(part)).unwrap_or_else(|error| panic!("{path:?}: {error}")).ino
        })
    }

    fn perform(&mut self, op: &Op) {
        let layer = self.layer;
        match *op {
            Op::Create { dir, name, len } => self.create(op, (dir, name), Body::File(bytes(len, len))),
            Op::Mkdir { dir, name } => self.create(op, (dir, name), Body::Dir(BTreeMap::new())),
            Op::Symlink { dir, name } if layer.features().symlinks => {
                self.create(op, (dir, name), Body::Symlink(format!("../{name}")));
            }
            Op::Symlink { .. } => {}
            Op::Unlink { dir, name: which } => {
                let dir = self.dir(dir);
                let found = layer.unlink(self.ino(dir), &name(NAMES[which]));
                agree(op, self.reference.unlink(dir, NAMES[which]), found);
            }
            Op::Rmdir { dir, name: which } => {
                let dir = self.dir(dir);
                let found = layer.rmdir(self.ino(dir), &name(NAMES[which]));
                agree(op, self.reference.rmdir(dir, NAMES[which]), found);
            }
            Op::Rename { from, to } => self.rename(op, from, to),
            Op::Link { file, dir, name } => self.link(op, file, dir, name),
            Op::Hold { file } => self.hold(file),
            Op::LetGo => {
                if let Some((_, ino)) = self.held.pop_front() {
                    layer.release(ino);
                }
            }
            Op::SetMtime { node, time } => {
                let paths = self.reference.paths();
                let id = paths[node % paths.len()].0;
                let change = SetAttr { mtime: Some(Timestamp(time * 1_000_000_007)), ..SetAttr::default() };
                agree(op, Ok(()), layer.setattr(self.ino(id), &change));
                self.reference.node_mut(id).mtime = Some(time * 1_000_000_007);
            }
            Op::Write { file, .. } | Op::Append { file, .. } | Op::Truncate { file, .. } => {
                if let Some(id) = self.file(file) {
                    self.change_content(op, id);
                }
            }
            Op::Undone(ref ops) => self.undone(ops),
            Op::Reopen => {}
        }
    }

    fn create(&mut self, op: &Op, (dir, which): (usize, usize), body: Body) {
        let dir = self.dir(dir);
        let node = match &body {
            Body::File(data) => NewNode::File(data),
            Body::Dir(_) => NewNode::Directory,
            Body::Symlink(target) => NewNode::Symlink(target),
        };
        let attr = NewAttr::with_mode(0o755);
        let found = self.layer.create(self.ino(dir), &name(NAMES[which]), node, &attr);
        agree(op, self.reference.create(dir, NAMES[which], body), found);
    }

    fn rename(&mut self, op: &Op, from: (usize, usize), to: (usize, usize)) {
        let (from, to) = ((self.dir(from.0), NAMES[from.1]), (self.dir(to.0), NAMES[to.1]));
        let (old, new) = ((self.ino(from.0), name(from.1)), (self.ino(to.0), name(to.1)));
        let found = self.layer.rename((old.0, &old.1), (new.0, &new.1), RenameMode::Replace);
        agree(op, self.reference.rename(from, to), found);
    }

    fn link(&mut self, op: &Op, file: usize, dir: usize, which: usize) {
        let Some(id) = self.file(file).filter(|_| self.layer.features().hard_links) else { return };
        let dir = self.dir(dir);
        let found = self.layer.link(self.ino(id), self.ino(dir), &name(NAMES[which]));
        let expected = if self.reference.links(id) > 0 {
            self.reference.link(id, dir, NAMES[which])
        } else if self.reference.entries(dir).contains_key(NAMES[which]) {
            // What has lost its last name gets none, whether or not this one is free.
            Err(&[Errno::ENOENT, Errno::EEXIST][..])
        } else {
            Err(&[Errno::ENOENT][..])
        };
        agree(op, expected, found);
    }

    fn hold(&mut self, file: usize) {
        let Some(id) = self.file(file) else { return };
        let ino = self.ino(id);
        self.layer.open(ino).expect("what exists can be opened");
        self.held.push_back((id, ino));
    }

    fn change_content(&mut self, op: &Op, id: Id) {
        let ino = self.ino(id);
        let node = self.reference.node_mut(id);
        let Body::File(content) = &mut node.body else { panic!("files are chosen") };
        let before = content.len();
        match *op {
            Op::Write { offset, len, .. } => {
                let data = bytes(len, offset as usize);
                agree(op, Ok(()), self.layer.write(ino, offset, &data));
                let (start, end) = (offset as usize, offset as usize + len);
                if len > 0 {
                    content.resize(before.max(end), 0);
                    content[start..end].copy_from_slice(&data);
                    node.mtime = None;
                }
            }
            Op::Append { len, .. } => {
                let data = bytes(len, before);
                assert_eq!(self.layer.append(ino, &data).expect("it can grow"), before as u64);
                content.extend_from_slice(&data);
                if len > 0 {
                    node.mtime = None;
                }
            }
            Op::Truncate { size, .. } => {
                agree(op, Ok(()), self.layer.setattr(ino, &SetAttr::size(size)));
                content.resize(size as usize, 0);
                node.mtime = None;
            }
            _ => panic!("not a change of content"),
        }
    }

    /// Does all of it in a transaction that fails: afterwards nothing has happened.
    fn undone(&mut self, ops: &[Op]) {
        if !self.layer.features().transactions {
            return;
        }
        let reference = self.reference.clone();
        let held: Vec<_> = self.held.iter().copied().collect();
        let failed = self.layer.batch(&mut |layer| {
            let mut inside = Subject::new(layer, reference.clone(), self.counts);
            inside.held = held.iter().copied().collect();
            // Pins are not undone, so none is set or taken away in here.
            let pins = |op: &&Op| matches!(op, Op::Hold { .. } | Op::LetGo);
            ops.iter().filter(|op| !pins(op)).for_each(|op| inside.perform(op));
            Err(Errno::EIO.into())
        });
        assert_eq!(failed.expect_err("it fails").errno(), Errno::EIO);
        self.compare();
    }

    /// Compares the whole tree, through `readdir` and through direct lookup, and what is held.
    pub fn compare(&mut self) {
        let root = self.layer.root();
        self.compare_node(ROOT, root, "");
        for (id, ino) in self.held.clone() {
            self.compare_content(id, ino, "what is held");
        }
    }

    fn compare_node(&mut self, id: Id, ino: Ino, path: &str) {
        let known = *self.numbers.entry(id).or_insert(ino);
        assert_eq!(known, ino, "the number of {path} changed");
        let stat = self.layer.getattr(ino).unwrap_or_else(|error| panic!("{path}: {error}"));
        if let Some(mtime) = self.reference.node(id).mtime {
            assert_eq!(stat.mtime, Timestamp(mtime), "mtime of {path}");
        }
        if self.layer.features().hard_links && (self.counts || !stat.is_dir()) {
            assert_eq!(stat.nlink as usize, self.reference.links(id), "links of {path}");
        }
        match self.reference.node(id).body.clone() {
            Body::File(_) => self.compare_content(id, ino, path),
            Body::Symlink(target) => assert_eq!(self.layer.readlink(ino).expect("it is a link"), target),
            Body::Dir(entries) => {
                let listed = self.list(ino);
                assert_eq!(
                    listed,
                    entries.keys().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
                    "in {path}"
                );
                for (text, child) in entries {
                    let found = self.layer.lookup(ino, &name(text));
                    let found = found.unwrap_or_else(|error| panic!("{path}/{text}: {error}"));
                    self.compare_node(child, found.ino, &format!("{path}/{text}"));
                }
                for text in NAMES.iter().filter(|text| !listed.iter().any(|name| name == *text)) {
                    let found = self.layer.lookup(ino, &name(text));
                    assert_eq!(found.expect_err("it is not listed").errno(), Errno::ENOENT);
                }
            }
        }
    }

    fn list(&self, dir: Ino) -> Vec<String> {
        let mut names: Vec<Name> = Vec::new();
        loop {
            let page = self.layer.readdir(dir, names.last(), 2).expect("it is a directory");
            if page.is_empty() {
                return names.iter().map(|name| name.to_string()).collect();
            }
            names.extend(page.into_iter().map(|entry| entry.name));
        }
    }

    fn compare_content(&self, id: Id, ino: Ino, path: &str) {
        let Body::File(expected) = &self.reference.node(id).body else { panic!("{path} is no file") };
        let found =
            self.layer.read(ino, 0, expected.len() + 100).unwrap_or_else(|error| panic!("{path}: {error}"));
        let same = found == expected[..];
        let differs = found.iter().zip(expected).position(|(a, b)| a != b);
        assert!(same, "content of {path}: {} and {} bytes, {differs:?} differs", found.len(), expected.len());
        assert_eq!(self.layer.getattr(ino).expect("it was just read").size, expected.len() as u64);
    }
}
