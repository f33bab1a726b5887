//! The locks, in two sets: those a zygote puts on and every fork inherits, and the last one, put on in the sandbox.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use seccompiler::{BpfProgram, apply_filter, apply_filter_all_threads};

use super::syscalls;
use crate::spec::Lockdown;
use crate::sys;

/// The newest Landlock this crate asks for; an older kernel grants what it has.
const LANDLOCK: ABI = ABI::V6;

/// The filters that a fork puts on, compiled ahead.
pub(crate) struct LastLock {
    waiting: BpfProgram,
    last: BpfProgram,
    /// Whether the kernel let a child of the zygote put them on.
    pub is_granted: bool,
}

impl Lockdown {
    /// Notes that a part was applied, or why not.
    pub(crate) fn note(&mut self, part: &str, outcome: Result<(), impl std::fmt::Display>) {
        match outcome {
            Ok(()) => self.applied.push(part.into()),
            Err(error) => self.missing.push(format!("{part}: {error}")),
        }
    }
}

/// Opens whatever libraries open on first use, while it can still be opened.
pub(crate) fn touch() {
    // The time zone of the C library, and its idea of how many processors there are.
    // SAFETY: the zygote has one thread; `tzset` reads the environment, which nobody is changing.
    unsafe { tzset() };
    let _ = std::thread::available_parallelism();
    let _ = sys::random(&mut [0; 8]);
    // What starting a thread needs, down to its stack, which the library keeps for the next one: a watchdog's.
    let thread = std::thread::Builder::new().stack_size(super::watchdog::STACK).spawn(|| ());
    let _ = thread.map(std::thread::JoinHandle::join);
}

unsafe extern "C" {
    fn tzset();
}

/// Compiles the filters of the zygote and of its sandboxes, and does what putting them on needs.
pub(crate) fn prepare(lockdown: &mut Lockdown) -> io::Result<(BpfProgram, LastLock)> {
    lockdown.note("no new privileges", sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0).map(drop));
    let own = syscalls::zygote().map_err(io::Error::other)?;
    let waiting = syscalls::waiting().map_err(io::Error::other)?;
    let last = syscalls::last().map_err(io::Error::other)?;
    Ok((own, LastLock { waiting, last, is_granted: false }))
}

/// Locks the zygote down. From here on it opens nothing.
pub(crate) fn lock_zygote(own: &BpfProgram, lockdown: &mut Lockdown) {
    speculation(lockdown);
    lockdown.note("no filesystem (chroot)", leave_filesystem());
    lockdown.note("no capabilities", sys::drop_capabilities());
    landlock(lockdown);
    lockdown.note("not dumpable", sys::prctl(libc::PR_SET_DUMPABLE, 0, 0).map(drop));
    lockdown.note("system call filter of the zygote", apply_filter(own));
}

/// Locks this fork down, but for what it takes to get a request. No thread can be started from here on.
pub(crate) fn lock_waiting(locks: &LastLock) -> Result<(), String> {
    put_on(&syscalls::for_process(locks.waiting.clone(), sys::process_id()))
}

/// Locks this sandbox down for good. `waiting` is what came of locking it down as it waited.
pub(crate) fn lock_sandbox(locks: &LastLock, waiting: &Result<(), String>, lockdown: &mut Lockdown) {
    let locked = waiting.clone().and_then(|()| put_on(&locks.last));
    lockdown.note("system call filter of the sandbox", locked);
}

fn put_on(filter: &BpfProgram) -> Result<(), String> {
    apply_filter_all_threads(filter).map_err(|error| error.to_string())
}

/// Denies every access to files and the network by path and port, and to processes outside.
fn landlock(lockdown: &mut Lockdown) {
    let ruleset = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .restrict_self()
    };
    match ruleset() {
        Ok(status) if status.ruleset == RulesetStatus::FullyEnforced => {
            lockdown.applied.push("landlock".into())
        }
        Ok(status) if status.ruleset == RulesetStatus::PartiallyEnforced => {
            lockdown.applied.push("landlock (files)".into());
            lockdown.missing.push("landlock (network ports, signals): the kernel is older than 6.12".into());
        }
        Ok(_) => lockdown.missing.push("landlock: not in this kernel, or not enabled".into()),
        Err(error) => lockdown.missing.push(format!("landlock: {error}")),
    }
}

/// Makes an empty directory the root: that of a process that has ended.
fn leave_filesystem() -> io::Result<()> {
    sys::chroot_into_nothing()
}

/// Turns off what lets code guess at memory it cannot read, where the processor has it and the kernel lets it be
/// turned off. A processor without the weakness has nothing to turn off, so that nothing is missing there.
fn speculation(lockdown: &mut Lockdown) {
    const PRCTL: i32 = libc::PR_SPEC_PRCTL as i32;
    const ENABLE: i32 = libc::PR_SPEC_ENABLE as i32;
    let controls = [
        ("speculative store bypass off", libc::PR_SPEC_STORE_BYPASS),
        ("indirect branch speculation off", libc::PR_SPEC_INDIRECT_BRANCH),
    ];
    for (part, which) in controls {
        match sys::prctl(libc::PR_GET_SPECULATION_CTRL, which as libc::c_ulong, 0) {
            Ok(state) if state & PRCTL != 0 && state & ENABLE != 0 => {
                lockdown.note(part, sys::speculation_off(which as libc::c_ulong));
            }
            // Vulnerable, and the kernel offers no control: nothing that a caller could provide.
            Ok(state) if state & ENABLE != 0 => {}
            Ok(_) => lockdown.applied.push(part.into()),
            Err(_) => {}
        }
    }
}
