use std::sync::Arc;

use super::{Overlay, OverlayOptions, ScratchLimits};
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

/// Run with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
fn speed() {
    let memory = MemoryLayer::new();
    let root = memory.root();
    let block = [7u8; 1024];
    let time = |what: &str, n: u32, work: &mut dyn FnMut(u32)| {
        let start = std::time::Instant::now();
        (0..n).for_each(work);
        println!("{what}: {:.0}/s", f64::from(n) / start.elapsed().as_secs_f64());
    };
    let names: Vec<Name> = (0..100_000).map(|i| name(&format!("file-{i}"))).collect();
    let mut inos = Vec::new();
    time("create+write 1 KiB", 100_000, &mut |i| {
        let ino = memory.create(root, &names[i as usize], NewNode::File(b""), &attr()).expect("created").ino;
        memory.write(ino, 0, &block).expect("written");
        inos.push(ino);
    });
    time("write 1 KiB", 1_000_000, &mut |i| {
        memory.write(inos[i as usize % 100_000], 0, &block).expect("written")
    });
    time("read 1 KiB", 1_000_000, &mut |i| {
        memory.read(inos[i as usize % 100_000], 0, 1024).expect("read");
    });
    time("getattr", 1_000_000, &mut |i| {
        memory.getattr(inos[i as usize % 100_000]).expect("there");
    });
    time("lookup", 1_000_000, &mut |i| {
        memory.lookup(root, &names[i as usize % 100_000]).expect("there");
    });
    time("rename", 100_000, &mut |i| {
        let at = &names[i as usize];
        memory.rename((root, at), (root, &name(&format!("r{i}"))), RenameMode::Replace).expect("renamed");
    });
}
