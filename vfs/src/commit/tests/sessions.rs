//! Sessions: several commits of one overlay, beside a reference that knows paths and nothing of nodes.
//!
//! After each commit a path where changes persist is as the overlay has it, one where they are discarded as it was;
//! and what others made is there. Where the two do not go together (a directory holds what stays, a file stands
//! where a directory was to be) what stays wins.

use std::collections::BTreeSet;

use super::*;
use crate::cases::cases;
use crate::sqlite::{
    CommitError, CommitRequest, Durability, Revision, RevisionKind, SealInfo, SqliteLayer, SqliteOptions,
};

/// Rules of different shapes: by any component, by the last one, and keeping just one name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rules {
    Nothing,
    Tmp,
    Last(&'static str),
    Only(&'static str),
}

const RULES: [Rules; 7] = [
    Rules::Nothing,
    Rules::Tmp,
    Rules::Last("x"),
    Rules::Last("b"),
    Rules::Last("tmp"),
    Rules::Only("n"),
    Rules::Only("z"),
];

impl Judge for Rules {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        let last = path.components().last();
        let discard = match *self {
            Rules::Nothing => false,
            Rules::Tmp => return TmpGoes.verdict(path),
            Rules::Last(name) => last.is_some_and(|last| last.as_str() == name),
            Rules::Only(name) => last.is_some_and(|last| last.as_str() != name),
        };
        if discard { Verdict::Discard } else { Verdict::Persist }
    }

    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        match self {
            Rules::Nothing => Some(Verdict::Persist),
            Rules::Tmp => TmpGoes.verdict_below(path),
            _ => None,
        }
    }
}

/// What others do meanwhile: files whose names begin with `f`, and links to whatever there is.
#[derive(Clone, Debug)]
enum Theirs {
    Make(usize),
    Write(usize),
    Remove(usize),
    Link(usize, usize),
}

fn theirs() -> impl Strategy<Value = Theirs> {
    let at = || 0..64usize;
    prop_oneof![
        4 => at().prop_map(Theirs::Make),
        2 => at().prop_map(Theirs::Write),
        1 => at().prop_map(Theirs::Remove),
        1 => (at(), at()).prop_map(|(f, d)| Theirs::Link(f, d)),
    ]
}

fn is_theirs(at: &str) -> bool {
    at.rsplit('/').next().is_some_and(|name| name.starts_with('f'))
}

/// Where commits go.
enum Target {
    Memory(MemoryLayer),
    Sqlite { layer: Box<SqliteLayer>, base: Revision, own: Vec<Revision>, _folder: tempfile::TempDir },
}

impl Target {
    fn memory(clock: &Arc<ManualClock>) -> (Target, Arc<dyn Layer>) {
        let layer = MemoryLayer::with_clock(clock.clone());
        populate(&layer);
        let base = Arc::new(layer.fork());
        (Target::Memory(layer), base)
    }

    fn sqlite(clock: &Arc<ManualClock>) -> (Target, Arc<dyn Layer>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options =
            SqliteOptions { clock: clock.clone(), durability: Durability::None, ..SqliteOptions::default() };
        let layer = SqliteLayer::create(folder.path().join("w"), &options).expect("a workspace");
        populate(&layer);
        layer.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed");
        let base = layer.head().expect("a head");
        let below = layer.at(base).expect("a revision");
        (Target::Sqlite { layer: Box::new(layer), base, own: Vec::new(), _folder: folder }, below)
    }

    fn layer(&self) -> &dyn Layer {
        match self {
            Target::Memory(layer) => layer,
            Target::Sqlite { layer, .. } => &**layer,
        }
    }

    /// `None` if it conflicts with what others did.
    fn commit(
        &mut self,
        before: Option<&Overlay>,
        after: &Overlay,
        committed: &mut InoMap,
        judge: &dyn Judge,
    ) -> Option<Applied> {
        match self {
            Target::Memory(layer) => {
                let mut done = None;
                let result = layer.batch(&mut |layer| {
                    done = Some(apply(before, after, committed, layer, judge)?);
                    Ok(())
                });
                result.expect("committed");
                done
            }
            Target::Sqlite { layer, base, own, .. } => {
                let info = &SealInfo::of(RevisionKind::Session);
                let request = CommitRequest { base: *base, own, before, after, committed, judge, info };
                match layer.commit(request) {
                    Ok(done) => {
                        own.extend(done.revision);
                        assert_eq!(layer.check().expect("checked"), Default::default());
                        Some(done.applied)
                    }
                    Err(CommitError::Conflict(_)) => None,
                    Err(CommitError::Node(error)) => panic!("not committed: {error:?}"),
                }
            }
        }
    }
}

