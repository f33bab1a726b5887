//! The mount, judged by the kernel and by other people's programs. What cannot run here is skipped by name, with
//! what it needs.

#[cfg(target_os = "linux")]
mod bucket;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(target_os = "linux")]
mod far;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod random;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test: what it is called, what it needs beyond a mount, and what it does.
struct Case {
    name: &'static str,
    lacks: fn() -> Option<String>,
    run: fn(),
}

/// What a case needs that needs nothing.
fn nothing() -> Option<String> {
    None
}

fn main() {
    #[cfg(target_os = "linux")]
    if std::env::args().nth(1).is_some_and(|word| word == crash::SERVE) {
        return crash::serve(std::env::args().skip(2));
    }
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = cases().into_iter().map(trial).collect();
    #[cfg(target_os = "linux")]
    trials.extend(random::trials());
    libtest_mimic::run(&arguments, trials).exit();
}

#[cfg(target_os = "linux")]
fn cases() -> Vec<&'static Case> {
    kernel::CASES
        .iter()
        .chain(bucket::CASES)
        .chain(judge::CASES)
        .chain(program::CASES)
        .chain(crash::CASES)
        .chain(far::CASES)
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn cases() -> Vec<&'static Case> {
    Vec::new()
}

fn trial(case: &'static Case) -> Trial {
    Trial::ignorable_test(case.name, move || match lacking(case) {
        Some(reason) => {
            eprintln!("skipped {}: {reason}", case.name);
            Ok::<_, Failed>(Completion::ignored_with(reason))
        }
        None => {
            (case.run)();
            Ok(Completion::Completed)
        }
    })
}

#[cfg(target_os = "linux")]
fn lacking(case: &Case) -> Option<String> {
    cowry_tests::mounted::unavailable().map(str::to_owned).or_else(case.lacks)
}

#[cfg(not(target_os = "linux"))]
fn lacking(case: &Case) -> Option<String> {
    (case.lacks)()
}
