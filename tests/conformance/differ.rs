//! Every backend that keeps modes and owners beside the kernel, and the host's layer beside it as root.

use cowry_tests::chance::{Chance, ops_or, seed_of};
use cowry_tests::differ::{Kernel, Likes, Pair, VfsSubject, differ, steps};
use libtest_mimic::{Completion, Failed, Trial};

use crate::backend::{Backend, Built, Probe};

/// Lists of operations on each backend, so many trials of so many operations, each list from an empty directory.
const TRIALS: usize = 3;
const OPS: usize = 1_500;
const LIST: usize = 150;

pub fn trials(backend: &'static Backend, probe: &Probe) -> Vec<Trial> {
    let features = probe.layer;
    if !features.writable || !features.rename_modes {
        return Vec::new();
    }
    let likes = Likes {
        users: features.ownership,
        special: features.special_nodes,
        xattrs: features.xattrs,
        ..Likes::all()
    };
    (0..TRIALS)
        .map(|run| {
            let name = format!("{}::like_the_kernel::run_{run}", backend.name);
            let seed = seed_of(&name);
            Trial::ignorable_test(name, move || beside_kernel(backend, likes, seed))
        })
        .collect()
}

fn beside_kernel(backend: &'static Backend, likes: Likes, seed: u64) -> Result<Completion, Failed> {
    if let Err(reason) = Kernel::of_this_machine() {
        return Ok(Completion::ignored_with(reason));
    }
    let mut chance = Chance::new(seed);
    let ops = ops_or(OPS);
    for list in 0..ops.div_ceil(LIST) {
        let steps = steps(&mut chance, likes, LIST);
        let mut built = Vec::new();
        let mut make = || pair(backend, likes, &mut built);
        differ(&mut make, &steps).map_err(|what| {
            format!("{what}(list {list}; repeat it with COWRY_SEED={seed} COWRY_OPS={ops})")
        })?;
    }
    Ok(Completion::Completed)
}

/// What is built stays until its list is done: the layer is in use as long.
fn pair(backend: &Backend, likes: Likes, built: &mut Vec<Built>) -> Result<Pair<'static>, String> {
    built.push(backend.build(&|_| ()));
    let layer = built.last().expect("it was just built").layer.clone();
    Ok(Pair {
        oracle: Box::new(Kernel::of_this_machine()?),
        judged: Box::new(VfsSubject::new(backend.name, layer, likes.users)),
    })
}
