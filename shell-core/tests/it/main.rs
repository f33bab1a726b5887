//! Workspaces, runs and sessions, end to end with real sandboxes.

mod edge;
mod history;
mod kept;
mod merges;
mod mounts;
mod place;
mod runs;
mod sessions;
mod transfers;
mod workspaces;

use libtest_mimic::{Arguments, Trial};

/// One named test.
pub type Case = (&'static str, fn());

fn main() {
    cowry_shell_core::init();
    let modules: [(&str, &[Case]); 9] = [
        ("workspaces", workspaces::CASES),
        ("runs", runs::CASES),
        ("edge", edge::CASES),
        ("history", history::CASES),
        ("kept", kept::CASES),
        ("merges", merges::CASES),
        ("mounts", mounts::CASES),
        ("sessions", sessions::CASES),
        ("transfers", transfers::CASES),
    ];
    let trials = modules.iter().flat_map(|(module, cases)| {
        cases.iter().map(move |(name, run)| {
            Trial::test(format!("{module}::{name}"), || {
                run();
                Ok(())
            })
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
