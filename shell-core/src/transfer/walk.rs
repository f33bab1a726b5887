//! Everything below a directory, one after the other.

use std::collections::VecDeque;

use cowry_vfs::{DirEntry, Ino, Layer, Name, NodeResult, VPathBuf};

use super::sink::{is_closed, unreadable};
use crate::error::Result;

/// How many entries of a directory are read at once.
const PAGE: usize = 512;

/// How many entries are known before their turn, and how many bytes of files are asked for before that. Where a layer
/// has to fetch content from far away, so many files are on their way together.
const AHEAD: usize = 64;
const AHEAD_BYTES: u64 = 8 << 20;
/// How much of a long file is asked for: who reads on is seen to.
const HEAD: u64 = 1 << 20;

/// Tells why a file is to be passed by, if it is.
pub(super) type Lost<'a> = &'a dyn Fn(&DirEntry) -> NodeResult<Option<String>>;

/// Passes by nothing.
pub(super) fn nothing_is_lost(_: &DirEntry) -> NodeResult<Option<String>> {
    Ok(None)
}

/// What a walk comes by.
pub(super) enum Visit {
    /// A directory, before what is in it.
    Directory(VPathBuf, Ino),
    Entry(VPathBuf, DirEntry),
    /// A directory that cannot be listed or a file that is passed by, and why.
    Closed(VPathBuf, String),
}

impl Visit {
    /// The file that is going to be read, and how much of it.
    fn head(&self) -> Option<(Ino, u64)> {
        match self {
            Visit::Entry(_, entry) if entry.stat.is_file() => {
                Some((entry.stat.ino, entry.stat.size.min(HEAD)))
            }
            _ => None,
        }
    }
}

/// Visits everything below `root`, parents before what is in them, in name order. The layer is told what comes next.
pub(super) fn walk(
    layer: &dyn Layer,
    root: Ino,
    lost: Lost<'_>,
    visit: &mut dyn FnMut(Visit) -> Result<()>,
) -> Result<()> {
    let mut walk = Walk::new(layer, root);
    let (mut queue, mut bytes) = (VecDeque::new(), 0);
    loop {
        while queue.len() < AHEAD && bytes < AHEAD_BYTES {
            let Some(found) = walk.next() else { break };
            if let Some((ino, len)) = head(&found) {
                layer.will_need(ino, 0, len as usize);
                bytes += len;
            }
            queue.push_back(found);
        }
        let Some(found) = queue.pop_front() else { return Ok(()) };
        bytes -= head(&found).map_or(0, |(_, len)| len);
        let found = match found? {
            Visit::Entry(path, entry) => match lost(&entry).map_err(|error| unreadable(&path, error))? {
                Some(why) => Visit::Closed(path, why),
                None => Visit::Entry(path, entry),
            },
            found => found,
        };
        visit(found)?;
    }
}

fn head(found: &Result<Visit>) -> Option<(Ino, u64)> {
    found.as_ref().ok().and_then(Visit::head)
}

/// Goes through a tree without recursion, so that depth costs no stack.
struct Walk<'a> {
    layer: &'a dyn Layer,
    levels: Vec<Level>,
    /// A directory that comes next.
    enter: Option<(VPathBuf, Ino)>,
}

/// A directory that is being read: where it is and how far.
struct Level {
    path: VPathBuf,
    ino: Ino,
    page: std::vec::IntoIter<DirEntry>,
    last: Option<Name>,
    done: bool,
}

impl<'a> Walk<'a> {
    fn new(layer: &'a dyn Layer, root: Ino) -> Walk<'a> {
        Walk { layer, levels: Vec::new(), enter: Some((VPathBuf::root(), root)) }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Visit>;

    /// After an error there is nothing more.
    fn next(&mut self) -> Option<Result<Visit>> {
        if let Some((path, ino)) = self.enter.take() {
            self.levels.push(Level::new(path.clone(), ino));
            return Some(Ok(Visit::Directory(path, ino)));
        }
        loop {
            let level = self.levels.last_mut()?;
            let error = match level.next(self.layer) {
                Ok(Some(entry)) => {
                    let path = level.path.join(&entry.name);
                    self.enter = entry.stat.is_dir().then(|| (path.clone(), entry.stat.ino));
                    return Some(Ok(Visit::Entry(path, entry)));
                }
                Ok(None) => {
                    self.levels.pop();
                    continue;
                }
                Err(error) => error,
            };
            let path = self.levels.pop()?.path;
            if is_closed(&error) {
                return Some(Ok(Visit::Closed(path, error.to_string())));
            }
            self.levels.clear();
            return Some(Err(unreadable(&path, error)));
        }
    }
}

impl Level {
    fn new(path: VPathBuf, ino: Ino) -> Level {
        Level { path, ino, page: Vec::new().into_iter(), last: None, done: false }
    }

    fn next(&mut self, layer: &dyn Layer) -> NodeResult<Option<DirEntry>> {
        if let Some(entry) = self.page.next() {
            return Ok(Some(entry));
        }
        if self.done {
            return Ok(None);
        }
        let page = layer.readdir(self.ino, self.last.as_ref(), PAGE)?;
        self.done = page.len() < PAGE;
        self.last = page.last().map(|entry| entry.name.clone());
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

#[cfg(test)]
mod tests {
    use cowry_vfs::{MemoryLayer, NewAttr, NewNode};

    use super::*;

    #[test]
    fn everything_comes_once_and_parents_come_first() {
        let layer = MemoryLayer::new();
        let make = |dir: Ino, name: &str, node| {
            let name = Name::new(name).expect("a name");
            layer.create(dir, &name, node, &NewAttr::with_mode(0o755)).expect("made").ino
        };
        let (b, _) =
            (make(layer.root(), "b", NewNode::Directory), make(layer.root(), "c", NewNode::File(b"c")));
        make(b, "empty", NewNode::Directory);
        for n in 0..1000 {
            make(b, &format!("f{n:03}"), NewNode::File(&[0; 20_000]));
        }
        make(layer.root(), "a", NewNode::File(b"a"));
        let mut seen = Vec::new();
        let done = walk(&layer, layer.root(), &nothing_is_lost, &mut |visit| {
            seen.push(match visit {
                Visit::Directory(path, _) => format!("{path}:"),
                Visit::Entry(path, _) => path.to_string(),
                Visit::Closed(path, error) => panic!("{path}: {error}"),
            });
            Ok(())
        });
        done.expect("all is readable");
        let files = (0..1000).map(|n| format!("/b/f{n:03}"));
        let head = ["/:", "/a", "/b", "/b:", "/b/empty", "/b/empty:"].map(String::from);
        let wanted: Vec<String> = head.into_iter().chain(files).chain(["/c".to_owned()]).collect();
        assert_eq!(seen, wanted);
    }
}
