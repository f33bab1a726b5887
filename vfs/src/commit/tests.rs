mod sessions;
mod several;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Applied, InoMap, Judge, PersistAll, Verdict, apply, plan};
use crate::change::ChangeKind;
use crate::clock::{ManualClock, Timestamp};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::memory::MemoryLayer;
use crate::node::{Allocate, FileType, Ino, NewAttr, NewNode, RenameMode, SetAttr, XattrMode};
use crate::overlay::{DeltaBounds, Overlay, OverlayOptions};
use crate::path::{Name, VPathBuf};

fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

fn path(text: &str) -> VPathBuf {
    VPathBuf::parse(text).expect("a valid path")
}

fn find(layer: &dyn Layer, at: &str) -> NodeResult<Ino> {
    path(at).components().try_fold(layer.root(), |dir, name| Ok(layer.lookup(dir, &name)?.ino))
}

fn parent(layer: &dyn Layer, at: &str) -> NodeResult<(Ino, Name)> {
    let at = path(at);
    let dir = find(layer, &at.parent().ok_or(Errno::EBUSY)?)?;
    Ok((dir, at.components().last().expect("not the root")))
}

fn put(layer: &dyn Layer, at: &str, content: &str) -> Ino {
    let (dir, name) = parent(layer, at).expect("there");
    layer.create(dir, &name, NewNode::File(content.as_bytes()), &NewAttr::with_mode(0o644)).expect("made").ino
}

fn mkdir(layer: &dyn Layer, at: &str) -> Ino {
    let (dir, name) = parent(layer, at).expect("there");
    layer.create(dir, &name, NewNode::Directory, &NewAttr::with_mode(0o755)).expect("made").ino
}

fn mv(layer: &dyn Layer, from: &str, to: &str) {
    let (from, to) = (parent(layer, from).expect("there"), parent(layer, to).expect("there"));
    layer.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Replace).expect("renamed");
}

fn rm(layer: &dyn Layer, at: &str) {
    let (dir, name) = parent(layer, at).expect("there");
    if layer.lookup(dir, &name).expect("there").is_dir() {
        for entry in layer.readdir(layer.lookup(dir, &name).expect("there").ino, None, 1000).expect("read") {
            rm(layer, &format!("{at}/{}", entry.name));
        }
        layer.rmdir(dir, &name).expect("removed");
    } else {
        layer.unlink(dir, &name).expect("removed");
    }
}

fn text(layer: &dyn Layer, at: &str) -> String {
    let ino = find(layer, at).expect("there");
    String::from_utf8(layer.read(ino, 0, 1 << 20).expect("read").to_vec()).expect("UTF-8")
}

/// Everything of one node that can be compared.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    kind: FileType,
    mode: u32,
    owner: (u32, u32),
    nlink: u32,
    mtime: Timestamp,
    content: Vec<u8>,
    xattrs: Vec<(String, Vec<u8>)>,
    /// The first path of the same node.
    same_as: String,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Seen { kind, mode, owner, nlink, mtime, content, xattrs, same_as } = self;
        let start = String::from_utf8_lossy(&content[..content.len().min(20)]);
        write!(
            f,
            "{kind:?} {mode:o} {owner:?} {nlink} {mtime:?} {}:{start:?} {xattrs:?} {same_as}",
            content.len()
        )
    }
}

type Tree = BTreeMap<String, Seen>;

fn tree(layer: &dyn Layer) -> Tree {
    let (mut out, mut first, mut dirs) = (Tree::new(), BTreeMap::new(), vec![(String::new(), layer.root())]);
    look(layer, layer.root(), "/".into(), &mut first, &mut out);
    while let Some((at, dir)) = dirs.pop() {
        for entry in layer.readdir(dir, None, usize::MAX).expect("read") {
            let at = format!("{at}/{}", entry.name);
            assert_eq!(layer.lookup(dir, &entry.name).expect("there"), entry.stat, "{at}");
            look(layer, entry.stat.ino, at.clone(), &mut first, &mut out);
            if entry.stat.is_dir() {
                dirs.push((at, entry.stat.ino));
            }
        }
    }
    for seen in out.values_mut() {
        let ino = seen.same_as.parse::<u64>().expect("a number");
        seen.same_as = first[&Ino(ino)].clone();
    }
    out
}

