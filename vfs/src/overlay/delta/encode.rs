//! Writing a delta.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use imbl::OrdMap;

use super::{BodyItem, ENTRIES_MAX, FORMAT, Item, NodeItem, PIECE_MAX};
use crate::node::Ino;
use crate::overlay::content::Content;
use crate::overlay::extents::Data;
use crate::overlay::node::{Body, Entry, Node, Target};
use crate::overlay::store::Store;
use crate::overlay::tree::View;
use crate::path::Name;

pub(super) fn encode(store: &Store, since: u64, out: &mut dyn Write) -> io::Result<u64> {
    let tree = store.snapshot();
    let view = View { tree: &tree, base: store.base() };
    let mut frames = Frames { out, buffer: Vec::new(), piece: Vec::new() };
    frames.put(&Item::Begin { format: FORMAT, next: tree.next })?;
    homes(view, since, &mut frames)?;
    let gone: Vec<Ino> = tree.gone.iter().filter(|(_, stamp)| **stamp > since).map(|(ino, _)| *ino).collect();
    for some in gone.chunks(ENTRIES_MAX) {
        frames.put(&Item::Gone(some.to_vec()))?;
    }
    for node in changed(view, since) {
        frames.put(&Item::Node(node_item(node)))?;
        match &node.body {
            Body::Directory(entries) => frames.entries(entries)?,
            Body::File(content) => frames.content(content, since)?,
            _ => {}
        }
    }
    frames.put(&Item::End)?;
    Ok(tree.stamp)
}

/// Nodes that changed and have a name.
fn changed<'a>(view: View<'a>, since: u64) -> impl Iterator<Item = &'a Arc<Node>> {
    view.tree.nodes.values().filter(move |node| node.stamp > since && node.nlink > 0)
}

/// Says where the lower layer has the changed nodes, and the directories above them.
fn homes(view: View<'_>, since: u64, frames: &mut Frames<'_>) -> io::Result<()> {
    let mut told = BTreeSet::new();
    for node in changed(view, since) {
        let mut ino = node.ino;
        while let Some((parent, name)) = view.home(ino).map_err(io::Error::other)? {
            if !told.insert(ino) {
                break;
            }
            frames.put(&Item::Home { ino, parent, name })?;
            ino = parent;
        }
    }
    Ok(())
}

fn node_item(node: &Node) -> NodeItem {
    let body = match &node.body {
        Body::File(content) => BodyItem::File { size: content.size(), origin_len: content.origin_len() },
        Body::Directory(_) => BodyItem::Directory,
        Body::Symlink(Target::Origin(_)) => BodyItem::Symlink(None),
        Body::Symlink(Target::Own(target)) => BodyItem::Symlink(Some(target.text.clone())),
        Body::Special(kind, rdev) => BodyItem::Special(*kind, *rdev),
    };
    let xattrs = node.xattrs.as_ref();
    NodeItem {
        ino: node.ino,
        mode: node.mode,
        nlink: node.nlink,
        uid: node.uid,
        gid: node.gid,
        atime: node.atime,
        mtime: node.mtime,
        ctime: node.ctime,
        btime: node.btime,
        version: node.version,
        xattrs: xattrs.map(|x| x.map.iter().map(|(name, value)| (name.clone(), value.to_vec())).collect()),
        body,
    }
}

struct Frames<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
    piece: Vec<u8>,
}

impl Frames<'_> {
    fn put(&mut self, item: &Item<'_>) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend_from_slice(&[0; 4]);
        let mut buffer = postcard::to_extend(item, buffer).map_err(io::Error::other)?;
        let len = u32::try_from(buffer.len() - 4).map_err(io::Error::other)?;
        buffer[..4].copy_from_slice(&len.to_le_bytes());
        self.out.write_all(&buffer)?;
        self.buffer = buffer;
        Ok(())
    }

    fn entries(&mut self, entries: &OrdMap<Name, Entry>) -> io::Result<()> {
        let mut some = Vec::new();
        for (name, entry) in entries {
            some.push(match entry {
                Entry::Node(ino) => (name.clone(), Some(*ino)),
                Entry::Whiteout => (name.clone(), None),
            });
            if some.len() == ENTRIES_MAX {
                self.put(&Item::Entries(std::mem::take(&mut some)))?;
            }
        }
        if some.is_empty() { Ok(()) } else { self.put(&Item::Entries(some)) }
    }

    fn content(&mut self, content: &Content, since: u64) -> io::Result<()> {
        for (start, extent) in content.extents().iter() {
            match &extent.data {
                Data::Hole => self.put(&Item::Hole { offset: start, len: extent.len })?,
                Data::Block(block, _) if block.stamp <= since => {
                    self.put(&Item::Keep { offset: start, len: extent.len })?;
                }
                Data::Block(block, from) => {
                    debug_assert!(extent.len <= PIECE_MAX as u64, "blocks are smaller than pieces");
                    let mut bytes = std::mem::take(&mut self.piece);
                    bytes.resize(extent.len as usize, 0);
                    block.read(*from, &mut bytes).map_err(io::Error::other)?;
                    self.put(&Item::Data { offset: start, bytes: &bytes })?;
                    self.piece = bytes;
                }
            }
        }
        Ok(())
    }
}
