//! The zygote's own life: what becomes of sandboxes when it dies, and of programs that are none.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cowry_runtime::{Job, Limits, Outcome, RuntimeError, SandboxSpec, TimeLimit, Zygote, ZygoteOptions};

use crate::leaks::{children, wait_until};
use crate::support::{Case, run, tree};

pub const CASES: &[Case] = &[
    ("zygote::its_death_kills_its_sandboxes_and_the_next_spawn_starts_another", dies),
    ("zygote::dropping_it_ends_its_processes", dropped),
    ("zygote::the_death_of_a_fork_that_waits_is_no_loss", waiting),
    ("zygote::one_for_one_sandbox_forks_no_other_ahead", for_one),
    ("zygote::a_fork_that_waits_takes_the_limits_it_is_given", limits),
    ("zygote::a_program_that_does_not_become_one_is_a_clear_error", not_one),
    ("zygote::one_of_another_build_is_a_clear_error", other_build),
    ("zygote::one_that_cannot_be_executed_is_a_clear_error", no_program),
    ("zygote::what_holds_and_what_does_not_is_known", lockdown),
    ("zygote::strict_refuses_what_is_not_complete", strict),
    ("zygote::keys_on_the_terminal_do_not_reach_it", own_group),
    ("zygote::nothing_of_the_environment_is_visible", environment),
];

fn start() -> Zygote {
    Zygote::start(&ZygoteOptions::default()).expect("the test binary calls init()")
}

fn with_program(program: &Path) -> ZygoteOptions {
    let mut options = ZygoteOptions::default();
    options.program = Some(program.into());
    options
}

fn kill(process: u32) {
    let process = libc::pid_t::try_from(process).expect("a process number");
    // SAFETY: the process is a child of ours that nobody has waited for.
    assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0);
}

/// Kills a process that may have ended by itself.
fn kill_any(process: u32) {
    let process = libc::pid_t::try_from(process).expect("a process number");
    // SAFETY: plain numbers; the process is one of our zygote's, which reaps it, or has just been.
    unsafe { libc::kill(process, libc::SIGKILL) };
}

fn dies() {
    let zygote = start();
    let mut sandbox = zygote.spawn(SandboxSpec::new(tree())).expect("a sandbox can be forked");
    assert_eq!(run(&mut sandbox, &Job::expression("1")).json(), "1");
    let process = zygote.process_id();
    let report = sandbox.run(&Job::expression("console.log('go'); for (;;);"), &mut |_| kill(process));
    let outcome = report.expect("the sandbox takes a job").result.outcome;
    assert!(matches!(outcome, Outcome::Killed { .. }), "{outcome:?}");
    assert!(!sandbox.is_alive());
    let mut next = zygote.spawn(SandboxSpec::new(tree())).expect("another zygote is started");
    assert_eq!(run(&mut next, &Job::expression("2")).json(), "2");
    assert_ne!(zygote.process_id(), process);
}

fn for_one() {
    let mut options = ZygoteOptions::default();
    options.is_for_one = true;
    let zygote = Zygote::start(&options).expect("the test binary calls init()");
    let forks = || children(children(zygote.process_id())[0]).len();
    let mut first = zygote.spawn(SandboxSpec::new(tree())).expect("a sandbox can be forked");
    assert_eq!(run(&mut first, &Job::expression("1")).json(), "1");
    drop(first);
    // One that waits would never go away.
    wait_until("a fork ahead", || forks() == 0);
    let mut second = zygote.spawn(SandboxSpec::new(tree())).expect("another is forked when it is asked for");
    assert_eq!(run(&mut second, &Job::expression("2")).json(), "2");
}

fn dropped() {
    let zygote = start();
    let mut sandboxes = [(); 2].map(|()| {
        let mut sandbox = zygote.spawn(SandboxSpec::new(tree())).expect("a sandbox can be forked");
        run(&mut sandbox, &Job::expression("1"));
        sandbox
    });
    drop(zygote);
    // It may take a moment until the kernel has ended all of them. A job ends with them, and comes to nothing after.
    for sandbox in &mut sandboxes {
        let report = sandbox.run(&Job::expression("for (;;);"), &mut |_| ()).expect("its end is a report");
        assert!(matches!(report.result.outcome, Outcome::Killed { .. }), "{:?}", report.result);
    }
    let begun = Instant::now();
    while sandboxes.iter().any(|sandbox| sandbox.pid() != 0) {
        assert!(begun.elapsed() < Duration::from_secs(120), "a sandbox outlives its zygote");
        std::thread::yield_now();
    }
}