fn look(layer: &dyn Layer, ino: Ino, at: String, first: &mut BTreeMap<Ino, String>, out: &mut Tree) {
    let stat = layer.getattr(ino).expect("there");
    let content = match stat.kind {
        FileType::Regular => layer.read(ino, 0, 1 << 24).expect("read").to_vec(),
        FileType::Symlink => layer.readlink(ino).expect("read").into_bytes(),
        _ => stat.rdev.to_le_bytes().to_vec(),
    };
    assert!(!stat.is_file() || content.len() as u64 == stat.size);
    let xattrs = layer.listxattr(ino).expect("listed");
    let xattrs = xattrs
        .into_iter()
        .map(|x| {
            let value = layer.getxattr(ino, &x).expect("there").to_vec();
            (x, value)
        })
        .collect();
    let least = first.entry(ino).or_insert_with(|| at.clone());
    *least = least.clone().min(at.clone());
    let seen = Seen {
        kind: stat.kind,
        mode: stat.mode,
        owner: (stat.uid, stat.gid),
        nlink: stat.nlink,
        mtime: stat.mtime,
        content,
        xattrs,
        same_as: ino.0.to_string(),
    };
    out.insert(at, seen);
}

/// Fails with the paths that differ, and no others.
#[track_caller]
fn assert_same(is: &Tree, expected: &Tree) {
    let differ: Vec<_> = is
        .keys()
        .chain(expected.keys())
        .filter(|at| is.get(*at) != expected.get(*at))
        .map(|at| (at, is.get(at), expected.get(at)))
        .collect();
    assert!(differ.is_empty(), "(path, is, should be): {differ:#?}");
}

/// `/a/x`, `/a/b/y`, `/c/z`, `/c/link` the same file as `/a/x`, `/s` a symbolic link.
fn base(clock: &Arc<ManualClock>) -> MemoryLayer {
    let layer = MemoryLayer::with_clock(clock.clone());
    for dir in ["/a", "/a/b", "/c", "/tmp"] {
        mkdir(&layer, dir);
    }
    let x = put(&layer, "/a/x", "the content of x");
    put(&layer, "/a/b/y", "y");
    put(&layer, "/c/z", &"z".repeat(3000));
    put(&layer, "/tmp/t", "t");
    let (c, link) = parent(&layer, "/c/link").expect("there");
    layer.link(x, c, &link).expect("linked");
    let target = NewNode::Symlink("a/x");
    layer.create(layer.root(), &name("s"), target, &NewAttr::with_mode(0o777)).expect("made");
    layer.setxattr(x, "user.kind", b"letter", XattrMode::Any).expect("set");
    clock.advance(1_000);
    layer
}

fn over(lower: &MemoryLayer, clock: &Arc<ManualClock>) -> Overlay {
    Overlay::new(Arc::new(lower.fork()), OverlayOptions { clock: clock.clone(), ..OverlayOptions::default() })
}

#[derive(Clone, Debug)]
enum Op {
    Create(usize, u8, u8),
    Mkdir(usize, u8),
    Symlink(usize, u8),
    Link(usize, usize, u8),
    Remove(usize),
    RemoveAll(usize),
    Rename(usize, usize, u8, u8),
    Move(usize, usize),
    Write(usize, u16, u8, u8),
    Truncate(usize, u16),
    Punch(usize, u16, u16),
    Chmod(usize, u16),
    Touch(usize, u32),
    Xattr(usize, u8),
    Commit,
}

