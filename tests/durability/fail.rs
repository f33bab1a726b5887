//! Operations that fail, or stop for ever, between any two of their steps.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cowry_tests::chance::Chance;
use cowry_vfs::sqlite::{Durability, PruneRequest, Revision, RevisionKind, SealInfo, SqliteLayer, salvage};
use cowry_vfs::{
    Errno, Layer, NewAttr, NewNode, Overlay, OverlayOptions, RenameMode, SetAttr, with_failpoints,
};
use libtest_mimic::Trial;

use crate::state::{
    assert_sound, change, commit_overlay, name, noise, open, options, put, revisions, seal, tree,
};
use crate::trial;

/// An operation of several steps, on the workspace at a path.
type Operation = (&'static str, fn(&Path) -> Result<(), String>);

const OPERATIONS: &[Operation] = &[
    ("create_workspace", |path| {
        SqliteLayer::create(path.with_extension("new"), &options(Durability::Fsync)).map(|_| ()).map_err(text)
    }),
    ("migrate", |path| {
        let conn = rusqlite::Connection::open(path).expect("a file");
        conn.execute_batch(include_str!("../../vfs/src/sqlite/tests/downgrade.sql")).expect("version 1");
        drop(conn);
        SqliteLayer::open(path, &options(Durability::Fsync)).map(|_| ()).map_err(text)
    }),
    ("create", |path| on(path, |layer| put(layer, "new", &noise(&mut Chance::new(1), 300_000)).map(|_| ()))),
    ("mkdir", |path| {
        on(path, |layer| {
            let attr = NewAttr::with_mode(0o755);
            layer.create(layer.root(), &name("dir"), NewNode::Directory, &attr).map(|_| ())
        })
    }),
    ("write", |path| on(path, |layer| layer.write(known(layer)?, 50_000, &[7; 200_000]))),
    ("truncate", |path| on(path, |layer| layer.setattr(known(layer)?, &SetAttr::size(1)).map(|_| ()))),
    ("link", |path| on(path, |layer| layer.link(known(layer)?, layer.root(), &name("link")).map(|_| ()))),
    ("unlink", |path| on(path, |layer| layer.unlink(layer.root(), &name("known")))),
    ("rename_over", |path| {
        on(path, |layer| {
            let root = layer.root();
            layer.rename((root, &name("known")), (root, &name("other")), RenameMode::Replace)
        })
    }),
    ("batch", |path| {
        on(path, |layer| {
            layer.batch(&mut |layer| {
                put(layer, "one", b"1")?;
                layer.unlink(layer.root(), &name("known"))?;
                put(layer, "two", b"2").map(|_| ())
            })
        })
    }),
    ("seal", |path| on(path, |layer| seal(layer).map(|_| ()))),
    ("commit", |path| {
        let layer = open(path);
        let base = layer.head().map_err(text)?;
        let overlay = Overlay::new(layer.at(base).map_err(text)?, OverlayOptions::default());
        let mut chance = Chance::new(3);
        (0..12).for_each(|_| _ = change(&overlay, &mut chance));
        commit_overlay(&layer, base, &overlay).map(|_| ()).map_err(text)
    }),
    ("restore", |path| {
        on(path, |layer| layer.restore(Revision(1), &[], &SealInfo::of(RevisionKind::Restore)).map(|_| ()))
    }),
    ("gc", |path| on(path, |layer| layer.gc().map(|_| ()))),
    ("repair", |path| on(path, |layer| layer.repair().map(|_| ()))),
    ("durability", |path| on(path, |layer| layer.set_durability(Durability::Relaxed))),
    ("fork", |path| {
        let layer = open(path);
        let fork = layer.fork(path.with_extension("fork"), Revision(1)).map_err(text)?;
        fork.unlink(fork.root(), &name("known")).map_err(text)
    }),
    ("salvage", |path| {
        let target = path.with_extension("saved");
        let _ = std::fs::remove_file(&target);
        let done = salvage(path, &target, &options(Durability::Fsync)).map(|_| ()).map_err(text);
        if target.exists() {
            assert_sound(&open(&target), "what was saved");
        }
        done
    }),
];

fn text(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn on(path: &Path, work: impl FnOnce(&SqliteLayer) -> cowry_vfs::NodeResult<()>) -> Result<(), String> {
    work(&open(path)).map_err(text)
}

fn known(layer: &SqliteLayer) -> cowry_vfs::NodeResult<cowry_vfs::Ino> {
    layer.lookup(layer.root(), &name("known")).map(|stat| stat.ino)
}

pub fn trials() -> Vec<Trial> {
    let trial = |(name, act): &Operation| {
        let (name, act) = (*name, *act);
        [
            trial(format!("fail::{name}::an_error_between_steps_undoes_it"), move || errors(name, act)),
            trial(format!("fail::{name}::an_end_between_steps_undoes_it"), move || ends(name, act)),
        ]
    };
    let latest = trial_of_latest();
    OPERATIONS.iter().flat_map(trial).chain([latest]).collect()
}

fn trial_of_latest() -> Trial {
    trial("fail::latest::pruned_while_it_is_looked_up_is_looked_up_again", pruned_latest)
}

/// Others seal a revision and prune the one that was the latest, between two steps of reading it.
fn pruned_latest() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = workspace(folder.path());
    let layer = open(&path);
    seal(&layer).expect("sealed");
    let mut times = 0;
    let others = move |place: &'static str| {
        if place == "LATEST_KNOWN" && times < 3 {
            times += 1;
            let other = open(&path);
            put(&other, &format!("other-{times}"), b"x")?;
            seal(&other)?;
            assert!(!other.prune(&PruneRequest::default())?.pruned.is_empty());
        }
        Ok(())
    };
    let (rev, latest) = with_failpoints(others, || layer.latest()).expect("it is there");
    assert_eq!(rev, layer.head().expect("a head"));
    latest.lookup(latest.root(), &name("other-3")).expect("what was sealed last");
}