/// The only fork of a zygote that has none in use: the one that waits.
fn fork_that_waits(zygote: &Zygote) -> u32 {
    zygote.lockdown().expect("it boots");
    let [process] = *children(zygote.process_id()) else { panic!("a launcher has one child") };
    let mut found = Vec::new();
    // Looked at once and kept: the trial may end, and the fork that waits come, between two looks.
    wait_until("more or less than one fork", || {
        found = children(process);
        found.len() == 1
    });
    found[0]
}

fn waiting() {
    let zygote = start();
    for n in 0..3 {
        // It may have been the trial that was found, or it dies while it is handed a request: all the same.
        kill_any(fork_that_waits(&zygote));
        loop {
            let mut sandbox = zygote.spawn(SandboxSpec::new(tree())).expect("a sandbox can be forked");
            let report = sandbox.run(&Job::expression(n.to_string()), &mut |_| ()).expect("it takes a job");
            match report.result.outcome {
                Outcome::Completed { exit_code: 0 } => break,
                // It was handed the request before it died of the signal.
                Outcome::Killed { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn limits() {
    let zygote = start();
    fork_that_waits(&zygote);
    let limits =
        Limits { cpu: Duration::from_millis(300), wall: Duration::from_secs(600), ..Limits::default() };
    let mut sandbox =
        zygote.spawn(SandboxSpec { limits, ..SandboxSpec::new(tree()) }).expect("a sandbox can be forked");
    assert_eq!(
        *run(&mut sandbox, &Job::expression("for (;;);")).outcome(),
        Outcome::TimedOut(TimeLimit::Cpu)
    );
}

fn spawn_error(program: &Path) -> RuntimeError {
    let zygote = Zygote::start(&with_program(program)).expect("the program can be executed");
    zygote.spawn(SandboxSpec::new(tree())).expect_err("it is no zygote")
}

fn not_one() {
    let zygote = Zygote::start(&with_program(Path::new("/bin/true"))).expect("the program can be executed");
    for _ in 0..2 {
        let error = zygote.spawn(SandboxSpec::new(tree())).expect_err("it is no zygote");
        assert!(matches!(error, RuntimeError::NotInitialised), "{error}");
        assert!(error.to_string().contains("cowry_runtime::init()"));
    }
}

/// A program that runs this shell script.
fn script(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("program");
    // Not written from here: a process that another test forks meanwhile would hold it open for writing for a moment,
    // and what is open for writing cannot be executed.
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = shell.stdin.take().expect("it is piped");
    stdin.write_all(format!("#!/bin/sh\n{text}\n").as_bytes()).expect("the shell reads");
    drop(stdin);
    assert!(shell.wait().expect("it ends").success());
    path
}

fn other_build() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = spawn_error(&script(folder.path(), "printf 'cowry-zygote 0000000000000000' >&0"));
    let RuntimeError::BuildMismatch { theirs, ours } = error else { panic!("{error}") };
    assert_eq!(theirs, "0000000000000000");
    assert_ne!(ours, theirs);
}

fn no_program() {
    let error = Zygote::start(&with_program(Path::new("/no/such/program"))).expect_err("there is none");
    assert!(matches!(error, RuntimeError::Start(_)), "{error}");
}

fn lockdown() {
    let lockdown = start().lockdown().expect("it boots");
    let known = lockdown.applied.len() + lockdown.missing.len();
    assert!(known >= 10, "{lockdown:?}");
    for part in ["no new privileges", "not dumpable", "system call filter of the sandbox"] {
        assert!(lockdown.applied.iter().any(|applied| applied == part), "{part} is not in {lockdown:?}");
    }
}

fn strict() {
    let zygote = start();
    let complete = zygote.lockdown().expect("it boots").is_complete();
    let spec = SandboxSpec { strict: true, ..SandboxSpec::new(tree()) };
    match zygote.spawn(spec) {
        Ok(mut sandbox) => {
            assert!(complete);
            assert_eq!(run(&mut sandbox, &Job::expression("1")).json(), "1");
        }
        Err(RuntimeError::Refused { missing }) => assert!(!complete && !missing.is_empty()),
        Err(error) => panic!("{error}"),
    }
}

fn environment() {
    let zygote = start();
    let process = zygote.process_id();
    zygote.lockdown().expect("it boots");
    // Of a process that is not dumpable only root can read it; then this is tried elsewhere.
    let Ok(environment) = std::fs::read(format!("/proc/{process}/environ")) else { return };
    let environment = String::from_utf8_lossy(&environment);
    for variable in ["PATH=", "HOME=", "CARGO"] {
        assert!(!environment.split('\0').any(|entry| entry.starts_with(variable)), "{environment}");
    }
}

fn own_group() {
    let zygote = start();
    let process = libc::pid_t::try_from(zygote.process_id()).expect("a process number");
    // SAFETY: plain numbers.
    unsafe { assert_ne!(libc::getpgid(process), libc::getpgid(0)) }
}
