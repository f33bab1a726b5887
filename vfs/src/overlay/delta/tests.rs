use std::sync::Arc;

use proptest::prelude::*;

use super::{BodyItem, DeltaBounds, DeltaError, Item, NodeItem};
use crate::commit::{InoMap, PersistAll, apply};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::memory::MemoryLayer;
use crate::node::{Ino, NewAttr, NewNode, RenameMode, SetAttr, XattrMode};
use crate::overlay::{Overlay, OverlayOptions, ScratchLimits};
use crate::path::Name;

fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

fn put(layer: &dyn Layer, dir: Ino, at: &str, new: NewNode<'_>) -> Ino {
    layer.create(dir, &name(at), new, &NewAttr::with_mode(0o644)).expect("made").ino
}

/// `/d/e/f` and `/g`, twice linked.
fn lower() -> MemoryLayer {
    let layer = MemoryLayer::new();
    let d = put(&layer, layer.root(), "d", NewNode::Directory);
    let e = put(&layer, d, "e", NewNode::Directory);
    put(&layer, e, "f", NewNode::File(b"content of f"));
    let g = put(&layer, layer.root(), "g", NewNode::File(&[b'g'; 5000]));
    layer.link(g, d, &name("g2")).expect("linked");
    layer
}

fn over(lower: &MemoryLayer) -> Overlay {
    Overlay::new(Arc::new(lower.fork()), OverlayOptions::default())
}

/// A bit of everything.
fn busy(lower: &MemoryLayer) -> Overlay {
    let overlay = over(lower);
    let root = overlay.root();
    let d = overlay.lookup(root, &name("d")).expect("there").ino;
    let g = overlay.lookup(root, &name("g")).expect("there").ino;
    let n = put(&overlay, root, "n", NewNode::Directory);
    overlay.rename((d, &name("e")), (n, &name("moved")), RenameMode::Replace).expect("renamed");
    overlay.write(g, 100, b"written").expect("written");
    overlay.setattr(g, &SetAttr::size(3000)).expect("cut");
    overlay.setattr(g, &SetAttr::size(4000)).expect("grown");
    overlay.allocate(g, crate::node::Allocate::Punch, 500, 100).expect("punched");
    overlay.setxattr(g, "user.a", b"value", XattrMode::Any).expect("set");
    overlay.unlink(d, &name("g2")).expect("unlinked");
    put(&overlay, n, "link", NewNode::Symlink("../g"));
    put(&overlay, n, "fifo", NewNode::Fifo);
    put(&overlay, d, "new", NewNode::File(&[1; 300_000]));
    overlay
}

fn encoded(overlay: &Overlay) -> Vec<u8> {
    let mut delta = Vec::new();
    overlay.encode_since(0, &mut delta).expect("encoded");
    delta
}

/// A delta without the frames that `drop` says.
fn without(delta: &[u8], drop: impl Fn(&Item<'_>) -> bool) -> Vec<u8> {
    let (mut rest, mut out) = (delta, Vec::new());
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let (frame, after) = after.split_at(u32::from_le_bytes(*len) as usize);
        if !drop(&postcard::from_bytes(frame).expect("an item")) {
            out.extend_from_slice(len);
            out.extend_from_slice(frame);
        }
        rest = after;
    }
    out
}

/// A delta of these items, after what every delta begins with and before how it ends.
fn crafted(lower: &MemoryLayer, items: &[Item<'_>]) -> Vec<u8> {
    let empty = encoded(&over(lower));
    let mut out = without(&empty, |item| matches!(item, Item::End));
    for item in items.iter().chain([&Item::End]) {
        let frame = postcard::to_allocvec(item).expect("it can be written");
        out.extend_from_slice(&u32::try_from(frame.len()).expect("short").to_le_bytes());
        out.extend_from_slice(&frame);
    }
    out
}

/// Merges, and uses what came of it as a supervisor would: nothing may panic or go on for ever.
fn survives(lower: &MemoryLayer, delta: &[u8]) -> bool {
    let mirror = over(lower);
    if mirror.merge(&mut &delta[..], &DeltaBounds::default()).is_err() {
        assert_eq!(mirror.usage().nodes, 0, "all or nothing");
        assert_eq!(mirror.usage().memory_bytes, 0);
        return false;
    }
    let _ = mirror.changes();
    let target = lower.fork();
    let _ =
        target.batch(&mut |target| apply(None, &mirror, &mut InoMap::new(), target, &PersistAll).map(drop));
    let mut steps = 0;
    let mut dirs = vec![mirror.root()];
    while let Some(dir) = dirs.pop() {
        for entry in mirror.readdir(dir, None, 1000).expect("a directory can be read") {
            steps += 1;
            assert!(steps < 10_000, "the tree is no tree");
            if entry.stat.is_dir() {
                dirs.push(entry.stat.ino);
            } else if entry.stat.is_file() {
                let read = mirror.read(entry.stat.ino, 0, 1 << 20).expect("a file can be read");
                assert_eq!(read.len() as u64, entry.stat.size.min(1 << 20));
            }
        }
    }
    true
}

proptest! {
    #![proptest_config(crate::cases::cases(2000))]

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!survives(&lower(), &bytes));
    }

    #[test]
    fn mutated_deltas_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let lower = lower();
        let overlay = busy(&lower);
        // Without the long file most of what can be mutated is structure.
        let d = overlay.lookup(overlay.root(), &name("d")).expect("there").ino;
        overlay.unlink(d, &name("new")).expect("unlinked");
        let mut delta = encoded(&overlay);
        for (at, byte) in changes {
            let at = at.index(delta.len());
            delta[at] = byte;
        }
        survives(&lower, &delta);
    }

    #[test]
    fn cut_deltas_are_refused(keep in any::<prop::sample::Index>()) {
        let lower = lower();
        let delta = encoded(&busy(&lower));
        prop_assert!(!survives(&lower, &delta[..keep.index(delta.len())]));
    }
}

