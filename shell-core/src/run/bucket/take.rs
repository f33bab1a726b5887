//! Taking the steps of a journal: several at once, in bounded memory, each so that it can be taken twice.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cowry_vfs::object::node_metadata;
use cowry_vfs::{FileType, OpenOptions, Timestamp, Vfs};

use super::journal::{Act, Held, Step, Want};
use super::newer::Newer;
use super::order::rounds;
use super::store::{Content, Refusal, Store};
use crate::writing::Writing;

/// Steps under way at once.
const PARALLEL: usize = 8;
/// Files from this length on are written one after the other: each is several requests at once by itself.
const LARGE: u64 = 4 << 20;
/// How much is compared at once.
const PIECE: u64 = 1 << 20;

/// Where content comes from, and how what was written is known again.
pub(super) struct Source<'a> {
    pub id: &'a str,
    pub held: &'a Held,
    /// The tree of the revision that is promoted from.
    pub tree: Option<Vfs>,
    /// What promotions are not to replace, if there can be anything.
    pub newer: Option<Newer<'a>>,
    pub large: Mutex<()>,
    pub writing: Writing,
}

/// How a step went.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is as it should be: bytes written, and the tag from now on.
    Done(u64, Option<String>),
    Conflict,
    Trouble(String),
    /// It was not tried, since others could not be taken.
    Untried,
}

/// Takes all steps, round by round. The first that fails for another reason than a conflict ends it.
pub(super) fn take_all(store: &Store, steps: &[Step], source: &Source<'_>) -> Vec<Taken> {
    let mut taken: Vec<Taken> = steps.iter().map(|_| Taken::Untried).collect();
    let ended = AtomicBool::new(false);
    for round in rounds(steps) {
        let outcomes = each(&round, |at| {
            let outcome = taken_or_not(store, &steps[*at], source);
            // Others are not to suffer from one name.
            let goes_on =
                !matches!(outcome, Taken::Trouble(_)) || store.check_name(&steps[*at].name).is_err();
            ended.fetch_or(!goes_on, Ordering::Relaxed);
            (outcome, goes_on)
        });
        for (at, outcome) in round.into_iter().zip(outcomes) {
            taken[at] = outcome.unwrap_or(Taken::Untried);
        }
        if ended.load(Ordering::Relaxed) {
            break;
        }
    }
    taken
}

fn taken_or_not(store: &Store, step: &Step, source: &Source<'_>) -> Taken {
    match take(store, step, source) {
        Ok((bytes, tag)) => {
            source.writing.add(1, 0);
            Taken::Done(bytes, tag)
        }
        Err(Refusal::Changed) => Taken::Conflict,
        Err(Refusal::Trouble(why)) => Taken::Trouble(why),
    }
}

