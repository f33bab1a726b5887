use std::time::Duration;

use super::*;

/// What it was allowed.
const MEMORY: u64 = 1 << 20;

/// A `wait` status of a process that exited with this code.
fn code(code: i32) -> End {
    End::Status { status: code << 8, cpu: Duration::ZERO, peak_memory_bytes: 0 }
}

/// A `wait` status of a process that this signal ended.
fn signal(signal: i32) -> End {
    End::Status { status: signal, cpu: Duration::ZERO, peak_memory_bytes: 0 }
}

fn check(end: End, stderr: &str, expected: Outcome) {
    assert_eq!(judge(end, None, stderr.into(), MEMORY), expected);
}

#[test]
fn the_watchdogs_codes_are_time_limits() {
    check(code(exit::CPU), "", Outcome::TimedOut(TimeLimit::Cpu));
    check(code(exit::WALL), "", Outcome::TimedOut(TimeLimit::Wall));
}

#[test]
fn the_kernels_limit_of_processor_time_is_one() {
    check(signal(libc::SIGXCPU), "", Outcome::TimedOut(TimeLimit::Cpu));
}

#[test]
fn an_allocator_that_gives_up_is_out_of_memory() {
    check(signal(libc::SIGABRT), "memory allocation of 64 bytes failed", Outcome::OutOfMemory);
}

#[test]
fn an_engine_that_traps_for_want_of_memory_is_out_of_memory() {
    check(
        signal(libc::SIGTRAP),
        "# Fatal JavaScript out of memory: Reached heap limit",
        Outcome::OutOfMemory,
    );
}

#[test]
fn any_other_signal_is_a_crash() {
    let crashed = Outcome::Crashed { signal: Some(libc::SIGSEGV), stderr: "words".into() };
    check(signal(libc::SIGSEGV), "words", crashed);
}

#[test]
fn a_crash_with_all_its_memory_used_is_out_of_memory() {
    let full = End::Status { status: libc::SIGSEGV, cpu: Duration::ZERO, peak_memory_bytes: MEMORY };
    check(full, "", Outcome::OutOfMemory);
}

#[test]
fn a_kill_that_is_not_ours_is_said_to_be_the_hosts() {
    assert!(matches!(judge(signal(libc::SIGKILL), None, String::new(), MEMORY), Outcome::Killed { .. }));
}

#[test]
fn a_kill_of_ours_keeps_its_reason() {
    let late = judge(signal(libc::SIGKILL), Some(Killed::Late), String::new(), MEMORY);
    assert_eq!(late, Outcome::TimedOut(TimeLimit::Wall));
    let broken =
        judge(signal(libc::SIGKILL), Some(Killed::Broken("a malformed frame".into())), String::new(), MEMORY);
    assert_eq!(broken, Outcome::Crashed { signal: None, stderr: "a malformed frame".into() });
}

#[test]
fn ending_without_a_result_is_a_crash() {
    assert!(matches!(judge(code(0), None, String::new(), MEMORY), Outcome::Crashed { signal: None, .. }));
}

#[test]
fn dying_with_the_zygote_is_being_killed() {
    assert!(matches!(judge(End::WithZygote, None, String::new(), MEMORY), Outcome::Killed { .. }));
}
