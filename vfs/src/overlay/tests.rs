use std::sync::Arc;

use proptest::prelude::*;

use super::{DeltaBounds, Overlay, OverlayOptions, ScratchLimits};
use crate::clock::{ManualClock, Timestamp};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::memory::MemoryLayer;
use crate::node::{Allocate, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr};
use crate::path::Name;

fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

fn attr() -> NewAttr {
    NewAttr::with_mode(0o644)
}

fn put(layer: &dyn Layer, dir: Ino, at: &str, content: &[u8]) -> Ino {
    layer.create(dir, &name(at), NewNode::File(content), &attr()).expect("created").ino
}

fn mkdir(layer: &dyn Layer, dir: Ino, at: &str) -> Ino {
    layer.create(dir, &name(at), NewNode::Directory, &NewAttr::with_mode(0o755)).expect("created").ino
}

fn names(layer: &dyn Layer, dir: Ino) -> Vec<String> {
    layer.readdir(dir, None, 1000).expect("read").into_iter().map(|e| e.name.to_string()).collect()
}

fn text(layer: &dyn Layer, ino: Ino) -> String {
    String::from_utf8(layer.read(ino, 0, 1 << 20).expect("read").to_vec()).expect("UTF-8")
}

/// `/a/b/deep` "deep", `/f` "hello", `/g` is a second name of `/f`.
fn lower() -> (Arc<MemoryLayer>, Ino, Ino, Ino) {
    let lower = Arc::new(MemoryLayer::with_clock(ManualClock::new(Timestamp(1000))));
    let root = lower.root();
    let a = mkdir(&*lower, root, "a");
    let b = mkdir(&*lower, a, "b");
    put(&*lower, b, "deep", b"deep");
    let f = put(&*lower, root, "f", b"hello");
    lower.link(f, root, &name("g")).expect("linked");
    (lower, a, b, f)
}

fn over(lower: &Arc<MemoryLayer>) -> Overlay {
    Overlay::new(lower.clone(), OverlayOptions::default())
}

#[test]
fn a_renamed_directory_keeps_its_number_and_its_subtree() {
    let (lower, a, b, _) = lower();
    let overlay = over(&lower);
    let root = overlay.root();
    overlay.rename((root, &name("a")), (root, &name("z")), RenameMode::Replace).expect("renamed");
    assert_eq!(names(&overlay, root), ["f", "g", "z"]);
    assert_eq!(overlay.lookup(root, &name("z")).expect("there").ino, a);
    assert_eq!(overlay.lookup(a, &name("b")).expect("there").ino, b);
    assert_eq!(overlay.lookup(root, &name("a")).expect_err("gone"), Errno::ENOENT);
    assert_eq!(overlay.usage().nodes, 2, "the root and the directory itself");
    assert_eq!(names(&*lower, root), ["a", "f", "g"], "the lower layer is untouched");
    let below = overlay.rename((root, &name("z")), (b, &name("x")), RenameMode::Replace);
    assert_eq!(below.expect_err("below itself"), Errno::EINVAL);
}

#[test]
fn a_change_through_one_name_is_seen_through_the_other() {
    let (lower, _, _, f) = lower();
    let overlay = over(&lower);
    let root = overlay.root();
    overlay.append(f, b" you").expect("appended");
    let other = overlay.lookup(root, &name("g")).expect("there");
    assert_eq!((other.ino, other.nlink, other.size), (f, 2, 9));
    overlay.unlink(root, &name("f")).expect("unlinked");
    assert_eq!(overlay.lookup(root, &name("g")).expect("there").nlink, 1);
    assert_eq!(text(&overlay, f), "hello you");
    assert_eq!(text(&*lower, f), "hello");
}

