//! Taking a delta in. The input is hostile.
//!
//! While it is read, every frame, count and sum is held against the bounds, and every node against what the
//! lower layer has under its number; what stays is counted, the tree itself (entries, whiteouts, holes) included.
//! Then the tree that would result is looked at as a whole (`shape.rs`): each directory stands in exactly one
//! place, what is above it leads to the root, and every entry leads to a node.
//! All of this happens on a fork of the tree; only then does it become the tree.
//!
//! Link counts and the list of nodes that are gone are taken from the input: nothing follows from them but what
//! the program that ran could have done anyway.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use imbl::OrdMap;

use super::shape::{Shape, prune};
use super::{BodyItem, DeltaBounds, DeltaError, FORMAT, Item, NodeItem, PIECE_MAX};
use crate::errno::Errno;
use crate::node::{FileType, Ino, Stat};
use crate::overlay::attrs::{TARGET_MAX, check_xattr, own_target, own_xattrs};
use crate::overlay::base::Base;
use crate::overlay::content::{Content, Source};
use crate::overlay::edit::LINK_MAX;
use crate::overlay::extents::{Data, Extent};
use crate::overlay::node::{Body, Entry, Node, Target};
use crate::overlay::scratch::{BLOCK_COST, BLOCK_MAX, Scratch, TreeCharge};
use crate::overlay::store::Store;
use crate::overlay::tree::Tree;
use crate::path::Name;

pub(super) type Outcome<T> = Result<T, DeltaError>;

pub(super) const fn malformed<T>(why: &'static str) -> Outcome<T> {
    Err(DeltaError::Malformed(why))
}

pub(super) fn merge(store: &Store, input: &mut dyn Read, bounds: &DeltaBounds) -> Outcome<()> {
    store.replace_tree(
        |tree| {
            let base: &Base = store.base();
            let mut merge = Merge::new(tree, base, store.scratch(), bounds);
            merge.read_all(input)?;
            let mut tree = merge.tree;
            prune(&mut tree, base);
            Shape::of(&tree, base)?.settle(&mut tree, base)?;
            Ok(tree)
        },
        || Errno::EDEADLK.into(),
    )
}

/// A delta being read.
struct Merge<'a> {
    tree: Tree,
    before: &'a Tree,
    base: &'a Base,
    scratch: &'a Arc<Scratch>,
    bounds: &'a DeltaBounds,
    frames: u64,
    bytes: u64,
    nodes: u64,
    entries: u64,
    gone: u64,
    /// Nodes of the lower layer from which known homes lead to the root.
    homed: HashSet<Ino>,
}

/// What an entry costs beside its name.
const ENTRY_COST: u64 = 64;

/// The node that entries or content may follow.
enum Open {
    None,
    Directory(Node, TreeCharge),
    File(OpenFile),
}

struct OpenFile {
    node: Node,
    charge: TreeCharge,
    size: u64,
    origin_len: u64,
    origin_blocks: u64,
    parts: Vec<(u64, Extent)>,
    end: u64,
}

