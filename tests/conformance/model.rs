//! The model test: random operations on a layer and on a plain map, compared as they go.

use std::cell::RefCell;
use std::fmt::Debug;

use cowry_tests::chance::seed_of;
use cowry_vfs::{Errno, NodeResult};
use libtest_mimic::{Failed, Trial};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

mod apply;
mod reference;

use crate::backend::{Backend, Built, Probe};
use apply::Subject;
use reference::Reference;

/// One operation. Operands are indices modulo what exists.
#[derive(Clone, Debug)]
pub enum Op {
    Create {
        dir: usize,
        name: usize,
        len: usize,
    },
    Mkdir {
        dir: usize,
        name: usize,
    },
    Symlink {
        dir: usize,
        name: usize,
    },
    Unlink {
        dir: usize,
        name: usize,
    },
    Rmdir {
        dir: usize,
        name: usize,
    },
    Rename {
        from: (usize, usize),
        to: (usize, usize),
    },
    Link {
        file: usize,
        dir: usize,
        name: usize,
    },
    Write {
        file: usize,
        offset: u64,
        len: usize,
    },
    Append {
        file: usize,
        len: usize,
    },
    Truncate {
        file: usize,
        size: u64,
    },
    SetMtime {
        node: usize,
        time: i64,
    },
    /// Opens a file and keeps it open.
    Hold {
        file: usize,
    },
    /// Closes what was held longest.
    LetGo,
    /// Runs the operations as one transaction that fails.
    Undone(Vec<Op>),
    /// Closes the layer and opens it again, where it is durable.
    Reopen,
}

fn simple_op() -> impl Strategy<Value = Op> {
    let at = || (0..64usize, 0..reference::NAMES.len());
    prop_oneof![
        4 => (at(), 0..5000usize).prop_map(|((dir, name), len)| Op::Create { dir, name, len }),
        3 => at().prop_map(|(dir, name)| Op::Mkdir { dir, name }),
        1 => at().prop_map(|(dir, name)| Op::Symlink { dir, name }),
        3 => at().prop_map(|(dir, name)| Op::Unlink { dir, name }),
        2 => at().prop_map(|(dir, name)| Op::Rmdir { dir, name }),
        6 => (at(), at()).prop_map(|(from, to)| Op::Rename { from, to }),
        2 => (0..64usize, at()).prop_map(|(file, (dir, name))| Op::Link { file, dir, name }),
        3 => (0..64usize, 0..20_000u64, 0..3000usize)
            .prop_map(|(file, offset, len)| Op::Write { file, offset, len }),
        2 => (0..64usize, 0..3000usize).prop_map(|(file, len)| Op::Append { file, len }),
        2 => (0..64usize, 0..20_000u64).prop_map(|(file, size)| Op::Truncate { file, size }),
        1 => (0..64usize, 0..1_000_000i64).prop_map(|(node, time)| Op::SetMtime { node, time }),
        1 => (0..64usize).prop_map(|file| Op::Hold { file }),
        1 => Just(Op::LetGo),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        30 => simple_op(),
        1 => vec(simple_op(), 1..6).prop_map(Op::Undone),
        1 => Just(Op::Reopen),
    ]
}

/// The model trial of a backend that can be written. `PROPTEST_CASES` asks for so many other cases, different each time,
/// and `PROPTEST_RNG_SEED` for those of a seed that was told.
pub fn trial(backend: &'static Backend, probe: &Probe) -> Option<Trial> {
    probe
        .layer
        .writable
        .then(|| Trial::test(format!("{}::model::random_operations", backend.name), move || check(backend)))
}

fn check(backend: &'static Backend) -> Result<(), Failed> {
    // Those that reach a disk take longer for each operation.
    let slow =
        backend.reopen.is_some() || ["sqlite", "host", "s3"].iter().any(|slow| backend.name.contains(slow));
    let mut config = Config::with_cases(if slow { 16 } else { 48 });
    config.failure_persistence = None;
    // The same cases on every run, so that a backend that passed here passes anywhere.
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.rng_seed = RngSeed::Fixed(seed_of(backend.name));
    }
    let config = proptest::test_runner::contextualize_config(config);
    let seed = config.rng_seed;
    let mut runner = TestRunner::new(config);
    let ops = (vec(simple_op(), 0..30), vec(any_op(), 1..60));
    let outcome = runner.run(&ops, |(before, after)| {
        run(backend, &before, &after);
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, ops)) => {
            Err(format!("{reason}\nseed {seed:?}, smallest failing operations: {ops:#?}").into())
        }
        Err(TestError::Abort(reason)) => Err(reason.to_string().into()),
    }
}

/// Runs `before` where fixtures go, and `after` on top of it.
fn run(backend: &Backend, before: &[Op], after: &[Op]) {
    let counts = backend.excuse("getattr", "directory_counts_its_subdirectories").is_none();
    let reference = RefCell::new(Reference::new());
    let mut built = backend.build(&|layer| {
        let mut subject = Subject::new(&**layer, reference.take(), counts);
        before.iter().for_each(|op| subject.step(op));
        reference.replace(subject.finish());
    });
    let mut reference = reference.into_inner();
    // A revision is not sealed for times of directories alone, which follow from what is in them.
    reference.forget_directory_times();
    for part in after.split_inclusive(|op| matches!(op, Op::Reopen)) {
        let mut subject = Subject::new(&*built.layer, reference, counts);
        part.iter().for_each(|op| subject.step(op));
        reference = subject.finish();
        if let (Some(Op::Reopen), Some(reopen)) = (part.last(), backend.reopen) {
            let dir = built.dir;
            drop(built.layer);
            built = Built { layer: reopen(dir.path()), dir };
            Subject::new(&*built.layer, reference.clone(), counts).compare();
        }
    }
}

/// Compares what a layer said with what it may say.
fn agree<T: Debug>(op: &dyn Debug, expected: Result<(), &'static [Errno]>, found: NodeResult<T>) {
    let agrees = match (&expected, &found) {
        (Ok(()), Ok(_)) => true,
        (Err(allowed), Err(error)) => allowed.contains(&error.errno()),
        _ => false,
    };
    assert!(agrees, "{op:?}: expected {expected:?}, found {found:?}");
}