fn op() -> impl Strategy<Value = Op> {
    let at = || 0..64usize;
    let new = || 0..6u8;
    prop_oneof![
        3 => (at(), new(), any::<u8>()).prop_map(|(d, n, b)| Op::Create(d, n, b)),
        2 => (at(), new()).prop_map(|(d, n)| Op::Mkdir(d, n)),
        1 => (at(), new()).prop_map(|(d, n)| Op::Symlink(d, n)),
        1 => (at(), at(), new()).prop_map(|(f, d, n)| Op::Link(f, d, n)),
        2 => at().prop_map(Op::Remove),
        1 => at().prop_map(Op::RemoveAll),
        6 => (at(), at(), new(), 0..3u8).prop_map(|(f, d, n, m)| Op::Rename(f, d, n, m)),
        4 => (at(), at()).prop_map(|(f, t)| Op::Move(f, t)),
        3 => (at(), 0..4000u16, any::<u8>(), 1..200u8).prop_map(|(f, o, b, l)| Op::Write(f, o, b, l)),
        1 => (at(), 0..4000u16).prop_map(|(f, s)| Op::Truncate(f, s)),
        1 => (at(), 0..3000u16, 1..3000u16).prop_map(|(f, o, l)| Op::Punch(f, o, l)),
        1 => (at(), 0..0o1000u16).prop_map(|(f, m)| Op::Chmod(f, m)),
        1 => (at(), any::<u32>()).prop_map(|(f, t)| Op::Touch(f, t)),
        1 => (at(), any::<u8>()).prop_map(|(f, v)| Op::Xattr(f, v)),
        1 => Just(Op::Commit),
    ]
}

/// Does an operation whose operands are chosen among the paths that exist.
fn perform(layer: &dyn Layer, paths: &[(String, bool)], op: &Op) -> NodeResult<()> {
    let any = |at: usize| paths[at % paths.len()].0.as_str();
    let dirs: Vec<&str> = paths.iter().filter(|(_, dir)| *dir).map(|(path, _)| path.as_str()).collect();
    let dir = |at: usize| find(layer, dirs[at % dirs.len()]);
    let new = |n: u8| name(["n", "m", "x", "b", "tmp", "z"][n as usize]);
    let attr = NewAttr::with_mode(0o640);
    match *op {
        Op::Create(d, n, b) => {
            let content = vec![b; usize::from(b) * 7];
            layer.create(dir(d)?, &new(n), NewNode::File(&content), &attr).map(drop)
        }
        Op::Mkdir(d, n) => layer.create(dir(d)?, &new(n), NewNode::Directory, &attr).map(drop),
        Op::Symlink(d, n) => layer.create(dir(d)?, &new(n), NewNode::Symlink("n"), &attr).map(drop),
        Op::Link(f, d, n) => layer.link(find(layer, any(f))?, dir(d)?, &new(n)).map(drop),
        Op::Remove(f) => {
            let (dir, name) = parent(layer, any(f))?;
            match layer.lookup(dir, &name)?.is_dir() {
                true => layer.rmdir(dir, &name),
                false => layer.unlink(dir, &name),
            }
        }
        Op::RemoveAll(f) => {
            parent(layer, any(f))?;
            rm(layer, any(f));
            Ok(())
        }
        Op::Rename(f, d, n, m) => {
            let mode = [RenameMode::Replace, RenameMode::NoReplace, RenameMode::Replace][m as usize];
            let (from, name) = parent(layer, any(f))?;
            layer.rename((from, &name), (dir(d)?, &new(n)), mode)
        }
        Op::Move(f, t) => {
            let (from, to) = (parent(layer, any(f))?, parent(layer, any(t))?);
            layer.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Exchange)
        }
        Op::Write(f, o, b, l) => layer.write(find(layer, any(f))?, o.into(), &vec![b; l.into()]),
        Op::Truncate(f, s) => layer.setattr(find(layer, any(f))?, &SetAttr::size(s.into())).map(drop),
        Op::Punch(f, o, l) => layer.allocate(find(layer, any(f))?, Allocate::Punch, o.into(), l.into()),
        Op::Chmod(f, m) => layer.setattr(find(layer, any(f))?, &SetAttr::mode(m.into())).map(drop),
        Op::Touch(f, t) => {
            let mtime = Some(Timestamp(t.into()));
            layer.setattr(find(layer, any(f))?, &SetAttr { mtime, ..SetAttr::default() }).map(drop)
        }
        Op::Xattr(f, v) => {
            let ino = find(layer, any(f))?;
            match v % 4 {
                0 => layer.removexattr(ino, "user.kind"),
                _ => layer.setxattr(ino, "user.kind", &[v], XattrMode::Any),
            }
        }
        Op::Commit => Ok(()),
    }
}

