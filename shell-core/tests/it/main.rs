//! Workspaces, runs and sessions, end to end with real sandboxes.

mod archives;
#[cfg(feature = "object")]
mod buckets;
#[cfg(feature = "object")]
mod copies;
mod edge;
mod history;
mod kept;
#[cfg(feature = "object")]
mod kept_mounts;
#[cfg(feature = "object")]
mod late;
mod merges;
mod mounts;
mod place;
#[cfg(feature = "object")]
mod promotions;
mod runs;
mod sessions;
mod transfers;
mod workspaces;

use libtest_mimic::{Arguments, Completion, Trial};

/// One named test.
pub type Case = (&'static str, fn());

fn main() {
    cowry_shell_core::init();
    let modules: &[(&str, &[Case])] = &[
        ("workspaces", workspaces::CASES),
        ("runs", runs::CASES),
        ("edge", edge::CASES),
        ("history", history::CASES),
        ("kept", kept::CASES),
        ("merges", merges::CASES),
        ("mounts", mounts::CASES),
        ("sessions", sessions::CASES),
        ("transfers", transfers::CASES),
        ("archives", archives::CASES),
        #[cfg(feature = "object")]
        ("buckets", buckets::CASES),
        #[cfg(feature = "object")]
        ("promotions", promotions::CASES),
        #[cfg(feature = "object")]
        ("late", late::CASES),
        #[cfg(feature = "object")]
        ("copies", copies::CASES),
        #[cfg(feature = "object")]
        ("kept_mounts", kept_mounts::CASES),
    ];
    let trials = modules.iter().flat_map(|(module, cases)| {
        cases.iter().map(move |(name, run)| {
            Trial::ignorable_test(format!("{module}::{name}"), || match archives::lacking(name) {
                Some(program) => Ok(Completion::ignored_with(format!("needs {program}"))),
                None => {
                    run();
                    Ok(Completion::Completed)
                }
            })
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