/// A tree with something of everything at paths that rules speak of.
fn populate(layer: &dyn Layer) {
    for dir in ["/a", "/a/b", "/a/tmp", "/c", "/c/b", "/tmp", "/tmp/n"] {
        mkdir(layer, dir);
    }
    for file in ["/a/x", "/a/b/n", "/a/b/x", "/a/tmp/n", "/c/z", "/c/b/m", "/tmp/n/z", "/tmp/t", "/z"] {
        put(layer, file, &format!("{file} as it was"));
    }
    link(layer, "/a/x", "/c/x");
    link(layer, "/c/z", "/tmp/z");
    link(layer, "/a/b/n", "/n");
}

/// What the reference says of a path.
enum Expected<'a> {
    /// It stays as it was.
    Was(&'a Seen),
    /// It is as the overlay has it.
    Wanted(&'a Seen),
    /// A directory that is there for what is below it.
    Parent,
}

impl Expected<'_> {
    fn is_dir(&self) -> bool {
        match self {
            Expected::Was(seen) | Expected::Wanted(seen) => seen.kind == FileType::Directory,
            Expected::Parent => true,
        }
    }
}

fn above(at: &str) -> Vec<String> {
    let ends = at.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
    ends.map(|end| at[..end].to_owned()).collect()
}

/// The reference.
fn expected<'a>(was: &'a Tree, wanted: &'a Tree, judge: &dyn Judge) -> BTreeMap<String, Expected<'a>> {
    let persists = |at: &str| judge.verdict(&path(at)).persists();
    let mut out: BTreeMap<String, Expected<'a>> = BTreeMap::new();
    for (at, seen) in was.iter().filter(|(at, _)| !persists(at) || is_theirs(at)) {
        for dir in above(at) {
            out.entry(dir).or_insert(Expected::Parent);
        }
        out.insert(at.clone(), Expected::Was(seen));
    }
    for (at, seen) in wanted.iter().filter(|(at, _)| persists(at)) {
        let dirs = above(at);
        let blocked = dirs.iter().any(|dir| out.get(dir).is_some_and(|there| !there.is_dir()));
        let is_dir = seen.kind == FileType::Directory;
        if blocked || out.get(at).is_some_and(|there| !there.is_dir() || !is_dir) {
            continue;
        }
        for dir in dirs {
            out.entry(dir).or_insert(Expected::Parent);
        }
        out.insert(at.clone(), Expected::Wanted(seen));
    }
    out
}

/// What of a node does not depend on its names, and what of it does not depend on its entries.
fn told(seen: &Seen) -> Seen {
    let mtime = if seen.kind == FileType::Directory { Timestamp(0) } else { seen.mtime };
    Seen { nlink: 0, mtime, same_as: String::new(), ..seen.clone() }
}

fn compare(was: &Tree, wanted: &Tree, is: &Tree, judge: &dyn Judge) {
    let expected = expected(was, wanted, judge);
    let names = |tree: &mut dyn Iterator<Item = &String>| tree.cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&mut is.keys()), names(&mut expected.keys()));
    for (at, there) in &expected {
        match there {
            Expected::Parent => assert_eq!(is[at].kind, FileType::Directory, "{at}"),
            Expected::Was(seen) if is_theirs(at) && seen.nlink > 1 => {}
            Expected::Was(seen) => assert_eq!(told(&is[at]), told(seen), "{at} was"),
            Expected::Wanted(seen) => assert_eq!(told(&is[at]), told(seen), "{at} wanted"),
        }
    }
    same_nodes(wanted, is, &expected);
}

/// Names that lead to one node still do, and others do not.
fn same_nodes(wanted: &Tree, is: &Tree, expected: &BTreeMap<String, Expected<'_>>) {
    let came = expected.iter().filter(|(_, there)| !there.is_dir() && matches!(there, Expected::Wanted(_)));
    let came: Vec<&String> = came.map(|(at, _)| at).collect();
    for one in &came {
        for other in &came {
            let same = wanted[*one].same_as == wanted[*other].same_as;
            assert_eq!(is[*one].same_as == is[*other].same_as, same, "{one} and {other} are one file");
        }
    }
    for (at, seen) in is.iter().filter(|(_, seen)| seen.kind != FileType::Directory) {
        let names = is.values().filter(|other| other.same_as == seen.same_as).count();
        assert_eq!(seen.nlink as usize, names, "{at}");
    }
}

fn nodes(layer: &dyn Layer) -> BTreeMap<String, Ino> {
    let files = paths(layer).into_iter().filter(|(_, is_dir)| !is_dir);
    files.map(|(at, _)| (at.clone(), find(layer, &at).expect("there"))).collect()
}