#[test]
fn unlink_of_open_file_keeps_its_data() {
    let (lower, _, _, f) = lower();
    let overlay = over(&lower);
    let root = overlay.root();
    overlay.open(f).expect("opened");
    overlay.unlink(root, &name("f")).expect("unlinked");
    overlay.unlink(root, &name("g")).expect("unlinked");
    assert_eq!(text(&overlay, f), "hello");
    overlay.write(f, 0, b"J").expect("written");
    assert_eq!(text(&overlay, f), "Jello");
    assert_eq!(overlay.fork().getattr(f).expect_err("nobody holds it there"), Errno::ESTALE);
    overlay.release(f);
    assert_eq!(overlay.getattr(f).expect_err("gone"), Errno::ESTALE);
}

#[test]
fn a_failed_batch_leaves_nothing() {
    let memory = MemoryLayer::new();
    let root = memory.root();
    let failed = memory.batch(&mut |inner| {
        put(inner, root, "x", b"x");
        inner.batch(&mut |nested| {
            put(nested, root, "y", b"y");
            Ok(())
        })?;
        assert_eq!(names(inner, root), ["x", "y"]);
        assert_eq!(names(&memory, root), Vec::<String>::new());
        assert_eq!(memory.unlink(root, &name("x")).expect_err("outside"), Errno::EDEADLK);
        Err(Errno::EIO.into())
    });
    assert_eq!(failed.expect_err("as told"), Errno::EIO);
    assert_eq!(names(&memory, root), Vec::<String>::new());
}

#[test]
fn small_appends_make_few_blocks() {
    let memory = MemoryLayer::new();
    let file = put(&memory, memory.root(), "log", b"");
    for _ in 0..20_000 {
        memory.append(file, b"twenty bytes of log\n").expect("appended");
    }
    let stat = memory.getattr(file).expect("there");
    assert_eq!(stat.size, 400_000);
    assert!(memory.usage().memory_bytes < 600_000, "{:?}", memory.usage());
}

#[test]
fn truncation_hides_the_origin_for_good() {
    let (lower, _, _, f) = lower();
    let overlay = over(&lower);
    overlay.setattr(f, &SetAttr::size(2)).expect("cut");
    overlay.setattr(f, &SetAttr::size(6)).expect("grown");
    assert_eq!(text(&overlay, f), "he\0\0\0\0");
    overlay.write(f, 4, b"o").expect("written");
    assert_eq!(text(&overlay, f), "he\0\0o\0");
    overlay.allocate(f, Allocate::Punch, 0, 1).expect("punched");
    assert_eq!(text(&overlay, f), "\0e\0\0o\0");
    assert_eq!(overlay.seek(f, 0, SeekTo::Data).expect("data"), 1);
    assert_eq!(overlay.seek(f, 1, SeekTo::Hole).expect("hole"), 2);
}

#[test]
fn quotas_end_in_edquot() {
    let (lower, a, _, f) = lower();
    let limits = ScratchLimits { memory_bytes: 500, total_bytes: 40_000, nodes: 3, file_bytes: 1 << 20 };
    let spill = Some(tempfile::tempfile().expect("a file"));
    let overlay = Overlay::new(lower, OverlayOptions { limits, spill, ..OverlayOptions::default() });
    overlay.write(f, 0, &[7; 290]).expect("in memory");
    overlay.append(f, &[8; 5000]).expect("spilled");
    overlay.append(f, &[9; 5000]).expect("appended in place");
    assert!(overlay.usage().spilled_bytes >= 10_000);
    assert_eq!(overlay.read(f, 5285, 10).expect("read")[..], [8, 8, 8, 8, 8, 9, 9, 9, 9, 9]);
    assert_eq!(overlay.append(f, &[0; 40_000]).expect_err("too much"), Errno::EDQUOT);
    assert_eq!(overlay.getattr(f).expect("there").size, 10_290);
    assert_eq!(overlay.write(f, 1 << 20, b"x").expect_err("too large"), Errno::EFBIG);
    overlay.setattr(f, &SetAttr::size(0)).expect("emptied");
    assert_eq!((overlay.usage().memory_bytes, overlay.usage().spilled_bytes), (0, 0));
    put(&overlay, a, "third", b"");
    let full = overlay.create(a, &name("fourth"), NewNode::Fifo, &attr());
    assert_eq!(full.expect_err("too many"), Errno::EDQUOT);
}