impl<'a> Merge<'a> {
    fn new(
        before: &'a Tree,
        base: &'a Base,
        scratch: &'a Arc<Scratch>,
        bounds: &'a DeltaBounds,
    ) -> Merge<'a> {
        let mut tree = before.clone();
        tree.stamp += 1;
        let homed = HashSet::new();
        Merge {
            tree,
            before,
            base,
            scratch,
            bounds,
            frames: 0,
            bytes: 0,
            nodes: 0,
            entries: 0,
            gone: 0,
            homed,
        }
    }

    fn read_all(&mut self, input: &mut dyn Read) -> Outcome<()> {
        let mut buffer = Vec::new();
        self.frame(input, &mut buffer)?;
        let Item::Begin { format, next } = parse(&buffer)? else { return malformed("it does not begin") };
        if format != FORMAT {
            return malformed("another format");
        }
        if next < self.tree.next || next > self.base.first_new * 2 {
            return malformed("its numbers run out");
        }
        self.tree.next = next;
        let mut open = Open::None;
        loop {
            self.frame(input, &mut buffer)?;
            match parse(&buffer)? {
                Item::Begin { .. } => return malformed("it begins twice"),
                Item::Home { ino, parent, name } => self.home(ino, parent, name)?,
                Item::Gone(some) => self.take_gone(&some)?,
                Item::Node(item) => {
                    self.close(open)?;
                    open = self.node(item)?;
                }
                Item::Entries(some) => self.take_entries(&mut open, some)?,
                Item::Data { offset, bytes } => self.data(&mut open, offset, bytes)?,
                Item::Keep { offset, len } => self.keep(&mut open, offset, len)?,
                Item::Hole { offset, len } => self.hole(&mut open, offset, len)?,
                Item::End => return self.close(open),
            }
        }
    }

    /// Reads one frame. The buffer grows with what arrives, not with what is announced.
    fn frame(&mut self, input: &mut dyn Read, buffer: &mut Vec<u8>) -> Outcome<()> {
        let mut len = [0; 4];
        input.read_exact(&mut len)?;
        let len = u32::from_le_bytes(len);
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(u64::from(len) + 4);
        match () {
            () if len > self.bounds.frame_bytes => return Err(DeltaError::TooMuch("frame_bytes")),
            () if self.frames > self.bounds.frames => return Err(DeltaError::TooMuch("frames")),
            () if self.bytes > self.bounds.bytes => return Err(DeltaError::TooMuch("bytes")),
            () => {}
        }
        buffer.clear();
        if input.take(u64::from(len)).read_to_end(buffer)? < len as usize {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    fn lower_stat(&self, ino: Ino) -> Outcome<Stat> {
        let Some(lower) = self.base.lower_of(ino) else { return malformed("a node of no layer") };
        match lower.getattr(ino) {
            Ok(stat) => Ok(stat),
            Err(error) if error == Errno::ESTALE => malformed("an origin that does not exist"),
            Err(error) => Err(error.into()),
        }
    }

    fn home(&mut self, ino: Ino, parent: Ino, name: Name) -> Outcome<()> {
        if self.nodes > 0 {
            return malformed("a home that comes late");
        }
        if self.tree.homes.get(&ino).is_some_and(|home| home.0 == parent && home.1 == name) {
            return Ok(());
        }
        if !self.base.is_lower(ino) || !self.base.is_lower(parent) || ino == self.base.root {
            return malformed("a home outside the lower layer");
        }
        match self.base.lower_entry(parent, &name) {
            Ok(Some(stat)) if stat.ino == ino => {}
            Err(error) if !matches!(error.errno(), Errno::ESTALE | Errno::ENOTDIR) => {
                return Err(error.into());
            }
            _ => return malformed("a home that is not there"),
        }
        self.tree.homes.insert(ino, (parent, name));
        Ok(())
    }

    /// Requires that it was told where the lower layer has a node, and what is above it: who asks later and finds no
    /// answer would walk the whole lower layer.
    fn check_homes(&mut self, ino: Ino) -> Outcome<()> {
        let mut at = ino;
        while at != self.base.root && self.homed.insert(at) {
            let Some((parent, _)) = self.tree.homes.get(&at) else {
                return malformed("a node without a home");
            };
            at = *parent;
        }
        Ok(())
    }

    fn take_gone(&mut self, some: &[Ino]) -> Outcome<()> {
        self.gone += some.len() as u64;
        if self.gone > self.bounds.nodes {
            return Err(DeltaError::TooMuch("nodes"));
        }
        for ino in some {
            if !self.base.is_lower(*ino) || *ino == self.base.root {
                return malformed("what is gone was never there");
            }
            self.lower_stat(*ino)?;
            self.tree.gone.insert(*ino, self.tree.stamp);
            self.tree.nodes.remove(ino);
        }
        Ok(())
    }

    /// Checks a node against its origin and lets its parts follow.
    fn node(&mut self, item: NodeItem) -> Outcome<Open> {
        self.nodes += 1;
        if self.nodes > self.bounds.nodes {
            return Err(DeltaError::TooMuch("nodes"));
        }
        let ino = item.ino;
        if self.tree.gone.contains_key(&ino) {
            return malformed("a node that is gone");
        }
        if item.nlink == 0 || item.nlink > LINK_MAX || item.mode > 0o7777 || item.version >= 1 << 62 {
            return malformed("impossible attributes");
        }
        let origin = match self.base.is_lower(ino) {
            true => {
                self.check_homes(ino)?;
                Some(self.lower_stat(ino)?)
            }
            false if ino.0 >= self.tree.next => return malformed("a number that was never given out"),
            false => None,
        };
        let kind = match &item.body {
            BodyItem::File { .. } => FileType::Regular,
            BodyItem::Directory => FileType::Directory,
            BodyItem::Symlink(_) => FileType::Symlink,
            BodyItem::Special(kind, _) => *kind,
        };
        let known = self.before.nodes.get(&ino).map(|node| node.kind()).or(origin.map(|stat| stat.kind));
        if known.is_some_and(|known| kind != known) {
            return malformed("a node that changed its kind");
        }
        let node = self.attributes(&item, origin.as_ref())?;
        self.open(node, item.body, origin.as_ref())
    }

    /// Checks what makes the kinds differ.
    fn open(&mut self, mut node: Node, body: BodyItem, origin: Option<&Stat>) -> Outcome<Open> {
        node.body = match body {
            BodyItem::Directory => return Ok(Open::Directory(node, self.scratch.tree_charge())),
            BodyItem::File { size, origin_len } => {
                let (has, origin_blocks) = origin.map_or((0, 0), |stat| (stat.size, stat.blocks));
                if origin_len > has.min(size) || size > self.scratch.limits.file_bytes.min(i64::MAX as u64) {
                    return malformed("an impossible size");
                }
                let (charge, parts) = (self.scratch.tree_charge(), Vec::new());
                let file = OpenFile { node, charge, size, origin_len, origin_blocks, parts, end: 0 };
                return Ok(Open::File(file));
            }
            BodyItem::Symlink(text) => Body::Symlink(match (text, origin) {
                (None, Some(stat)) => Target::Origin(stat.size),
                (Some(text), None) if !text.is_empty() && text.len() <= TARGET_MAX => {
                    own_target(self.scratch, &text)?
                }
                _ => return malformed("an impossible target"),
            }),
            BodyItem::Special(kind, rdev) => {
                let device = matches!(kind, FileType::CharDevice | FileType::BlockDevice);
                let special = device || matches!(kind, FileType::Fifo | FileType::Socket);
                if !special || (!device && rdev != 0) || origin.is_some_and(|stat| stat.rdev != rdev) {
                    return malformed("an impossible device");
                }
                Body::Special(kind, rdev)
            }
        };
        Ok(self.finish(node))
    }

    /// The node with all but its body.
    fn attributes(&self, item: &NodeItem, origin: Option<&Stat>) -> Outcome<Node> {
        let mut xattrs = None;
        if let Some(map) = &item.xattrs {
            let mut own = BTreeMap::new();
            for (name, value) in map {
                check_xattr(name, value).or(malformed("an impossible attribute"))?;
                own.insert(name.clone(), value.clone().into());
            }
            xattrs = Some(own_xattrs(self.scratch, own)?);
        }
        Ok(Node {
            ino: item.ino,
            mode: item.mode,
            nlink: item.nlink,
            uid: item.uid,
            gid: item.gid,
            atime: item.atime,
            mtime: item.mtime,
            ctime: item.ctime,
            btime: origin.map_or(item.btime, |stat| stat.btime),
            version: item.version,
            stamp: self.tree.stamp,
            place: None,
            xattrs,
            body: Body::Directory(OrdMap::new()),
            _charge: None,
        })
    }

    fn finish(&mut self, node: Node) -> Open {
        self.tree.nodes.insert(node.ino, Arc::new(node));
        Open::None
    }

    fn close(&mut self, open: Open) -> Outcome<()> {
        match open {
            Open::None => {}
            Open::Directory(mut node, charge) => {
                node._charge = Some(Arc::new(charge));
                self.finish(node);
            }
            Open::File(OpenFile { mut node, charge, size, origin_len, origin_blocks, parts, .. }) => {
                node.body = Body::File(Content::of_parts(size, origin_len, origin_blocks, parts));
                node._charge = Some(Arc::new(charge));
                self.finish(node);
            }
        }
        if self.tree.nodes.len() as u64 + self.scratch.nodes_elsewhere() > self.scratch.limits.nodes {
            return Err(Errno::EDQUOT.into());
        }
        Ok(())
    }

    fn take_entries(&mut self, open: &mut Open, some: Vec<(Name, Option<Ino>)>) -> Outcome<()> {
        let Open::Directory(node, charge) = open else { return malformed("entries of what is no directory") };
        self.entries += some.len() as u64;
        if self.entries > self.bounds.nodes {
            return Err(DeltaError::TooMuch("nodes"));
        }
        let dir = node.ino;
        let has_origin = self.base.is_lower(dir);
        let entries = node.entries_mut();
        for (name, ino) in some {
            if entries.get_max().is_some_and(|(last, _)| *last >= name) {
                return malformed("entries out of order");
            }
            let entry = match ino {
                Some(ino) => Entry::Node(ino),
                None if !has_origin => return malformed("a whiteout over nothing"),
                // It changes nothing, and there could be any number of them.
                None if self.base.lower_entry(dir, &name)?.is_none() => continue,
                None => Entry::Whiteout,
            };
            charge.grow(name.len() as u64 + ENTRY_COST)?;
            entries.insert(name, entry);
        }
        Ok(())
    }

    fn data(&mut self, open: &mut Open, offset: u64, bytes: &[u8]) -> Outcome<()> {
        let mut at = claim(open, offset, bytes.len() as u64)?;
        if bytes.len() > PIECE_MAX {
            return malformed("a piece that is too long");
        }
        let Open::File(file) = open else { return malformed("content of what is no file") };
        for some in bytes.chunks(BLOCK_MAX) {
            let block = self.scratch.store(some, self.tree.stamp)?;
            let len = block.len();
            file.parts.push((at, Extent { len, data: Data::Block(block, 0) }));
            at += len;
        }
        Ok(())
    }

    fn keep(&mut self, open: &mut Open, offset: u64, len: u64) -> Outcome<()> {
        let at = claim(open, offset, len)?;
        let Open::File(file) = open else { return malformed("content of what is no file") };
        let before = self.before.nodes.get(&file.node.ino).and_then(|node| node.content().ok());
        let Some(before) = before.filter(|before| at + len <= before.size()) else {
            return malformed("content that was never sent");
        };
        for piece in before.pieces(at, at + len) {
            let Source::Block(block, from) = piece.source else {
                return malformed("content that was never sent");
            };
            file.charge.grow(BLOCK_COST)?;
            file.parts.push((piece.start, Extent { len: piece.len, data: Data::Block(block.clone(), from) }));
        }
        Ok(())
    }

    fn hole(&mut self, open: &mut Open, offset: u64, len: u64) -> Outcome<()> {
        let at = claim(open, offset, len)?;
        let Open::File(file) = open else { return malformed("content of what is no file") };
        if at + len > file.origin_len {
            return malformed("a hole over nothing");
        }
        file.charge.grow(BLOCK_COST)?;
        file.parts.push((at, Extent { len, data: Data::Hole }));
        Ok(())
    }
}

/// Takes the next range of a file's content: after the last one, not empty, inside the size.
fn claim(open: &mut Open, offset: u64, len: u64) -> Outcome<u64> {
    let Open::File(file) = open else { return malformed("content of what is no file") };
    let stop = offset.checked_add(len).filter(|stop| *stop <= file.size);
    match stop {
        Some(stop) if len > 0 && offset >= file.end => file.end = stop,
        _ => return malformed("content out of order"),
    }
    Ok(offset)
}

fn parse(frame: &[u8]) -> Outcome<Item<'_>> {
    match postcard::take_from_bytes(frame) {
        Ok((item, [])) => Ok(item),
        _ => malformed("a frame that says nothing"),
    }
}