/// A node with a discarded path gets no name that persists, unless it had one: whoever writes there later would
/// write to both.
fn discarded_share_nothing_new(was: &BTreeMap<String, Ino>, is: &BTreeMap<String, Ino>, judge: &dyn Judge) {
    let kept = |nodes: &BTreeMap<String, Ino>, persists: bool| -> BTreeSet<Ino> {
        let some = nodes.iter().filter(|(at, _)| judge.verdict(&path(at)).persists() == persists);
        some.map(|(_, ino)| *ino).collect()
    };
    let had = kept(was, true);
    for shared in kept(is, false).intersection(&kept(is, true)) {
        assert!(had.contains(shared), "{shared:?} of {is:?} was {was:?}");
    }
}

/// Does what others do; returns whether anything was done.
fn others(layer: &dyn Layer, count: &mut u32, what: &Theirs) -> NodeResult<()> {
    *count += 1;
    let content = format!("theirs {count}");
    let paths = paths(layer);
    let dirs: Vec<&String> = paths.iter().filter(|(_, dir)| *dir).map(|(at, _)| at).collect();
    let files: Vec<&String> = paths.iter().filter(|(_, dir)| !*dir).map(|(at, _)| at).collect();
    let own: Vec<&String> = files.iter().filter(|at| is_theirs(at)).copied().collect();
    let fresh = name(&format!("f{count}"));
    let dir = |at: usize| find(layer, dirs[at % dirs.len()]);
    let attr = NewAttr::with_mode(0o600);
    match *what {
        Theirs::Make(d) => layer.create(dir(d)?, &fresh, NewNode::File(content.as_bytes()), &attr).map(drop),
        Theirs::Write(f) if !own.is_empty() => {
            let ino = find(layer, own[f % own.len()])?;
            // What they linked may be the session's.
            if layer.getattr(ino)?.nlink == 1 {
                layer.write(ino, 0, content.as_bytes())?;
            }
            Ok(())
        }
        Theirs::Remove(f) if !own.is_empty() => {
            rm(layer, own[f % own.len()]);
            Ok(())
        }
        Theirs::Link(f, d) if !files.is_empty() => {
            layer.link(find(layer, files[f % files.len()])?, dir(d)?, &fresh).map(drop)
        }
        _ => Ok(()),
    }
}

type Round = (Vec<Op>, Vec<Theirs>);

/// Makes a target and the state of it that the session is over.
type Make = fn(&Arc<ManualClock>) -> (Target, Arc<dyn Layer>);

/// Runs a session; returns how many commits it came to before one conflicted.
fn session(make: Make, judge: &dyn Judge, rounds: &[Round]) -> usize {
    let clock = ManualClock::new(Timestamp(1_000_000));
    let (mut target, base) = make(&clock);
    let overlay = Overlay::new(base, OverlayOptions { clock: clock.clone(), ..OverlayOptions::default() });
    let (mut committed, mut before, mut count) = (InoMap::new(), None, 0);
    for (done, (ops, others_ops)) in rounds.iter().enumerate() {
        for op in ops {
            clock.advance(1_000);
            let _ = perform(&overlay, &paths(&overlay), op);
        }
        for what in others_ops {
            clock.advance(1_000);
            let _ = others(target.layer(), &mut count, what);
        }
        clock.advance(1_000);
        let (was, wanted, nodes) = (tree(target.layer()), tree(&overlay), nodes(target.layer()));
        if target.commit(before.as_ref(), &overlay, &mut committed, judge).is_none() {
            assert_same(&tree(target.layer()), &was);
            assert!(count > 0, "nobody else was there to conflict with");
            return done;
        }
        compare(&was, &wanted, &tree(target.layer()), judge);
        discarded_share_nothing_new(&nodes, &self::nodes(target.layer()), judge);
        before = Some(overlay.fork());
    }
    rounds.len()
}

fn rounds(others: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Round>> {
    let round = (prop::collection::vec(op(), 0..14), prop::collection::vec(theirs(), others));
    prop::collection::vec(round, 2..5)
}

fn rules() -> impl Strategy<Value = Rules> {
    (0..RULES.len()).prop_map(|at| RULES[at])
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn sessions_persist_what_they_are_told_to(judge in rules(), rounds in rounds(0..1)) {
        session(Target::memory, &judge, &rounds);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn sessions_beside_others_lose_nothing(judge in rules(), rounds in rounds(0..4)) {
        session(Target::sqlite, &judge, &rounds);
    }
}