fn paths(layer: &dyn Layer) -> Vec<(String, bool)> {
    tree(layer).into_iter().map(|(path, seen)| (path, seen.kind == FileType::Directory)).collect()
}

/// Does the operations on both, and says whether they went alike.
fn both(one: &dyn Layer, other: &dyn Layer, clock: &ManualClock, op: &Op) {
    let paths = paths(other);
    let now = clock.advance(1_000);
    let done = perform(one, &paths, op).map_err(|e| e.errno());
    assert_eq!(done, perform(other, &paths, op).map_err(|e| e.errno()), "{op:?} at {now:?}");
}

/// Overlay, then commit, is the same as doing it directly; several commits of one session included.
fn overlay_then_commit(ops: &[Op]) {
    let clock = ManualClock::new(Timestamp(1_000_000));
    let base = base(&clock);
    let (direct, target, overlay) = (base.fork(), base.fork(), over(&base, &clock));
    let mut committed = InoMap::new();
    let mut before = None;
    for op in ops.iter().chain([&Op::Commit]) {
        both(&overlay, &direct, &clock, op);
        assert_same(&tree(&overlay), &tree(&direct));
        if matches!(op, Op::Commit) {
            apply(before.as_ref(), &overlay, &mut committed, &target, &PersistAll).expect("committed");
            before = Some(overlay.fork());
            assert_same(&tree(&target), &tree(&direct));
            assert_eq!(overlay.changes_since(before.as_ref()).expect("told"), []);
        }
    }
}

/// What a mirror takes in, whole or in steps, is what was sent; and commits the same.
fn mirror_is_the_same(ops: &[Op]) {
    let clock = ManualClock::new(Timestamp(1_000_000));
    let base = base(&clock);
    let (direct, target, overlay, mirror) =
        (base.fork(), base.fork(), over(&base, &clock), over(&base, &clock));
    let mut committed = InoMap::new();
    let (mut stamp, mut before) = (0, None);
    for op in ops.iter().chain([&Op::Commit]) {
        both(&overlay, &direct, &clock, op);
        if matches!(op, Op::Commit) {
            let mut delta = Vec::new();
            stamp = overlay.encode_since(stamp, &mut delta).expect("encoded");
            mirror.merge(&mut &delta[..], &DeltaBounds::default()).expect("taken in");
            assert_same(&tree(&mirror), &tree(&overlay));
            assert_eq!(mirror.changes().expect("told"), overlay.changes().expect("told"));
            apply(before.as_ref(), &mirror, &mut committed, &target, &PersistAll).expect("committed");
            before = Some(mirror.fork());
            assert_same(&tree(&target), &tree(&direct));
        }
    }
    let mut whole = Vec::new();
    overlay.encode_since(0, &mut whole).expect("encoded");
    let fresh = over(&base, &clock);
    fresh.merge(&mut &whole[..], &DeltaBounds::default()).expect("taken in");
    assert_same(&tree(&fresh), &tree(&overlay));
}

/// Discards what has a component `tmp`, and keeps what has `m` for a time.
#[derive(Debug)]
struct TmpGoes;

impl Judge for TmpGoes {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        match path.components().find(|name| matches!(name.as_str(), "tmp" | "m")) {
            Some(name) if name.as_str() == "tmp" => Verdict::Discard,
            Some(_) => Verdict::Expire(Duration::from_secs(60)),
            None => Verdict::Persist,
        }
    }

    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        Some(self.verdict(path)).filter(|verdict| *verdict == Verdict::Discard)
    }
}

