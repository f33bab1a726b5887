//! The exerciser on every backend that can be written, and on a directory of the machine's own filesystem: there
//! it is the exerciser that is tested.

use cowry_tests::chance::{ops_or, seed_of};
use cowry_tests::exercise::{KernelTarget, VfsTarget, exercise};
use libtest_mimic::{Failed, Trial};

use crate::backend::{Backend, Probe};

/// Together twenty thousand operations on each backend.
const RUNS: usize = 4;
const OPS: usize = 5_000;
/// The same where an operation is a request of a server or several.
const SERVED_OPS: usize = 500;

pub fn trials(backend: &'static Backend, probe: &Probe) -> Vec<Trial> {
    let runs = if probe.layer.writable { RUNS } else { 0 };
    (0..runs)
        .map(|run| {
            let name = format!("{}::exercise::run_{run}", backend.name);
            let seed = seed_of(&name);
            Trial::test(name, move || on_backend(backend, seed))
        })
        .collect()
}

fn on_backend(backend: &'static Backend, seed: u64) -> Result<(), Failed> {
    let built = backend.build(&|_| ());
    let dir = built.dir;
    let reopen = backend.reopen.map(|reopen| {
        let dir = dir.path();
        Box::new(move || reopen(dir)) as Box<dyn Fn() -> _>
    });
    let mut target = VfsTarget::new(built.layer, reopen);
    let ops = if backend.name.contains("s3") { SERVED_OPS } else { OPS };
    Ok(exercise(&mut target, seed, ops_or(ops))?)
}

pub fn of_the_kernel() -> Trial {
    let name = "kernel::exercise";
    Trial::test(name, move || {
        let dir = tempfile::tempdir()?;
        Ok(exercise(&mut KernelTarget::new(dir.path()), seed_of(name), ops_or(OPS))?)
    })
}