#[test]
fn readdir_merges_in_order_and_in_pages() {
    let memory = Arc::new(MemoryLayer::new());
    let root = memory.root();
    for i in 0..700 {
        put(&*memory, root, &format!("{i:03}"), b"");
    }
    let overlay = over(&memory);
    for i in (0..700).step_by(7) {
        overlay.unlink(root, &name(&format!("{i:03}"))).expect("unlinked");
        put(&overlay, root, &format!("{i:03}+"), b"");
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = overlay.readdir(root, after.as_ref(), 13).expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        seen.extend(page.into_iter().map(|e| e.name.to_string()));
    }
    let expected: Vec<String> =
        (0..700).map(|i| if i % 7 == 0 { format!("{i:03}+") } else { format!("{i:03}") }).collect();
    assert_eq!(seen, expected);
}

/// What is done to one file, against a vector of bytes.
#[derive(Clone, Debug)]
enum Edit {
    Write(u32, u32, u8),
    Append(u32, u8),
    Size(u32),
    Punch(u32, u32),
    Zero(u32, u32),
    Fork,
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || 0..300_000u32;
    let len = || prop_oneof![1..50u32, 1..5_000u32, 1..600_000u32];
    prop_oneof![
        4 => (at(), len(), any::<u8>()).prop_map(|(o, l, b)| Edit::Write(o, l, b)),
        4 => (len(), any::<u8>()).prop_map(|(l, b)| Edit::Append(l, b)),
        2 => at().prop_map(Edit::Size),
        2 => (at(), len()).prop_map(|(o, l)| Edit::Punch(o, l)),
        1 => (at(), len()).prop_map(|(o, l)| Edit::Zero(o, l)),
        1 => Just(Edit::Fork),
    ]
}

fn overwrite(model: &mut Vec<u8>, offset: usize, data: &[u8]) {
    model.resize(model.len().max(offset + data.len()), 0);
    model[offset..offset + data.len()].copy_from_slice(data);
}

fn edit_both(layer: &dyn Layer, ino: Ino, model: &mut Vec<u8>, edit: &Edit) {
    match *edit {
        Edit::Write(offset, len, byte) => {
            let data = vec![byte; len as usize];
            layer.write(ino, offset.into(), &data).expect("written");
            overwrite(model, offset as usize, &data);
        }
        Edit::Append(len, byte) => {
            let data = vec![byte; len as usize];
            assert_eq!(layer.append(ino, &data).expect("appended"), model.len() as u64);
            model.extend_from_slice(&data);
        }
        Edit::Size(size) => {
            layer.setattr(ino, &SetAttr::size(size.into())).expect("set");
            model.resize(size as usize, 0);
        }
        Edit::Punch(offset, len) => {
            layer.allocate(ino, Allocate::Punch, offset.into(), len.into()).expect("punched");
            let end = model.len().min((offset + len) as usize);
            if (offset as usize) < end {
                model[offset as usize..end].fill(0);
            }
        }
        Edit::Zero(offset, len) => {
            layer.allocate(ino, Allocate::Zero, offset.into(), len.into()).expect("zeroed");
            overwrite(model, offset as usize, &vec![0; len as usize]);
        }
        Edit::Fork => {}
    }
}

/// Where there is no data, as told by seeking, there are zeros.
fn check_holes(layer: &dyn Layer, ino: Ino, model: &[u8]) {
    let (mut at, mut data) = (0, 0);
    while let Ok(start) = layer.seek(ino, at, SeekTo::Data) {
        assert!(model[at as usize..start as usize].iter().all(|byte| *byte == 0));
        at = layer.seek(ino, start, SeekTo::Hole).expect("the end is a hole");
        assert!(at > start);
        data += at - start;
    }
    assert!(model[at as usize..].iter().all(|byte| *byte == 0));
    let blocks = layer.getattr(ino).expect("there").blocks;
    assert!(blocks * 512 >= data, "{blocks} blocks hold {data} bytes");
}

