//! The runtime from outside: one process per sandbox, so this binary is its own zygote.

mod support;

mod jobs;

use libtest_mimic::Arguments;

fn main() {
    cowry_runtime::init();
    let arguments = Arguments::from_args();
    let trials = [jobs::TRIALS].concat();
    libtest_mimic::run(&arguments, trials.into_iter().map(support::trial).collect()).exit();
}