/// Every persisting path is as the overlay has it, every other as it was.
fn judged_commit(ops: &[Op]) {
    let clock = ManualClock::new(Timestamp(1_000_000));
    let base = base(&clock);
    let (target, overlay) = (base.fork(), over(&base, &clock));
    rm(&target, "/c/link");
    let base = target.fork();
    rm(&overlay, "/c/link");
    for op in ops.iter().filter(|op| !matches!(op, Op::Link(..))) {
        let paths = paths(&overlay);
        clock.advance(1_000);
        let _ = perform(&overlay, &paths, op);
    }
    apply(None, &overlay, &mut InoMap::new(), &target, &TmpGoes).expect("committed");
    let (was, wanted, is) = (tree(&base), tree(&overlay), tree(&target));
    let file = |tree: &Tree, at: &str| {
        tree.get(at)
            .filter(|seen| seen.kind != FileType::Directory)
            .map(|seen| (seen.kind, seen.content.clone()))
    };
    for at in was.keys().chain(wanted.keys()).chain(is.keys()) {
        let persists = TmpGoes.verdict(&path(at)).persists();
        let expected = if persists { file(&wanted, at) } else { file(&was, at) };
        // What survives may stand in the way: a directory for what it holds, a file where a directory was to be.
        let below = format!("{at}/");
        let holds = is.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below));
        let above = path(at);
        let mut above = std::iter::successors(above.parent(), VPathBuf::parent);
        let blocked = persists && (holds || above.any(|dir| file(&is, &dir).is_some()));
        if !blocked {
            assert_eq!(file(&is, at), expected, "{at}");
        }
    }
}

/// Whatever is linked, renamed and written, in one commit or several: what has a discarded path stays as it was.
fn discarded_paths_stay(ops: &[Op]) {
    let clock = ManualClock::new(Timestamp(1_000_000));
    let base = linked_into_tmp(&clock);
    let (target, overlay) = (base.fork(), over(&base, &clock));
    let (mut committed, mut before) = (InoMap::new(), None);
    let discarded = |layer: &dyn Layer| -> Vec<_> {
        let files = tree(layer).into_iter().filter(|(_, seen)| seen.kind != FileType::Directory);
        let files = files.filter(|(at, _)| !TmpGoes.verdict(&path(at)).persists());
        files.map(|(at, seen)| (at, seen.kind, seen.mode, seen.content, seen.xattrs)).collect()
    };
    for op in ops.iter().chain([&Op::Commit]) {
        let paths = paths(&overlay);
        clock.advance(1_000);
        let _ = perform(&overlay, &paths, op);
        if matches!(op, Op::Commit) {
            // A commit may be refused as a whole; the next one has it all to do.
            let done = target.batch(&mut |target| {
                apply(before.as_ref(), &overlay, &mut committed, target, &TmpGoes).map(drop)
            });
            if done.is_ok() {
                before = Some(overlay.fork());
            }
            assert_eq!(discarded(&target), discarded(&base));
        }
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(400))]

    #[test]
    fn overlay_then_commit_equals_doing_it_directly(ops in prop::collection::vec(op(), 1..40)) {
        overlay_then_commit(&ops);
    }

    #[test]
    fn a_mirror_commits_the_same(ops in prop::collection::vec(op(), 1..40)) {
        mirror_is_the_same(&ops);
    }

    #[test]
    fn a_judged_commit_touches_only_what_persists(ops in prop::collection::vec(op(), 1..30)) {
        judged_commit(&ops);
    }

    #[test]
    fn what_is_discarded_stays_as_it_was(ops in prop::collection::vec(op(), 1..30)) {
        discarded_paths_stay(&ops);
    }
}

#[test]
fn an_unchanged_directory_is_renamed_in_one_step() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    mv(&overlay, "/a", "/c/moved");
    let changes = overlay.changes().expect("told");
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((changes[0].kind, changes[0].path.as_str()), (ChangeKind::Renamed, "/c/moved"));
    assert_eq!(changes[0].from, Some(path("/a")));
    let a = find(&base, "/a").expect("there");
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &PersistAll).expect("committed");
    assert_eq!(applied.changes.len(), 1);
    assert_eq!(find(&base, "/c/moved").expect("there"), a);
}