proptest! {
    #![proptest_config(crate::cases::cases(60))]

    #[test]
    fn content_is_what_was_written(
        origin in 0..200_000u32,
        memory in prop_oneof![Just(0u64), Just(300_000), Just(u64::MAX)],
        edits in prop::collection::vec(edit(), 1..30),
    ) {
        let lower = Arc::new(MemoryLayer::new());
        let ino = put(&*lower, lower.root(), "f", &vec![0xaa; origin as usize]);
        // What cannot be spilled needs some room too.
        let limits = ScratchLimits { memory_bytes: memory.max(50_000), ..ScratchLimits::UNLIMITED };
        let spill = Some(tempfile::tempfile().expect("a file"));
        let overlay = Overlay::new(lower.clone(), OverlayOptions { limits, spill, ..OverlayOptions::default() });
        let mut model = vec![0xaa; origin as usize];
        let mut forks = Vec::new();
        for edit in &edits {
            edit_both(&overlay, ino, &mut model, edit);
            prop_assert_eq!(&overlay.read(ino, 0, usize::MAX).expect("read")[..], &model[..]);
            check_holes(&overlay, ino, &model);
            if matches!(edit, Edit::Fork) {
                forks.push((overlay.fork(), model.clone()));
            }
        }
        for (fork, model) in &forks {
            prop_assert_eq!(&fork.read(ino, 0, usize::MAX).expect("read")[..], &model[..]);
        }
        prop_assert_eq!(lower.read(ino, 0, usize::MAX).expect("read").len(), origin as usize);
        drop(forks);
        overlay.setattr(ino, &SetAttr::size(0)).expect("emptied");
        let usage = overlay.usage();
        prop_assert_eq!((usage.memory_bytes, usage.spilled_bytes), (0, 0), "all of it was given back");
    }
}

#[test]
fn an_overlay_lies_over_an_overlay() {
    let (lower, a, b, f) = lower();
    let middle = Arc::new(over(&lower));
    let root = middle.root();
    let new = put(&*middle, a, "new", b"middle");
    middle.rename((a, &name("b")), (root, &name("b")), RenameMode::Replace).expect("renamed");
    let top = Overlay::new(middle.clone(), OverlayOptions::default());
    top.append(new, b" and top").expect("appended");
    top.append(f, b"!").expect("appended");
    top.rename((root, &name("b")), (a, &name("b")), RenameMode::Replace).expect("renamed");
    assert_eq!(text(&top, new), "middle and top");
    assert_eq!(text(&top, f), "hello!");
    assert_eq!(names(&top, a), ["b", "new"]);
    assert_eq!(names(&top, b), ["deep"]);
    assert_eq!(names(&*middle, root), ["a", "b", "f", "g"]);
    assert!(put(&top, root, "top", b"").0 > new.0, "each layer has numbers of its own");
}

#[test]
fn removing_a_lower_tree_takes_no_quota_for_what_is_gone() {
    let memory = Arc::new(MemoryLayer::new());
    let dir = mkdir(&*memory, memory.root(), "many");
    for i in 0..500 {
        put(&*memory, dir, &format!("{i}"), b"");
    }
    let limits = ScratchLimits { nodes: 3, ..ScratchLimits::default() };
    let overlay = Overlay::new(memory, OverlayOptions { limits, ..OverlayOptions::default() });
    let first = overlay.lookup(dir, &name("0")).expect("there").ino;
    for i in 0..500 {
        overlay.unlink(dir, &name(&format!("{i}"))).expect("unlinked");
    }
    assert_eq!(overlay.getattr(first).expect_err("gone"), Errno::ESTALE);
    overlay.rmdir(overlay.root(), &name("many")).expect("removed");
    assert_eq!(overlay.usage().nodes, 1, "the root");
}

