//! Where nodes stand in a tree: paths of directories, names of files.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use super::node::Entry;
use super::tree::View;
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino};
use crate::path::{Name, PATH_MAX, VPathBuf};

/// A name in a directory.
pub(crate) type Place = (Ino, Name);

/// The places of touched nodes in one tree.
pub(crate) struct Places<'a> {
    view: View<'a>,
    /// Where changed entries lead.
    named: HashMap<Ino, Vec<Place>>,
    /// All lower names of files that have several, once somebody asked.
    linked: OnceCell<HashMap<Ino, Vec<Place>>>,
    /// Touched files that have several lower names.
    several: HashSet<Ino>,
    paths: RefCell<HashMap<Ino, Option<VPathBuf>>>,
}

impl<'a> Places<'a> {
    /// Looks at all changed entries.
    pub(crate) fn new(view: View<'a>) -> NodeResult<Places<'a>> {
        let mut named: HashMap<Ino, Vec<Place>> = HashMap::new();
        let mut several = HashSet::new();
        for (dir, node) in &view.tree.nodes {
            if let Ok(entries) = node.entries() {
                for (name, entry) in entries {
                    if let Entry::Node(ino) = entry {
                        named.entry(*ino).or_default().push((*dir, name.clone()));
                    }
                }
            } else if let Some(lower) = view.base.lower_of(*dir)
                && lower.getattr(*dir)?.nlink > 1
            {
                several.insert(*dir);
            }
        }
        Ok(Places { view, named, linked: OnceCell::new(), several, paths: RefCell::default() })
    }

    /// Looks at the whole lower layer for files with several names, since nothing else knows them.
    fn linked(&self) -> NodeResult<&HashMap<Ino, Vec<Place>>> {
        if let Some(linked) = self.linked.get() {
            return Ok(linked);
        }
        let mut linked: HashMap<Ino, Vec<Place>> = HashMap::new();
        self.view.base.walk_lower(&mut |dir, entry| {
            if entry.stat.is_dir() {
                self.view.base.seen.remember(entry.stat.ino, dir, &entry.name);
            } else if entry.stat.nlink > 1 {
                linked.entry(entry.stat.ino).or_default().push((dir, entry.name.clone()));
            }
            Ok(true)
        })?;
        Ok(self.linked.get_or_init(|| linked))
    }

    /// All names of a node, in no order. A lower node that nobody touched tells the one it was met by.
    pub(crate) fn names(&self, ino: Ino) -> NodeResult<Vec<Place>> {
        self.names_among(ino, self.lower_names(ino)?)
    }

    /// All names of a file, of one that nobody touched as well.
    pub(crate) fn all_names(&self, ino: Ino) -> NodeResult<Vec<Place>> {
        self.names_among(ino, self.all_lower_names(ino)?)
    }

    fn names_among(&self, ino: Ino, lower: Vec<Place>) -> NodeResult<Vec<Place>> {
        let mut names = self.named.get(&ino).cloned().unwrap_or_default();
        for (dir, name) in lower {
            let changed = match self.view.own(dir) {
                Some(node) => node.entries()?.contains_key(&name),
                None => false,
            };
            if !changed && self.view.is_alive(dir) {
                names.push((dir, name));
            }
        }
        Ok(names)
    }

    /// The names that the lower layer has for a node, whether they are seen or not; of one that nobody touched
    /// the one it was met by.
    pub(crate) fn lower_names(&self, ino: Ino) -> NodeResult<Vec<Place>> {
        match self.several.contains(&ino) {
            true => Ok(self.linked()?.get(&ino).cloned().unwrap_or_default()),
            false => Ok(self.view.home(ino)?.into_iter().collect()),
        }
    }

    /// The same of a file, all of them even if nobody touched it.
    pub(crate) fn all_lower_names(&self, ino: Ino) -> NodeResult<Vec<Place>> {
        match self.view.base.lower_of(ino) {
            Some(lower) if self.view.own(ino).is_none() && lower.getattr(ino)?.nlink > 1 => {
                Ok(self.linked()?.get(&ino).cloned().unwrap_or_default())
            }
            _ => self.lower_names(ino),
        }
    }

    /// The path that a name in a directory has in the lower layer; `None` if it cannot be told.
    pub(crate) fn lower_path(&self, dir: Ino, name: &Name) -> NodeResult<Option<VPathBuf>> {
        let mut way = vec![name.clone()];
        let mut at = dir;
        while at != self.view.base.root {
            let Some((parent, name)) = self.view.home(at)?.filter(|_| way.len() <= PATH_MAX) else {
                return Ok(None);
            };
            way.push(name);
            at = parent;
        }
        way.iter().rev().try_fold(VPathBuf::root(), |path, name| joined(&path, name)).map(Some)
    }

    /// Where a directory stands; `None` for the root and for what was removed.
    pub(crate) fn dir_place(&self, dir: Ino) -> NodeResult<Option<Place>> {
        match self.view.own(dir) {
            Some(node) if node.place.is_some() => Ok(node.place.clone()),
            _ => Ok(self.names(dir)?.pop()),
        }
    }

    /// The path of a directory; `None` if it has none.
    ///
    /// # Errors
    /// `ENAMETOOLONG` past what a path may be long: renames can nest directories deeper.
    pub(crate) fn dir_path(&self, dir: Ino) -> NodeResult<Option<VPathBuf>> {
        let mut way: Vec<(Ino, Name)> = Vec::new();
        let mut at = dir;
        let mut path = loop {
            if at == self.view.base.root {
                break Some(VPathBuf::root());
            }
            if let Some(known) = self.paths.borrow().get(&at) {
                break known.clone();
            }
            let place = self.dir_place(at)?;
            let Some((parent, name)) = place.filter(|_| way.len() <= PATH_MAX) else { break None };
            way.push((at, name));
            at = parent;
        };
        for (dir, name) in way.into_iter().rev() {
            path = match path {
                Some(path) => Some(joined(&path, &name)?),
                None => None,
            };
            self.paths.borrow_mut().insert(dir, path.clone());
        }
        Ok(path)
    }

    /// The path of a name in a directory; `None` if the directory has none.
    pub(crate) fn path(&self, dir: Ino, name: &Name) -> NodeResult<Option<VPathBuf>> {
        self.dir_path(dir)?.map(|path| joined(&path, name)).transpose()
    }

    /// All paths of a node.
    pub(crate) fn paths(&self, ino: Ino, kind: FileType) -> NodeResult<Vec<VPathBuf>> {
        if kind == FileType::Directory {
            return Ok(self.dir_path(ino)?.into_iter().collect());
        }
        let mut paths = Vec::new();
        for (dir, name) in self.names(ino)? {
            paths.extend(self.path(dir, &name)?);
        }
        paths.sort();
        Ok(paths)
    }
}

fn joined(path: &VPathBuf, name: &Name) -> NodeResult<VPathBuf> {
    if path.len() + 1 + name.len() > PATH_MAX {
        return Err(Errno::ENAMETOOLONG.into());
    }
    Ok(path.join(name))
}

/// Orders paths so that a directory is followed by what is below it, before any other name.
pub(crate) fn tree_order(a: &VPathBuf, b: &VPathBuf) -> std::cmp::Ordering {
    let (a, b) = (a.as_str().as_bytes(), b.as_str().as_bytes());
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((a, b)) => rank(*a).cmp(&rank(*b)),
        None => a.len().cmp(&b.len()),
    }
}
