use std::sync::Arc;

use proptest::prelude::*;

use super::{DeltaBounds, DeltaError, Item};
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
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

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