/// What `work` makes of each item, several at once; `None` of those that were not begun after it had said no.
pub(super) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> (R, bool) + Sync) -> Vec<Option<R>> {
    let (next, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let made: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let worker = || {
        while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < items.len()) {
            if ended.load(Ordering::Relaxed) {
                return;
            }
            let (one, goes_on) = work(&items[at]);
            if !goes_on {
                ended.store(true, Ordering::Relaxed);
            }
            *made[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(one);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..PARALLEL.min(items.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    made.into_iter().map(|made| made.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn take(store: &Store, step: &Step, source: &Source<'_>) -> Result<(u64, Option<String>), Refusal> {
    match &step.act {
        Act::Remove => remove(store, step).map(|()| (0, None)),
        Act::Mark => store.mark(&step.name).map(|()| (0, None)),
        Act::Unmark => store.unmark(&step.name).map(|()| (0, None)),
        Act::Promote { size, .. } | Act::Put { size, .. } => {
            let alone = (*size >= LARGE).then(|| source.large.lock().unwrap_or_else(PoisonError::into_inner));
            let tag = put(store, step, *size, source)?;
            drop(alone);
            Ok((*size, tag))
        }
    }
}

/// Removes what the run saw; what is gone already is fine.
fn remove(store: &Store, step: &Step) -> Result<(), Refusal> {
    match (store.look(&step.name)?, &step.want) {
        (None, _) => Ok(()),
        (Some(there), Want::Tag(tag)) if there.tag.as_ref() != Some(tag) => Err(Refusal::Changed),
        (Some(_), _) => store.remove(&step.name),
    }
}

fn put(store: &Store, step: &Step, size: u64, source: &Source<'_>) -> Result<Option<String>, Refusal> {
    let mark = mark(source.id, step);
    let mut from = Counted { from: reader(step, source)?, writing: &source.writing };
    let content = Content { size, from: &mut from, metadata: metadata(step), mark: mark.clone() };
    let written = wanted(store, step, source).and_then(|want| store.write(&step.name, content, &want));
    match written {
        Err(Refusal::Changed) => {
            // Somebody changed it: perhaps this very run, before a crash.
            let there = store.look(&step.name)?.ok_or(Refusal::Changed)?;
            let ours = there.size == size
                && (there.mark.as_ref() == Some(&mark) || is_same(store, step, size, source)?);
            if ours { Ok(there.tag) } else { Err(Refusal::Changed) }
        }
        written => written,
    }
}

/// What has to be there for it to be replaced.
fn wanted(store: &Store, step: &Step, source: &Source<'_>) -> Result<Want, Refusal> {
    match (&step.want, &source.newer) {
        (Want::NotNewer, Some(newer)) => newer.want(store.look(&step.name)?),
        (want, _) => Ok(want.clone()),
    }
}

fn mark(id: &str, step: &Step) -> String {
    match step.act {
        Act::Put { number, .. } => format!("{id}-{number}"),
        _ => id.to_owned(),
    }
}

fn metadata(step: &Step) -> BTreeMap<String, String> {
    match step.act {
        Act::Put { mode, mtime, .. } => file_metadata(mode, mtime),
        _ => BTreeMap::new(),
    }
}

/// What is kept with a file, of which only the permissions are taken over.
fn file_metadata(mode: u32, mtime: i64) -> BTreeMap<String, String> {
    const OWNER: u32 = 1000;
    node_metadata(FileType::Regular.mode_bits() | mode & 0o777, Timestamp(mtime), (OWNER, OWNER))
}

/// Whether what is there is what would be written, byte by byte.
fn is_same(store: &Store, step: &Step, size: u64, source: &Source<'_>) -> Result<bool, Refusal> {
    let mut from = reader(step, source)?;
    let mut at = 0;
    while at < size {
        let there = store.read(&step.name, at..size.min(at + PIECE))?;
        let mut ours = vec![0; there.len()];
        if there.is_empty() || from.read_exact(&mut ours).is_err() || ours != there {
            return Ok(false);
        }
        at += there.len() as u64;
    }
    Ok(true)
}

fn reader(step: &Step, source: &Source<'_>) -> Result<Box<dyn Read>, Refusal> {
    match &step.act {
        Act::Put { number, .. } => {
            let path = source.held.staged(*number);
            let file = File::open(&path).map_err(|error| {
                Refusal::Trouble(format!("{} was held to be written: {error}", path.display()))
            })?;
            Ok(Box::new(file))
        }
        Act::Promote { path, .. } => {
            let tree = source.tree.as_ref().ok_or_else(|| Refusal::Trouble("its revision is gone".into()))?;
            let file = tree.open(path, OpenOptions { no_follow: true, ..OpenOptions::read() });
            let file = file.map_err(|error| Refusal::Trouble(error.to_string()))?;
            Ok(Box::new(Reading { file, at: 0 }))
        }
        _ => Ok(Box::new(io::empty())),
    }
}

/// What is read to be written, and tells so.
struct Counted<'a> {
    from: Box<dyn Read>,
    writing: &'a Writing,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.writing.add(0, read as u64);
        Ok(read)
    }
}

/// A file of a tree, read from its beginning.
struct Reading {
    file: cowry_vfs::File,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let piece = self.file.read_bytes_at(self.at, into.len()).map_err(io::Error::other)?;
        into[..piece.len()].copy_from_slice(&piece);
        self.at += piece.len() as u64;
        Ok(piece.len())
    }
}