#[test]
fn directories_that_swap_places_come_out_right() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    mv(&overlay, "/a/b", "/new");
    mv(&overlay, "/a", "/new/old");
    mv(&overlay, "/new", "/a");
    let root_mtime = overlay.getattr(overlay.root()).expect("there").mtime;
    apply(None, &overlay, &mut InoMap::new(), &base, &PersistAll).expect("committed");
    assert_eq!(text(&base, "/a/y"), "y");
    assert_eq!(text(&base, "/a/old/x"), "the content of x");
    let names: Vec<String> =
        base.readdir(base.root(), None, 100).expect("read").iter().map(|e| e.name.to_string()).collect();
    assert_eq!(names, ["a", "c", "s", "tmp"]);
    assert_eq!(base.getattr(base.root()).expect("there").mtime, root_mtime);
}

#[test]
fn a_directory_takes_the_place_of_the_one_it_was_in() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    mv(&overlay, "/a/b", "/new");
    rm(&overlay, "/a");
    mv(&overlay, "/new", "/a");
    apply(None, &overlay, &mut InoMap::new(), &base, &PersistAll).expect("committed");
    assert_same(&tree(&base), &tree(&overlay));
}

#[test]
fn a_file_renamed_between_areas_goes_or_comes_alone() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    mv(&overlay, "/c/z", "/tmp/z");
    mv(&overlay, "/tmp/t", "/c/t");
    let touched = plan(None, &overlay, &InoMap::new(), &base, &TmpGoes).expect("planned");
    let c = find(&base, "/c").expect("there");
    assert_eq!(touched.entries, [(c, name("t")), (c, name("z"))]);
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &TmpGoes).expect("committed");
    assert_eq!(text(&base, "/c/t"), "t");
    assert_eq!(text(&base, "/tmp/t"), "t");
    assert!(find(&base, "/c/z").is_err() && find(&base, "/tmp/z").is_err());
    assert_eq!(applied.discarded, [path("/tmp/t"), path("/tmp/z")]);
    let told: Vec<_> = applied.changes.iter().map(|c| (c.kind, c.path.as_str())).collect();
    assert_eq!(told, [(ChangeKind::Added, "/c/t"), (ChangeKind::Removed, "/c/z")]);
}

#[test]
fn a_directory_goes_only_if_nothing_below_it_survives() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    mkdir(&base, "/a/tmp");
    put(&base, "/a/tmp/kept", "kept");
    let overlay = over(&base, &clock);
    rm(&overlay, "/a");
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &TmpGoes).expect("committed");
    assert_eq!(text(&base, "/a/tmp/kept"), "kept");
    assert!(find(&base, "/a/x").is_err() && find(&base, "/a/b").is_err());
    assert!(applied.discarded.contains(&path("/a")));
}

#[test]
fn missing_parents_are_made_for_what_persists() {
    #[derive(Debug)]
    struct OnlyOut;
    impl Judge for OnlyOut {
        fn verdict(&self, at: &VPathBuf) -> Verdict {
            if at.ends_with("/out") { Verdict::Expire(Duration::from_secs(5)) } else { Verdict::Discard }
        }
        fn verdict_below(&self, _: &VPathBuf) -> Option<Verdict> {
            None
        }
    }
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    mkdir(&overlay, "/new");
    mkdir(&overlay, "/new/deep");
    put(&overlay, "/new/deep/out", "result");
    put(&overlay, "/new/deep/scratch", "scratch");
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &OnlyOut).expect("committed");
    assert_eq!(text(&base, "/new/deep/out"), "result");
    assert!(find(&base, "/new/deep/scratch").is_err());
    assert_eq!(applied.discarded, [path("/new/deep/scratch")]);
    assert_eq!(applied.expiries, [(path("/new/deep/out"), Duration::from_secs(5))]);
}