#[test]
fn an_honest_delta_is_taken_in() {
    let lower = lower();
    let overlay = busy(&lower);
    let delta = encoded(&overlay);
    assert!(survives(&lower, &delta));
    let mirror = over(&lower);
    mirror.merge(&mut &delta[..], &DeltaBounds::default()).expect("taken in");
    assert_eq!(mirror.changes().expect("told"), overlay.changes().expect("told"));
    assert_eq!(encoded(&mirror), delta, "nothing was lost");
}

#[test]
fn a_checkpoint_sends_what_is_new() {
    let lower = lower();
    let overlay = busy(&lower);
    let mirror = over(&lower);
    let mut delta = Vec::new();
    let stamp = overlay.encode_since(0, &mut delta).expect("encoded");
    mirror.merge(&mut &delta[..], &DeltaBounds::default()).expect("taken in");
    let d = overlay.lookup(overlay.root(), &name("d")).expect("there").ino;
    let new = overlay.lookup(d, &name("new")).expect("there").ino;
    overlay.write(new, 299_990, &[2; 20]).expect("written");
    overlay.unlink(overlay.root(), &name("g")).expect("unlinked");
    delta.clear();
    overlay.encode_since(stamp, &mut delta).expect("encoded");
    assert!(delta.len() < 60_000, "the first block was sent before: {}", delta.len());
    mirror.merge(&mut &delta[..], &DeltaBounds::default()).expect("taken in");
    assert_eq!(encoded(&mirror).len(), encoded(&overlay).len());
    assert_eq!(mirror.read(new, 0, 400_000).expect("read"), overlay.read(new, 0, 400_000).expect("read"));
    assert_eq!(mirror.lookup(mirror.root(), &name("g")).expect_err("gone"), Errno::ENOENT);
}

#[test]
fn a_node_without_its_homes_is_refused() {
    let lower = lower();
    let overlay = over(&lower);
    let at = |dir, text| overlay.lookup(dir, &name(text)).expect("there").ino;
    let d = at(overlay.root(), "d");
    let e = at(d, "e");
    overlay.write(at(e, "f"), 0, b"C").expect("written");
    put(&overlay, e, "new", NewNode::Directory);
    let delta = encoded(&overlay);
    assert!(survives(&lower, &delta));
    for lost in [d, e, at(e, "f")] {
        let less = without(&delta, |item| matches!(item, Item::Home { ino, .. } if *ino == lost));
        assert!(less.len() < delta.len());
        let refused = over(&lower).merge(&mut &less[..], &DeltaBounds::default());
        assert!(matches!(refused, Err(DeltaError::Malformed(_))), "{lost:?}");
    }
}

/// A node of the lower layer, as it is but for its body.
fn node_of(lower: &MemoryLayer, ino: Ino, body: BodyItem) -> Item<'static> {
    let stat = lower.getattr(ino).expect("there");
    Item::Node(NodeItem {
        ino,
        mode: stat.mode,
        nlink: 1,
        uid: stat.uid,
        gid: stat.gid,
        atime: stat.atime,
        mtime: stat.mtime,
        ctime: stat.ctime,
        btime: stat.btime,
        version: stat.version,
        xattrs: None,
        body,
    })
}

fn quota_is_used_up(mirror: &Overlay, delta: &[u8]) -> bool {
    let full = mirror.merge(&mut &delta[..], &DeltaBounds::default());
    matches!(full, Err(DeltaError::Node(error)) if error == Errno::EDQUOT)
}

/// Few nodes and little data, so that the bound of what the tree takes is low.
fn small(lower: &MemoryLayer) -> Overlay {
    let limits = ScratchLimits { nodes: 10, total_bytes: 1 << 20, ..ScratchLimits::default() };
    Overlay::new(Arc::new(lower.fork()), OverlayOptions { limits, ..OverlayOptions::default() })
}