/// A workspace with some history and direct writes that are not sealed.
fn workspace(folder: &Path) -> PathBuf {
    let path = folder.join("work.cowry");
    let layer = SqliteLayer::create(&path, &options(Durability::None)).expect("a workspace");
    let mut chance = Chance::new(5);
    put(&layer, "known", &noise(&mut chance, 150_000)).expect("made");
    put(&layer, "other", b"other").expect("made");
    for _ in 0..3 {
        (0..6).for_each(|_| _ = change(&layer, &mut chance));
        seal(&layer).expect("sealed");
    }
    put(&layer, "open", &noise(&mut chance, 90_000)).expect("made");
    path
}

/// Runs an operation and calls `at` at each of its steps. How many there were, and what it returned.
fn step(
    path: &Path,
    act: fn(&Path) -> Result<(), String>,
    mut at: impl FnMut(usize) -> cowry_vfs::NodeResult<()> + 'static,
) -> (usize, Result<(), String>) {
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    let hook = move |_: &'static str| {
        counter.set(counter.get() + 1);
        at(counter.get())
    };
    let result = with_failpoints(hook, || act(path));
    (count.get(), result)
}

/// What is there: the newest tree, and every revision by its number.
fn found(path: &Path, context: &str) -> (Vec<String>, Vec<(Revision, String)>) {
    let layer = open(path);
    assert_sound(&layer, context);
    (tree(&layer), revisions(&layer))
}

/// The steps to look at: all of them, or a sample.
fn sample(steps: usize) -> impl Iterator<Item = usize> {
    (1..=steps).step_by(steps.div_ceil(24).max(1))
}

fn errors(operation: &str, act: fn(&Path) -> Result<(), String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let template = workspace(folder.path());
    let before = found(&template, "before");
    let path = folder.path().join("work");
    std::fs::copy(&template, &path).expect("copied");
    let (steps, done) = step(&path, act, |_| Ok(()));
    done.unwrap_or_else(|e| panic!("{operation}: {e}"));
    let after = found(&path, "after");
    assert!(steps > 0, "{operation} passes no failpoint");
    for at in sample(steps) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("work");
        std::fs::copy(&template, &path).expect("copied");
        let fail = move |step| if step == at { Err(Errno::EIO.into()) } else { Ok(()) };
        let (_, result) = step(&path, act, fail);
        let context = format!("{operation} failing at step {at} of {steps}: {result:?}");
        let (tree, revisions) = found(&path, &context);
        assert!(revisions.starts_with(&before.1), "{context}");
        // What failed has done nothing, but for the first of several transactions; a failure may go by unnoticed.
        assert!(tree == before.0 || tree == after.0, "{context}: {tree:#?}");
        assert!(result.is_err() || tree == after.0, "{context}");
        let again = act(&path);
        assert!(again.is_ok() || tree == after.0, "{context}, and again: {again:?}");
    }
}

fn ends(operation: &str, act: fn(&Path) -> Result<(), String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = workspace(folder.path());
    let before = found(&path, "before");
    let images = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().to_owned(), images.path().to_owned());
    let seen = Rc::new(Cell::new(0_usize));
    let counted = seen.clone();
    let keep = move |step: usize| {
        // What a process that ends here leaves: all that it has written.
        if step <= 12 || step.is_multiple_of(8) {
            let image = target.join(step.to_string());
            std::fs::create_dir(&image).expect("made");
            for file in std::fs::read_dir(&source).expect("a folder") {
                let file = file.expect("a file");
                let name = file.file_name();
                // Shared memory and locks end with the process.
                if !["-shm", "-lock", "-turn"].iter().any(|end| name.to_string_lossy().ends_with(end)) {
                    std::fs::copy(file.path(), image.join(name)).expect("copied");
                }
            }
            counted.set(counted.get() + 1);
        }
        Ok(())
    };
    let (_, done) = step(&path, act, keep);
    done.unwrap_or_else(|e| panic!("{operation}: {e}"));
    let after = found(&path, "after");
    let mut found_images = HashSet::new();
    for image in std::fs::read_dir(images.path()).expect("a folder") {
        let image = image.expect("an image").path();
        let context = format!("{operation} ending at step {}", image.display());
        let (tree, revisions) = found(&image.join("work.cowry"), &context);
        assert!(tree == before.0 || tree == after.0, "{context}: {tree:#?}");
        assert!(revisions.starts_with(&before.1), "{context}");
        // Nothing has its final name before it is whole.
        let saved = image.join("work.saved");
        if saved.exists() {
            assert_sound(&open(&saved), &context);
        }
        found_images.insert(image);
    }
    assert_eq!(found_images.len(), seen.get());
}
