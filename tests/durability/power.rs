//! Power that goes at any moment, and disks that fail.

use std::path::Path;

use cowry_tests::chance::{Chance, seed_of};
use cowry_vfs::Errno;
use cowry_vfs::sqlite::{Durability, Revision, SqliteLayer};
use libtest_mimic::Trial;

use crate::disk::{self, Disk, Fault};
use crate::state::{assert_sound, change, digest, open, options, put, revisions, seal, tree};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for round in 0..6 {
        trials.push(trial(format!("power::a_cut_takes_nothing_acknowledged::{round}"), move || cut(round)));
    }
    for round in 0..3 {
        trials.push(trial(format!("power::a_cut_of_relaxed_work_leaves_a_whole_past::{round}"), move || {
            relaxed(round)
        }));
    }
    for fault in [Fault::Full, Fault::Io, Fault::Sync] {
        trials.push(trial(format!("power::a_fault_is_an_error_and_no_damage::{fault:?}"), move || {
            faults(fault)
        }));
    }
    trials.push(trial("power::a_full_disk_is_enospc", full));
    trials.push(trial("power::a_new_workspace_is_on_the_disk", created));
    trials
}

/// A workspace on a watched disk.
fn workspace(durability: Durability) -> (tempfile::TempDir, std::sync::Arc<Disk>, SqliteLayer) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = disk::watch(folder.path());
    let path = folder.path().canonicalize().expect("a folder").join("work.cowry");
    let layer = SqliteLayer::create(path, &options(durability)).expect("a workspace");
    (folder, disk, layer)
}

/// Does random work, sealed now and then. The digest of each revision, in order, from revision 0.
fn work(layer: &SqliteLayer, disk: &Disk, chance: &mut Chance) -> Vec<String> {
    let mut digests = vec![digest(&*layer.at(Revision(0)).expect("revision 0"))];
    for _ in 0..40 {
        for _ in 0..1 + chance.below(4) {
            let _ = change(layer, chance);
        }
        if let Some(rev) = seal(layer).expect("sealed") {
            assert_eq!(rev.0 as usize, digests.len());
            // Known before it is acknowledged: a cut in between may or may not have it.
            digests.push(digest(&*layer.at(rev).expect("the revision")));
            disk.acknowledge(digests.len());
        }
        if chance.one_in(10) {
            layer.gc().expect("collected");
        }
    }
    digests
}

/// Opens what each cut left; `least` says how many revisions must be there of a cut.
fn judge(disk: &Disk, digests: &[String], chance: &mut Chance, least: fn(usize) -> usize) {
    let cuts = disk.cuts();
    assert!(cuts.len() > 10, "{} cuts", cuts.len());
    for cut in cuts {
        let folder = tempfile::tempdir().expect("a folder");
        cut.restore(folder.path(), chance);
        let context = format!("cut at event {}", cut.event);
        let layer = open(&folder.path().join("work.cowry"));
        assert_sound(&layer, &context);
        let found = revisions(&layer);
        assert!(found.len() >= least(cut.acknowledged), "{context}: {} of {}", found.len(), cut.acknowledged);
        for (rev, digest) in found {
            assert_eq!(digests.get(rev.0 as usize), Some(&digest), "{context}: revision {rev}");
        }
        put(&layer, "after the cut", b"goes on").unwrap_or_else(|e| panic!("{context}: {e:?}"));
    }
}

fn cut(round: u64) {
    let mut chance = Chance::new(seed_of("power::cut").wrapping_add(round));
    let (_folder, disk, layer) = workspace(Durability::Fsync);
    disk.acknowledge(1);
    disk.cut_every(9 + round);
    let digests = work(&layer, &disk, &mut chance);
    drop(layer);
    disk.forget();
    judge(&disk, &digests, &mut chance, |acknowledged| acknowledged);
}

fn relaxed(round: u64) {
    let mut chance = Chance::new(seed_of("power::relaxed").wrapping_add(round));
    let (_folder, disk, layer) = workspace(Durability::Relaxed);
    disk.cut_every(9 + round);
    let digests = work(&layer, &disk, &mut chance);
    drop(layer);
    disk.forget();
    judge(&disk, &digests, &mut chance, |_| 1);
}

/// Lets a fault begin at many points of some work, and takes it away again.
fn faults(fault: Fault) {
    let mut chance = Chance::new(seed_of("power::faults"));
    let (_folder, disk, layer) = workspace(Durability::Fsync);
    let mut failed = 0;
    for round in 0..60 {
        let before = revisions(&layer);
        disk.fail_at(1 + chance.below(120), fault);
        let done: Result<(), _> = (0..4).try_for_each(|i| {
            put(&layer, &format!("{round}-{i}"), &crate::state::noise(&mut chance, 3000))?;
            seal(&layer).map(|_| ())
        });
        disk.mend();
        if let Err(error) = done {
            failed += 1;
            assert!(matches!(error.errno(), Errno::EIO | Errno::ENOSPC), "{error:?}");
        }
        let after = revisions(&layer);
        assert!(after.starts_with(&before), "round {round}: no revision is lost");
        if round % 10 == 0 {
            assert_sound(&layer, &format!("round {round}"));
        }
    }
    assert!(failed > 20, "{failed} of 60 failed");
    let path = layer.path().clone();
    let kept = tree(&layer);
    drop(layer);
    disk.forget();
    let layer = open(&path);
    assert_eq!(tree(&layer), kept);
    assert_sound(&layer, "reopened");
}

fn full() {
    let (_folder, disk, layer) = workspace(Durability::Fsync);
    put(&layer, "kept", b"kept").expect("made");
    let before = tree(&layer);
    disk.fail_at(1, Fault::Full);
    let error = put(&layer, "lost", &[7; 100_000]).expect_err("the disk is full");
    assert_eq!(error.errno(), Errno::ENOSPC, "{error:?}");
    assert_eq!(tree(&layer), before, "what is there can be read");
    let batch = layer_batch(&layer);
    assert_eq!(batch.errno(), Errno::ENOSPC, "{batch:?}");
    disk.mend();
    put(&layer, "later", b"goes on").expect("there is room again");
    disk.forget();
}

/// Many changes as one on a full disk: an error, and none of them.
fn layer_batch(layer: &SqliteLayer) -> cowry_vfs::NodeError {
    use cowry_vfs::Layer;
    layer
        .batch(&mut |layer| (0..50).try_for_each(|i| put(layer, &format!("b{i}"), &[i; 10_000]).map(|_| ())))
        .expect_err("the disk is full")
}

/// When `create` returns, everything of the new file has been synced.
fn created() {
    let (folder, disk, layer) = workspace(Durability::Fsync);
    let names = |folder: &Path| -> Vec<String> {
        let files = std::fs::read_dir(folder).expect("a folder");
        files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect()
    };
    for file in names(folder.path()) {
        assert!(disk.is_synced(&file), "{file}");
    }
    assert!(disk.events() > 0);
    drop(layer);
    disk.forget();
}
