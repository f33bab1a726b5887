//! Telling the kernel what is no longer as it was told.

use std::ffi::OsStr;
use std::sync::mpsc::Receiver;

use fuser::{INodeNo, Notifier};

use super::convert;
use super::core::Core;
use super::known::Belief;
use crate::path::Name;

/// One thing to forget.
pub(super) enum Notice {
    /// The attributes and the content of an inode.
    Inode(INodeNo),
    /// An entry.
    Entry(INodeNo, Name),
}

/// Compares what the kernel believes with what is there.
pub(super) fn find(core: &Core) -> Vec<Notice> {
    let beliefs = core.known.lock().beliefs();
    beliefs.iter().flat_map(|belief| wrong(core, belief)).collect()
}

fn wrong(core: &Core, belief: &Belief) -> impl Iterator<Item = Notice> + use<> {
    let number = |ino| convert::number(ino, core.root);
    let changed = !core.layer.getattr(belief.ino).is_ok_and(|stat| stat.version == belief.version);
    let inode = changed.then(|| Notice::Inode(number(belief.ino)));
    let moved = belief
        .place
        .as_ref()
        .filter(|(parent, name)| !core.layer.lookup(*parent, name).is_ok_and(|stat| stat.ino == belief.ino));
    let entry = moved.map(|(parent, name)| Notice::Entry(number(*parent), name.clone()));
    inode.into_iter().chain(entry)
}

/// Hands notices to the kernel from a thread of their own: it may make them wait for a request to be answered.
pub(super) fn start(notifier: Notifier, notices: Receiver<Vec<Notice>>) {
    super::spawn("cowry-fuse-tell", move || {
        for notice in notices.into_iter().flatten() {
            // What the kernel has forgotten by itself is forgotten; a mount that has ended needs nothing.
            let _ = match notice {
                Notice::Inode(ino) => notifier.inval_inode(ino, 0, 0),
                Notice::Entry(parent, name) => notifier.inval_entry(parent, OsStr::new(name.as_str())),
            };
        }
    });
}
