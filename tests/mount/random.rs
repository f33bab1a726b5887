//! Random operations through the mount: files byte for byte against a model, and the whole of it beside a native
//! filesystem.

use cowry_tests::chance::{Chance, ops_or, seed_of};
use cowry_tests::differ::{Kernel, Likes, Pair, differ, steps};
use cowry_tests::exercise::{KernelTarget, exercise};
use cowry_tests::mounted::{Mounted, assert_sound, unavailable};
use libtest_mimic::{Completion, Failed, Trial};

/// Together twenty thousand operations on files.
const EXERCISES: usize = 4;
const OPS: usize = 5_000;
/// Lists of operations of every kind, each from an empty mount.
const COMPARISONS: usize = 2;
const COMPARED: usize = 1_500;
const LIST: usize = 150;

pub fn trials() -> Vec<Trial> {
    let exercises = (0..EXERCISES).map(|run| named(format!("random::exercise_{run}"), exercised));
    let comparisons = (0..COMPARISONS).map(|run| named(format!("random::like_native_{run}"), compared));
    exercises.chain(comparisons).collect()
}

fn named(name: String, run: fn(u64) -> Result<Completion, Failed>) -> Trial {
    let seed = seed_of(&name);
    Trial::ignorable_test(name, move || match unavailable() {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run(seed),
    })
}

fn exercised(seed: u64) -> Result<Completion, Failed> {
    let (mounted, layer) = Mounted::new();
    exercise(&mut KernelTarget::new(mounted.path()), seed, ops_or(OPS))?;
    mounted.unmount()?;
    assert_sound(&layer);
    Ok(Completion::Completed)
}

fn compared(seed: u64) -> Result<Completion, Failed> {
    if let Err(reason) = Kernel::of_this_machine() {
        return Ok(Completion::ignored_with(reason));
    }
    let (mut chance, ops) = (Chance::new(seed), ops_or(COMPARED));
    for list in 0..ops.div_ceil(LIST) {
        let steps = steps(&mut chance, Likes::all(), LIST);
        differ(&mut pair, &steps).map_err(|what| {
            format!("{what}(list {list}; repeat it with COWRY_SEED={seed} COWRY_OPS={ops})")
        })?;
    }
    Ok(Completion::Completed)
}

fn pair() -> Result<Pair<'static>, String> {
    let (mounted, _layer) = Mounted::new();
    let dir = mounted.path().to_owned();
    Ok(Pair {
        oracle: Box::new(Kernel::of_this_machine()?),
        judged: Box::new(Kernel::in_dir("the mount", &dir, mounted)?),
    })
}
