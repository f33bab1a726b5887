//! Thousands of sandboxes leave nothing behind: no descriptor, no process, no memory.

use std::time::{Duration, Instant};

use cowry_runtime::{Job, SandboxSpec, Zygote, ZygoteOptions};

use crate::support::{Case, run, tree};

pub const CASES: &[Case] = &[("leaks::two_thousand_sandboxes_leave_nothing_behind", many)];

/// How many unless `COWRY_FORKS` says otherwise; 10,000 are tried now and then.
const FORKS: usize = 2000;

/// The forks that wait for a request.
const WAITING: usize = 1;

fn forks() -> usize {
    let asked = std::env::var("COWRY_FORKS").ok();
    asked.map_or(FORKS, |number| number.parse().expect("COWRY_FORKS is a number"))
}

fn entries(folder: &str) -> Option<usize> {
    Some(std::fs::read_dir(folder).ok()?.count())
}

/// The children of a process.
pub fn children(process: u32) -> Vec<u32> {
    let list =
        std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// The most a zygote may grow: half a page for each fork. Where there are many processors the kernel's count is no closer.
const GROWTH_BYTES: u64 = 4 << 20;

/// Bytes of a process that are resident and its own: what of files is, depends on what else the machine does.
fn resident(process: u32) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).expect("the process lives");
    let pages: Vec<u64> = statm.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [_, resident, of_files, ..] = pages[..] else { panic!("{statm}") };
    resident.saturating_sub(of_files) * 4096
}

fn spawn_and_run(zygote: &Zygote, n: usize) {
    let mut sandbox = zygote.spawn(SandboxSpec::new(tree())).expect("a sandbox can be forked");
    assert_eq!(run(&mut sandbox, &Job::expression(format!("{n} + 1"))).json(), (n + 1).to_string());
}

fn many() {
    let zygote = Zygote::start(&ZygoteOptions::default()).expect("the test binary calls init()");
    for n in 0..50 {
        spawn_and_run(&zygote, n);
    }
    let [process] = *children(zygote.process_id()) else { panic!("a launcher has one child") };
    wait_until("sandboxes that nobody reaped", || children(process).len() == WAITING);
    let memory = resident(process);
    // Readable only as root: the zygote is not dumpable.
    let descriptors = entries(&format!("/proc/{process}/fd"));
    for n in 0..forks() {
        spawn_and_run(&zygote, n);
    }
    wait_until("sandboxes that nobody reaped", || children(process).len() == WAITING);
    // It may have been in the middle of a fork when they were counted first, and had more of them.
    wait_until("descriptors", || entries(&format!("/proc/{process}/fd")) <= descriptors);
    let grown = resident(process).saturating_sub(memory);
    assert!(grown < GROWTH_BYTES, "the zygote grew by {grown} bytes");
}

/// Gives what is still to happen all the time that it needs.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(120), "left behind: {what}");
        std::thread::yield_now();
    }
}
