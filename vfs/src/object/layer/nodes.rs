//! What the layer knows of the bucket by number: one node for each content of a name that was seen.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::RwLock;

use super::ahead::Ahead;
use super::spool::Spool;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino, Stat};
use crate::object::bucket::Found;

pub(super) const ROOT: Ino = Ino(1);
/// Numbers are below this power of two, so that JavaScript has them exactly.
pub(super) const INO_BITS: u8 = 50;

/// An object as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Object {
    pub size: u64,
    /// What the server says; not known of what was written from here.
    pub modified: Option<i64>,
    /// Not every listing tells it; then the first request of the object does.
    pub etag: Option<String>,
}

impl Object {
    pub fn of(found: &Found) -> Object {
        Object { size: found.size, modified: Some(found.modified), etag: found.etag.clone() }
    }

    /// Whether this can be the same content as `other`. Without ETags on both sides size and time decide, and
    /// the request that learns the ETag decides for good.
    pub fn is_same(&self, other: &Object) -> bool {
        match (&self.etag, &other.etag) {
            (Some(one), Some(two)) => one == two,
            _ => {
                let times = self.modified.zip(other.modified);
                self.size == other.size && times.is_none_or(|(one, two)| one == two)
            }
        }
    }

    pub fn learn(&mut self, other: &Object) {
        self.modified = self.modified.or(other.modified);
        if self.etag.is_none() {
            self.etag.clone_from(&other.etag);
        }
    }
}

/// What a name of the bucket is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    Folder,
    Object(Object),
}

impl Seen {
    fn kind(&self) -> FileType {
        match self {
            Seen::Folder => FileType::Directory,
            Seen::Object(_) => FileType::Regular,
        }
    }

    /// What makes the number of a node another one.
    fn tag(&self) -> String {
        match self {
            Seen::Folder => "/".into(),
            Seen::Object(Object { etag: Some(etag), .. }) => etag.clone(),
            Seen::Object(object) => format!("{} {:?}", object.size, object.modified),
        }
    }
}

#[derive(Debug)]
pub(super) struct Node {
    /// Its name below the prefix; empty for the root.
    pub key: String,
    pub stat: Stat,
    /// What the bucket has; nothing of a folder, and of a file that was made and not written yet.
    pub object: Option<Object>,
    /// Which content it is, for the cache of blocks: never the same for two.
    pub content: u64,
    pub pins: u32,
    /// Whether no name leads to it any more.
    pub gone: bool,
    /// When the bucket last said that it is there.
    pub checked: Option<Timestamp>,
    /// Of a folder: whether it has more than a page.
    pub big: bool,
    pub ahead: Ahead,
    /// Whether its attributes are those that the object keeps.
    pub asked: bool,
    /// What was written and is not uploaded.
    pub spool: Option<Arc<RwLock<Spool>>>,
    /// Whether it was used since it was last looked at for eviction.
    used: bool,
}

impl Node {
    pub fn is_dir(&self) -> bool {
        self.stat.is_dir()
    }

    pub fn need_dir(&self) -> NodeResult<()> {
        if self.is_dir() { Ok(()) } else { Err(Errno::ENOTDIR.into()) }
    }