#[test]
fn what_an_earlier_commit_left_out_can_be_moved_to_where_it_persists() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    let mut committed = InoMap::new();
    mkdir(&overlay, "/tmp/d");
    put(&overlay, "/tmp/d/f", "late");
    apply(None, &overlay, &mut committed, &base, &TmpGoes).expect("committed");
    assert!(find(&base, "/tmp/d").is_err());
    let before = overlay.fork();
    mv(&overlay, "/tmp/d", "/d");
    apply(Some(&before), &overlay, &mut committed, &base, &TmpGoes).expect("committed");
    assert_eq!(text(&base, "/d/f"), "late");
    let before = overlay.fork();
    overlay.append(find(&overlay, "/d/f").expect("there"), b"r").expect("appended");
    apply(Some(&before), &overlay, &mut committed, &base, &TmpGoes).expect("committed");
    assert_eq!(text(&base, "/d/f"), "later");
    let before = overlay.fork();
    mv(&overlay, "/d", "/tmp/d");
    apply(Some(&before), &overlay, &mut committed, &base, &TmpGoes).expect("committed");
    assert!(find(&base, "/d").is_err());
    let before = overlay.fork();
    mv(&overlay, "/tmp/d", "/e");
    apply(Some(&before), &overlay, &mut committed, &base, &TmpGoes).expect("committed");
    assert_eq!(text(&base, "/e/f"), "later");
}

/// `/c/z` under a second name where changes are discarded.
fn linked_into_tmp(clock: &Arc<ManualClock>) -> MemoryLayer {
    let base = base(clock);
    let (tmp, l) = parent(&base, "/tmp/l").expect("there");
    base.link(find(&base, "/c/z").expect("there"), tmp, &l).expect("linked");
    base
}

fn link(layer: &dyn Layer, from: &str, to: &str) {
    let (dir, name) = parent(layer, to).expect("there");
    layer.link(find(layer, from).expect("there"), dir, &name).expect("linked");
}

fn scribble(layer: &dyn Layer, at: &str, content: &str) {
    layer.write(find(layer, at).expect("there"), 0, content.as_bytes()).expect("written");
}

#[test]
fn a_change_of_a_hard_link_persists_under_the_names_that_do() {
    let clock = ManualClock::new(Timestamp(0));
    let base = linked_into_tmp(&clock);
    link(&base, "/c/z", "/a/z");
    let overlay = over(&base, &clock);
    scribble(&overlay, "/tmp/l", "Z");
    let touched = plan(None, &overlay, &InoMap::new(), &base, &TmpGoes).expect("planned");
    assert_eq!(touched.content, [find(&base, "/c/z").expect("there")]);
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &TmpGoes).expect("committed");
    assert!(text(&base, "/c/z").starts_with("Zz") && text(&base, "/a/z").starts_with("Zz"));
    assert_eq!(find(&base, "/a/z").expect("there"), find(&base, "/c/z").expect("there"));
    assert_eq!(text(&base, "/tmp/l"), "z".repeat(3000));
    let told: Vec<_> = applied.changes.iter().map(|c| (c.kind, c.path.as_str())).collect();
    assert_eq!(told, [(ChangeKind::Modified, "/a/z"), (ChangeKind::Modified, "/c/z")]);
}

#[test]
fn a_link_to_a_discarded_file_is_a_copy() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    link(&overlay, "/tmp/t", "/c/one");
    link(&overlay, "/tmp/t", "/c/two");
    overlay.setattr(find(&overlay, "/c/one").expect("there"), &SetAttr::mode(0o777)).expect("set");
    scribble(&overlay, "/c/one", "evil");
    let kept = tree(&base).remove("/tmp/t");
    apply(None, &overlay, &mut InoMap::new(), &base, &TmpGoes).expect("committed");
    assert_eq!(tree(&base).remove("/tmp/t"), kept);
    assert_eq!((text(&base, "/c/one"), text(&base, "/c/two")), ("evil".into(), "evil".into()));
    assert_eq!(find(&base, "/c/one").expect("there"), find(&base, "/c/two").expect("there"));
}