#[test]
fn a_whiteout_over_nothing_is_not_kept() {
    let lower = lower();
    let whiteouts = Item::Entries(vec![(name("g"), None), (name("nowhere"), None)]);
    let delta = crafted(&lower, &[node_of(&lower, lower.root(), BodyItem::Directory), whiteouts]);
    let mirror = over(&lower);
    mirror.merge(&mut &delta[..], &DeltaBounds::default()).expect("taken in");
    assert_eq!(mirror.lookup(mirror.root(), &name("g")).expect_err("gone"), Errno::ENOENT);
    let kept = encoded(&mirror);
    assert!(!kept.windows(7).any(|some| some == b"nowhere"));
}

#[test]
fn entries_are_held_against_a_quota() {
    let lower = lower();
    let g = lower.lookup(lower.root(), &name("g")).expect("there").ino;
    let link = |number: u32| (name(&format!("{number:0>250}")), Some(g));
    let delta = |count: u32| {
        let mut items = vec![
            Item::Home { ino: g, parent: lower.root(), name: name("g") },
            node_of(&lower, lower.root(), BodyItem::Directory),
        ];
        let links: Vec<_> = (0..count).map(link).collect();
        items.extend(links.chunks(1000).map(|some| Item::Entries(some.to_vec())));
        items.push(node_of(&lower, g, BodyItem::File { size: 5000, origin_len: 5000 }));
        crafted(&lower, &items)
    };
    let mirror = small(&lower);
    for _ in 0..2 {
        mirror.merge(&mut &delta(25_000)[..], &DeltaBounds::default()).expect("what goes is given back");
    }
    assert!(quota_is_used_up(&mirror, &delta(60_000)));
    mirror.merge(&mut &delta(25_000)[..], &DeltaBounds::default()).expect("what failed is given back");
}

#[test]
fn extents_without_data_are_held_against_a_quota() {
    let lower = lower();
    let root = lower.root();
    let file = put(&lower, root, "sparse", NewNode::File(b""));
    let size = 1 << 20;
    lower.setattr(file, &SetAttr::size(size)).expect("grown");
    let home = || Item::Home { ino: file, parent: root, name: name("sparse") };
    let delta = |count: u64, extent: fn(u64) -> Item<'static>| {
        let mut items = vec![home(), node_of(&lower, file, BodyItem::File { size, origin_len: size })];
        items.extend((0..count).map(|at| extent(at * 2)));
        crafted(&lower, &items)
    };
    let hole = |offset| Item::Hole { offset, len: 1 };
    let mirror = small(&lower);
    assert!(quota_is_used_up(&mirror, &delta(140_000, hole)));
    mirror.merge(&mut &delta(1000, hole)[..], &DeltaBounds::default()).expect("taken in");

    let mut data = vec![home(), node_of(&lower, file, BodyItem::File { size, origin_len: size })];
    let bytes = vec![1; 300_000];
    data.push(Item::Data { offset: 0, bytes: &bytes });
    mirror.merge(&mut &crafted(&lower, &data)[..], &DeltaBounds::default()).expect("taken in");
    assert!(quota_is_used_up(&mirror, &delta(140_000, |offset| Item::Keep { offset, len: 1 })));
}

#[test]
fn many_files_are_within_the_bounds() {
    let lower = lower();
    let overlay = over(&lower);
    let dir = put(&overlay, overlay.root(), "many", NewNode::Directory);
    for number in 0..99_000 {
        put(&overlay, dir, &format!("{number:0>250}"), NewNode::Fifo);
    }
    let mirror = over(&lower);
    for _ in 0..2 {
        mirror.merge(&mut &encoded(&overlay)[..], &DeltaBounds::default()).expect("taken in");
    }
    assert_eq!(mirror.usage().nodes, overlay.usage().nodes);
}

#[test]
fn bounds_hold() {
    let lower = lower();
    let delta = encoded(&busy(&lower));
    let too_much = |bounds: DeltaBounds| {
        let mirror = over(&lower);
        matches!(mirror.merge(&mut &delta[..], &bounds), Err(DeltaError::TooMuch(_)))
    };
    let bounds = DeltaBounds::default();
    assert!(too_much(DeltaBounds { frame_bytes: 1000, ..bounds }));
    assert!(too_much(DeltaBounds { frames: 5, ..bounds }));
    assert!(too_much(DeltaBounds { bytes: 10_000, ..bounds }));
    assert!(too_much(DeltaBounds { nodes: 2, ..bounds }));
    let limits = ScratchLimits { total_bytes: 1000, ..ScratchLimits::default() };
    let small = Overlay::new(Arc::new(lower.fork()), OverlayOptions { limits, ..OverlayOptions::default() });
    let full = small.merge(&mut &delta[..], &bounds);
    assert!(matches!(full, Err(DeltaError::Node(error)) if error == Errno::EDQUOT));
    assert_eq!(small.usage().nodes, 0);
}