#[test]
fn a_path_that_became_too_long_is_an_error_and_no_overflow() {
    let (lower, ..) = lower();
    let overlay = over(&lower);
    let mut dir = overlay.root();
    for _ in 0..5_000 {
        dir = mkdir(&overlay, dir, "d");
    }
    assert_eq!(overlay.changes().expect_err("too long"), Errno::ENAMETOOLONG);
    let mut delta = Vec::new();
    overlay.encode_since(0, &mut delta).expect("encoded");
    let mirror = over(&lower);
    mirror.merge(&mut &delta[..], &DeltaBounds::default()).expect("taken in");
    assert_eq!(mirror.changes().expect_err("too long"), Errno::ENAMETOOLONG);
}

#[test]
fn overlays_with_one_budget_count_together() {
    let limits = ScratchLimits { total_bytes: 100_000, nodes: 6, ..ScratchLimits::default() };
    let make = |budget| {
        let options = OverlayOptions { limits, budget, ..OverlayOptions::default() };
        Overlay::new(Arc::new(MemoryLayer::new()), options)
    };
    let first = make(None);
    let second = make(Some(first.budget()));
    let create = |layer: &Overlay, text: &str, data: &[u8]| {
        layer.create(layer.root(), &name(text), NewNode::File(data), &NewAttr::with_mode(0o644))
    };
    create(&first, "a", &[1; 60_000]).expect("there is room");
    assert_eq!(create(&second, "a", &[1; 60_000]).expect_err("too much together"), Errno::EDQUOT);
    create(&second, "b", &[1; 30_000]).expect("there is room for this");
    first.unlink(first.root(), &name("a")).expect("it is there");
    create(&second, "c", &[1; 60_000]).expect("there is room again");
    // Each has a root that was changed, and the second has two files.
    create(&first, "d", b"").expect("the fifth node");
    create(&first, "e", b"").expect("the sixth node");
    assert_eq!(create(&second, "f", b"").expect_err("too many together"), Errno::EDQUOT);
    drop(first);
    create(&second, "f", b"").expect("nobody else is left");
}

#[test]
fn past_65000_links_is_emlink() {
    let memory = MemoryLayer::new();
    let file = put(&memory, memory.root(), "f", b"");
    let full = memory.batch(&mut |layer| {
        (1..65_000).try_for_each(|n| layer.link(file, layer.root(), &name(&n.to_string())).map(drop))
    });
    full.expect("65,000 names are allowed");
    assert_eq!(memory.getattr(file).expect("it is there").nlink, 65_000);
    let more = memory.link(file, memory.root(), &name("more"));
    assert_eq!(more.expect_err("one too many"), Errno::EMLINK);
    memory.unlink(memory.root(), &name("1")).expect("it is there");
    memory.link(file, memory.root(), &name("more")).expect("there is room again");
}

#[test]
fn directory_of_100000_entries_is_listed_in_pages_while_it_changes() {
    let memory = MemoryLayer::new();
    let filled = memory.batch(&mut |layer| {
        (0..100_000).try_for_each(|n| {
            layer.create(layer.root(), &name(&format!("{n:06}")), NewNode::File(b""), &attr()).map(drop)
        })
    });
    filled.expect("there is no bound");
    let (mut seen, mut after) = (0, None);
    loop {
        let page = memory.readdir(memory.root(), after.as_ref(), 1000).expect("it is a directory");
        let Some(last) = page.last() else { break };
        seen += page.len();
        // What was listed goes, and what comes before it is not listed again.
        memory.unlink(memory.root(), &page[0].name).expect("it is there");
        put(&memory, memory.root(), &format!("{} again", page[0].name), b"");
        after = Some(last.name.clone());
    }
    assert_eq!(seen, 100_000);
}
