//! Processes that are killed at any point of their work.
//!
//! A worker is this program, started with [`WORKER`]. It does a task on a workspace and says on standard output what has
//! been done. An event is a failpoint passed or something written to the disk; at one of them it kills itself, as
//! `kill -9` does. First a worker runs to its end and tells how many events there are; then each of the others dies at
//! another one. `COWRY_KILLS` says how many die in all.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cowry_tests::chance::{Chance, seed_of};
use cowry_vfs::sqlite::{Durability, PruneRequest, RevisionKind, SealInfo, SqliteLayer};
use cowry_vfs::{Layer, with_failpoints};
use cowry_vfs::{Overlay, OverlayOptions};
use libtest_mimic::Trial;

use crate::disk::{self, Fault};
use crate::state::{
    assert_sound, change, commit_overlay, digest, name, noise, open, options, put, revisions, seal,
};
use crate::trial;

/// The word that makes this program a worker.
pub const WORKER: &str = "--durability-worker";
/// What turns a workspace into one of format version 1.
const DOWNGRADE: &str = include_str!("../../vfs/src/sqlite/tests/downgrade.sql");
/// How many are killed in all, unless `COWRY_KILLS` says otherwise.
const KILLS: u64 = 400;

/// Something a worker does on an open workspace.
type Task = (&'static str, fn(&Path, &mut Chance));

const TASKS: &[Task] = &[
    ("edit", edit),
    ("commit", commit),
    ("gc", gc),
    ("migrate", migrate),
    ("fork", fork),
    ("flatten", flatten),
    ("prune", prune),
    ("restore", restore),
    ("repair", repair),
    ("create", create),
];

pub fn trials() -> Vec<Trial> {
    let kills = match std::env::var("COWRY_KILLS") {
        Ok(text) => text.parse().expect("COWRY_KILLS is a number"),
        Err(_) => KILLS,
    };
    let each = kills.div_ceil(TASKS.len() as u64);
    TASKS.iter().map(|(task, _)| trial(format!("kill::{task}"), move || kill_all(task, each))).collect()
}

/// Runs a worker, and says what it acknowledged.
fn run(task: &str, path: &Path, seed: u64, dies_at: u64) -> (Vec<String>, bool) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([WORKER, task, path.to_str().expect("UTF-8"), &seed.to_string(), &dies_at.to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("a worker");
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || killed && dies_at > 0,
        "{task} {seed} {dies_at}: {} {errors}",
        output.status
    );
    // A last line without its end was being written.
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect(),
        killed,
    )
}

fn kill_all(task: &str, kills: u64) {
    let template = tempfile::tempdir().expect("a folder");
    prepare(task, &template.path().join("work.cowry"));
    let mut chance = Chance::new(seed_of(task));
    let (mut events, mut died) = (0, 0);
    for kill in 0..kills {
        // Another course of events every now and then.
        let seed = kill / 20;
        if kill % 20 == 0 {
            let folder = copy(template.path());
            let (said, _) = run(task, &work_file(&folder), seed, 0);
            judge(&folder, &said, &format!("{task} {seed} to the end"));
            let last =
                said.last().and_then(|line| line.strip_prefix("events ")).expect("the number of events");
            events = last.parse::<u64>().expect("a number");
            assert!(events > 10, "{task}: {events} events");
        }
        let dies_at = 1 + chance.below(events);
        let folder = copy(template.path());
        let (said, killed) = run(task, &work_file(&folder), seed, dies_at);
        died += u64::from(killed);
        judge(&folder, &said, &format!("{task} {seed} killed at {dies_at} of {events}"));
    }
    // The number of events varies a little from run to run, so that the last ones may not come.
    assert!(died * 10 >= kills * 8, "{task}: {died} of {kills} died");
}

fn work_file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().canonicalize().expect("a folder").join("work.cowry")
}

/// A copy of a folder without folders.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.path().join(file.file_name())).expect("copied");
    }
    to
}

/// The workspace that a task begins with.
fn prepare(task: &str, path: &Path) {
    if task == "create" {
        return;
    }
    let layer = SqliteLayer::create(path, &options(Durability::None)).expect("a workspace");
    let mut chance = Chance::new(7);
    for _ in 0..4 {
        for _ in 0..8 {
            let _ = change(&layer, &mut chance);
        }
        seal(&layer).expect("sealed");
    }
    put(&layer, "kept", b"kept").expect("made");
    drop(layer);
    let sql =
        |sql: &str| rusqlite::Connection::open(path).and_then(|conn| conn.execute_batch(sql)).expect("run");
    match task {
        "migrate" => sql(DOWNGRADE),
        "repair" => sql(
            "DELETE FROM entry WHERE name = 'kept'; UPDATE inode SET nlink = 7 WHERE kind = 8 AND nlink = 2",
        ),
        _ => {}
    }
}