#[test]
fn a_link_made_by_one_run_lets_no_later_one_into_what_is_discarded() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    link(&overlay, "/tmp/t", "/x");
    apply(None, &overlay, &mut InoMap::new(), &base, &TmpGoes).expect("committed");
    assert_ne!(find(&base, "/x").expect("there"), find(&base, "/tmp/t").expect("there"));
    let second = over(&base, &clock);
    scribble(&second, "/x", "evil");
    apply(None, &second, &mut InoMap::new(), &base, &TmpGoes).expect("committed");
    assert_eq!((text(&base, "/x"), text(&base, "/tmp/t")), ("evil".into(), "t".into()));
}

#[test]
fn a_discarded_name_is_guarded_after_the_session_removed_it() {
    let clock = ManualClock::new(Timestamp(0));
    let base = linked_into_tmp(&clock);
    let overlay = over(&base, &clock);
    let mut committed = InoMap::new();
    rm(&overlay, "/tmp/l");
    apply(None, &overlay, &mut committed, &base, &TmpGoes).expect("committed");
    for content in ["Z", "ZZ"] {
        let before = overlay.fork();
        scribble(&overlay, "/c/z", content);
        apply(Some(&before), &overlay, &mut committed, &base, &TmpGoes).expect("committed");
        assert_eq!(text(&base, "/c/z"), text(&overlay, "/c/z"));
        assert_eq!(text(&base, "/tmp/l"), "z".repeat(3000));
    }
}

#[test]
fn appending_to_a_large_file_writes_what_was_appended() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let big = put(&base, "/big", "");
    base.setattr(big, &SetAttr::size(5 << 30)).expect("grown");
    let overlay = over(&base, &clock);
    overlay.append(big, b"tail").expect("appended");
    let used = base.usage().memory_bytes;
    apply(None, &overlay, &mut InoMap::new(), &base, &PersistAll).expect("committed");
    assert_eq!(base.read(big, 5 << 30, 10).expect("read")[..], *b"tail");
    assert!(base.usage().memory_bytes - used < 1000);
}

#[test]
fn replacing_a_file_by_rename_reads_as_a_modification() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let overlay = over(&base, &clock);
    put(&overlay, "/c/z.new", "fresh");
    mv(&overlay, "/c/z.new", "/c/z");
    let told = |changes: Vec<crate::change::Change>| {
        changes.into_iter().map(|c| (c.kind, c.path.to_string(), c.content)).collect::<Vec<_>>()
    };
    let expected = [(ChangeKind::Modified, "/c/z".to_owned(), true)];
    assert_eq!(told(overlay.changes().expect("told")), expected);
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &PersistAll).expect("committed");
    assert_eq!(told(applied.changes), expected);
    assert_eq!(text(&base, "/c/z"), "fresh");
}

/// Discards names that end in `.tmp`, wherever they are; so it can never speak for a whole directory.
#[derive(Debug)]
struct TmpFilesGo;

impl Judge for TmpFilesGo {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        if path.ends_with(".tmp") { Verdict::Discard } else { Verdict::Persist }
    }

    fn verdict_below(&self, _: &VPathBuf) -> Option<Verdict> {
        None
    }
}

#[test]
fn a_directory_without_discarded_paths_is_renamed_whole() {
    let clock = ManualClock::new(Timestamp(0));
    let base = base(&clock);
    let a = find(&base, "/a").expect("there");
    let overlay = over(&base, &clock);
    mv(&overlay, "/a", "/c/a");
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &TmpFilesGo).expect("committed");
    assert_eq!(applied.changes.len(), 1, "{:?}", applied.changes);
    assert_eq!(find(&base, "/c/a").expect("there"), a);

    put(&base, "/c/a/x.tmp", "stays behind");
    let overlay = over(&base, &clock);
    mv(&overlay, "/c/a", "/a");
    let applied = apply(None, &overlay, &mut InoMap::new(), &base, &TmpFilesGo).expect("committed");
    assert_eq!(text(&base, "/a/b/y"), "y");
    assert_eq!(text(&base, "/c/a/x.tmp"), "stays behind");
    assert!(find(&base, "/a/x.tmp").is_err() && find(&base, "/c/a/x").is_err());
    assert_eq!(applied.discarded, [path("/a/x.tmp"), path("/c/a"), path("/c/a/x.tmp")]);
}
