//! The runtime from outside: one process per sandbox, so this binary is its own zygote.

mod support;

mod jobs;
mod js;

use libtest_mimic::Arguments;

fn main() {
    cowry_runtime::init();
    let arguments = Arguments::from_args();
    let trials = [jobs::TRIALS].concat();
    let trials = trials.into_iter().map(support::trial).chain(js::trials()).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