/// Whether everything a worker acknowledged is there, and the workspace whole.
fn judge(folder: &tempfile::TempDir, said: &[String], context: &str) {
    let path = work_file(folder);
    if !path.exists() {
        assert!(said.iter().all(|line| line.starts_with("event")), "{context}: {said:?} and no workspace");
        return;
    }
    let layer = open(&path);
    if !context.starts_with("repair") || said.iter().any(|line| line == "repaired") {
        assert_sound(&layer, context);
    }
    for line in said {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["rev", rev, expected] => {
                let rev = cowry_vfs::sqlite::Revision(rev.parse().expect("a number"));
                let found = layer.at(rev).unwrap_or_else(|e| panic!("{context}: revision {rev}: {e:?}"));
                assert_eq!(digest(&*found), expected, "{context}: revision {rev}");
            }
            ["file", file] => {
                layer
                    .lookup(layer.root(), &name(file))
                    .unwrap_or_else(|e| panic!("{context}: {file}: {e:?}"));
            }
            ["fork", file] => assert_sound(&open(&folder.path().join(file)), &format!("{context}: {file}")),
            ["events", _] | ["repaired"] => {}
            _ => panic!("{context}: {line}"),
        }
    }
    put(&layer, "after the kill", b"goes on").unwrap_or_else(|e| panic!("{context}: {e:?}"));
}

/// What a worker does.
pub fn work(words: &[String]) {
    let [task, path, seed, dies_at] = words else { panic!("{words:?}") };
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let (path, seed, dies_at) = (Path::new(path), number(seed), number(dies_at));
    disk::install();
    let disk = disk::watch(path.parent().expect("a folder"));
    if dies_at > 0 {
        disk.fail_at(dies_at, Fault::Kill);
    }
    let shared: Task = ("share", crate::share::work);
    let task = TASKS.iter().chain([&shared]).find(|(name, _)| name == task).expect("a task").1;
    let counted = disk.clone();
    let pass = move |_| {
        counted.count_or_die();
        Ok(())
    };
    with_failpoints(pass, || task(path, &mut Chance::new(seed)));
    say(&format!("events {}", disk.events()));
}

/// Acknowledges something: whoever reads it may rely on it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

fn say_revision(layer: &SqliteLayer, rev: Option<cowry_vfs::sqlite::Revision>) {
    if let Some(rev) = rev {
        say(&format!("rev {rev} {}", digest(&*layer.at(rev).expect("the revision"))));
    }
}

/// One of the settings: none of them lets a kill do harm.
fn layer(path: &Path, chance: &mut Chance) -> SqliteLayer {
    let durability = chance.pick(&Durability::ALL);
    SqliteLayer::open(path, &options(durability)).expect("a workspace")
}

fn edit(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    for i in 0..6 {
        let file = format!("e{i}");
        put(&layer, &file, &noise(chance, 2000)).expect("made");
        say(&format!("file {file}"));
        let _ = change(&layer, chance);
        if i % 2 == 1 {
            let rev = seal(&layer).expect("sealed");
            say_revision(&layer, rev);
        }
    }
}

fn commit(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    for _ in 0..3 {
        let base = layer.head().expect("a head");
        let overlay = Overlay::new(layer.at(base).expect("the base"), OverlayOptions::default());
        for _ in 0..6 {
            let _ = change(&overlay, chance);
        }
        let done = commit_overlay(&layer, base, &overlay).expect("committed");
        say_revision(&layer, done.revision);
    }
}

fn gc(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    for _ in 0..2 {
        for _ in 0..4 {
            let _ = change(&layer, chance);
        }
        layer.gc().expect("collected");
        let rev = layer.head().expect("a head");
        say_revision(&layer, Some(rev));
    }
}

fn migrate(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    for (rev, digest) in revisions(&layer) {
        say(&format!("rev {rev} {digest}"));
    }
}

fn fork(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    for i in 0..2 {
        let file = format!("fork{i}.cowry");
        let fork = layer.fork(path.with_file_name(&file), layer.head().expect("a head")).expect("a fork");
        say(&format!("fork {file}"));
        for _ in 0..3 {
            let _ = change(&fork, chance);
        }
        seal(&fork).expect("sealed");
    }
}

fn flatten(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    let fork = layer.fork(path.with_file_name("flat.cowry"), layer.head().expect("a head")).expect("a fork");
    for _ in 0..3 {
        let _ = change(&fork, chance);
    }
    seal(&fork).expect("sealed");
    say("fork flat.cowry");
    fork.flatten().expect("flattened");
    say("fork flat.cowry");
}

fn prune(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    let done = layer.prune(&PruneRequest { keep_last: Some(2), ..PruneRequest::default() }).expect("pruned");
    assert!(!done.pruned.is_empty());
    say_revision(&layer, Some(layer.head().expect("a head")));
    layer.gc().expect("collected");
    say_revision(&layer, Some(layer.head().expect("a head")));
}

fn restore(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    for rev in [1, 3] {
        let info = SealInfo::of(RevisionKind::Restore);
        let done = layer.restore(cowry_vfs::sqlite::Revision(rev), &[], &info).expect("restored");
        say_revision(&layer, done.map(|info| info.id));
    }
}

fn repair(path: &Path, chance: &mut Chance) {
    let layer = layer(path, chance);
    let report = layer.repair().expect("repaired");
    say("repaired");
    say_revision(&layer, report.revision);
}

fn create(path: &Path, chance: &mut Chance) {
    let durability = chance.pick(&Durability::ALL);
    let layer = SqliteLayer::create(path, &options(durability)).expect("a workspace");
    let rev = layer.head().expect("a head");
    say_revision(&layer, Some(rev));
}