    pub fn need_file(&self) -> NodeResult<()> {
        match self.stat.kind {
            FileType::Regular => Ok(()),
            FileType::Directory => Err(Errno::EISDIR.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Whether the layer must not forget it: somebody holds it open, or what was written is here alone.
    fn is_held(&self) -> bool {
        self.pins > 0 || (self.spool.is_some() && !self.gone)
    }
}

/// How nodes that are seen for the first time look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    pub born: Timestamp,
    pub uid: u32,
    pub gid: u32,
    pub file_mode: u32,
    pub dir_mode: u32,
}

/// All nodes that are known. What nobody holds is forgotten when there are too many.
#[derive(Debug)]
pub(super) struct Table {
    by_ino: HashMap<Ino, Node>,
    by_key: HashMap<String, Ino>,
    /// In the order in which they are looked at for eviction.
    order: VecDeque<Ino>,
    limit: usize,
    contents: u64,
    looks: Looks,
}

impl Table {
    pub fn new(looks: Looks, limit: usize) -> Table {
        let mut table = Table {
            by_ino: HashMap::new(),
            by_key: HashMap::new(),
            order: VecDeque::new(),
            limit,
            contents: 0,
            looks,
        };
        let stat = table.stat(ROOT, &Seen::Folder);
        table.insert(String::new(), stat, None);
        table
    }

    pub fn get(&mut self, ino: Ino) -> NodeResult<&mut Node> {
        let node = self.by_ino.get_mut(&ino).ok_or(Errno::ESTALE)?;
        node.used = true;
        Ok(node)
    }

    /// The node that a name leads to, as far as the layer knows.
    pub fn named(&mut self, key: &str) -> Option<&mut Node> {
        let ino = *self.by_key.get(key)?;
        self.get(ino).ok()
    }

    /// What a name is by what the layer knows of it.
    pub fn current(&mut self, key: &str) -> Option<Seen> {
        self.named(key).map(|node| match (&node.object, node.is_dir()) {
            (_, true) => Seen::Folder,
            (Some(object), _) => Seen::Object(Object { size: node.stat.size, ..object.clone() }),
            (None, _) => Seen::Object(Object { size: node.stat.size, modified: None, etag: None }),
        })
    }

    /// Notes what the bucket has under a name, and returns its attributes. Another content is another node.
    pub fn note(&mut self, key: &str, seen: &Seen) -> Stat {
        if let Some(node) = self.named(key) {
            let is_dir = node.is_dir();
            match (&mut node.object, seen) {
                (_, Seen::Folder) if is_dir => return node.stat,
                (Some(known), Seen::Object(object)) if known.is_same(object) => {
                    known.learn(object);
                    return node.stat;
                }
                _ => {
                    let ino = node.stat.ino;
                    self.forget(ino);
                }
            }
        }
        let ino = self.number(key, &seen.tag());
        let stat = self.stat(ino, seen);
        let object = match seen {
            Seen::Folder => None,
            Seen::Object(object) => Some(object.clone()),
        };
        self.insert(key.to_owned(), stat, object);
        stat
    }

    /// The same number whenever the same content of the same name is seen, as long as it is free.
    pub fn number(&self, key: &str, tag: &str) -> Ino {
        let mut hasher = blake3::Hasher::new();
        hasher.update(key.as_bytes()).update(&[0]).update(tag.as_bytes());
        let hash = hasher.finalize();
        let start = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight of 32 bytes"));
        let most = (1 << INO_BITS) - 2;
        let tries = (0..).map(|by: u64| Ino(2 + start.wrapping_add(by) % (most - 1)));
        tries
            .into_iter()
            .find(|ino| !self.by_ino.contains_key(ino))
            .expect("there are fewer nodes than numbers")
    }

    fn stat(&self, ino: Ino, seen: &Seen) -> Stat {
        let (size, time) = match seen {
            Seen::Folder => (0, self.looks.born),
            Seen::Object(object) => (object.size, object.modified.map_or(self.looks.born, Timestamp)),
        };
        let (mode, nlink) = match seen {
            Seen::Folder => (self.looks.dir_mode, 2),
            Seen::Object(_) => (self.looks.file_mode, 1),
        };
        Stat {
            ino,
            kind: seen.kind(),
            mode,
            nlink,
            uid: self.looks.uid,
            gid: self.looks.gid,
            rdev: 0,
            size,
            blocks: size.div_ceil(512),
            atime: time,
            mtime: time,
            ctime: time,
            btime: time,
            version: 1,
        }
    }

    /// Which content comes next.
    pub fn new_content(&mut self) -> u64 {
        self.contents += 1;
        self.contents
    }

    /// The files that have a name and wait for an upload.
    pub fn dirty(&self) -> Vec<Ino> {
        let dirty = self.by_ino.values().filter(|node| node.spool.is_some() && !node.gone);
        dirty.map(|node| node.stat.ino).collect()
    }

    /// A change of a folder's entries.
    pub fn touch(&mut self, key: &str, now: Timestamp) {
        if let Some(node) = self.named(key) {
            (node.stat.mtime, node.stat.ctime) = (now, now);
            node.stat.version += 1;
        }
    }

    /// A node that is made here: nothing of it is in the bucket yet.
    pub fn make(&mut self, key: &str, seen: &Seen, now: Timestamp) -> Stat {
        self.contents += 1;
        let ino = self.number(key, &format!("made {} {}", self.contents, self.looks.born.0));
        let stat = Stat { atime: now, mtime: now, ctime: now, btime: now, ..self.stat(ino, seen) };
        self.insert(key.to_owned(), stat, None);
        stat
    }

    /// A node has another name.
    pub fn rekey(&mut self, ino: Ino, to: &str) {
        let Some(node) = self.by_ino.get_mut(&ino) else { return };
        if self.by_key.get(&node.key) == Some(&ino) {
            self.by_key.remove(&node.key);
        }
        to.clone_into(&mut node.key);
        self.by_key.insert(to.to_owned(), ino);
    }

    /// Every node below a folder, by its name.
    pub fn below(&self, folder: &str) -> Vec<(String, Ino)> {
        let inside = |key: &str| key.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let below = self.by_key.iter().filter(|(key, _)| inside(key));
        below.map(|(key, ino)| (key.clone(), *ino)).collect()
    }

    pub fn insert(&mut self, key: String, stat: Stat, object: Option<Object>) {
        self.make_room();
        let content = self.new_content();
        self.by_key.insert(key.clone(), stat.ino);
        let node = Node {
            key,
            stat,
            object,
            content,
            pins: 0,
            gone: false,
            checked: None,
            big: false,
            ahead: Ahead::default(),
            asked: false,
            spool: None,
            used: true,
        };
        self.by_ino.insert(stat.ino, node);
        self.order.push_back(stat.ino);
    }

    /// No name leads to a node any more: it is forgotten, unless somebody holds it.
    pub fn forget(&mut self, ino: Ino) {
        let Some(node) = self.by_ino.get_mut(&ino) else { return };
        if self.by_key.get(&node.key) == Some(&ino) {
            self.by_key.remove(&node.key);
        }
        node.gone = true;
        node.stat.nlink = 0;
        if !node.is_held() {
            self.by_ino.remove(&ino);
        }
    }

    pub fn pin(&mut self, ino: Ino) -> NodeResult<()> {
        self.get(ino)?.pins += 1;
        Ok(())
    }

    /// Undoes one pin, and says whether it was the last.
    pub fn unpin(&mut self, ino: Ino) -> bool {
        let Some(node) = self.by_ino.get_mut(&ino).filter(|node| node.pins > 0) else { return false };
        node.pins -= 1;
        node.pins == 0
    }

    /// Forgets a node that nothing leads to and nobody holds.
    pub fn let_go(&mut self, ino: Ino) {
        if self.by_ino.get(&ino).is_some_and(|node| node.gone && !node.is_held()) {
            self.by_ino.remove(&ino);
        }
    }

    /// Looks at the oldest nodes until one goes that nobody used since the last look.
    fn make_room(&mut self) {
        let mut looks = self.order.len();
        while self.by_ino.len() >= self.limit && looks > 0 {
            looks -= 1;
            let Some(ino) = self.order.pop_front() else { return };
            let Some(node) = self.by_ino.get_mut(&ino) else { continue };
            if std::mem::take(&mut node.used) || node.is_held() || ino == ROOT {
                self.order.push_back(ino);
                continue;
            }
            if self.by_key.get(&node.key) == Some(&ino) {
                self.by_key.remove(&node.key);
            }
            self.by_ino.remove(&ino);
        }
    }
}

/// The name of what is called `name` in the folder `dir`.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// The folder that a name is in, and its last part.
pub(super) fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}
