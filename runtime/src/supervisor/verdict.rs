//! What the end of a sandbox process means.

use super::link::End;
use crate::job::{Outcome, TimeLimit};
use crate::sandbox::exit;

/// Why the supervisor killed a sandbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Killed {
    /// It neither finished nor stopped in time.
    Late,
    /// It used more processor time than it has, and nothing in it put an end to that.
    Busy,
    /// It broke the protocol.
    Broken(String),
}

/// What the allocators and engines say when there is no more memory.
const OUT_OF_MEMORY: &[&str] = &[
    "memory allocation of",
    "out of memory",
    "out-of-memory",
    "allocation failed",
    "cannot allocate memory",
];

/// Judges a sandbox that ended without a result, and was allowed this much memory.
pub(super) fn judge(end: End, killed: Option<Killed>, stderr: String, memory_bytes: u64) -> Outcome {
    match killed {
        Some(Killed::Late) => return Outcome::TimedOut(TimeLimit::Wall),
        Some(Killed::Busy) => return Outcome::TimedOut(TimeLimit::Cpu),
        Some(Killed::Broken(what)) => return Outcome::Crashed { signal: None, stderr: what },
        None => {}
    }
    let End::Status { status, peak_memory_bytes, .. } = end else {
        return Outcome::Killed { reason: "its zygote died".into() };
    };
    if libc::WIFEXITED(status) {
        return exited(libc::WEXITSTATUS(status), stderr);
    }
    let said = stderr.to_lowercase();
    match libc::WTERMSIG(status) {
        libc::SIGXCPU => Outcome::TimedOut(TimeLimit::Cpu),
        libc::SIGKILL => Outcome::Killed { reason: "by the host, perhaps for want of memory".into() },
        _ if OUT_OF_MEMORY.iter().any(|words| said.contains(words)) => Outcome::OutOfMemory,
        // An engine that gets no more memory does not always notice before it uses it.
        _ if peak_memory_bytes >= memory_bytes => Outcome::OutOfMemory,
        signal => Outcome::Crashed { signal: Some(signal), stderr },
    }
}

fn exited(code: i32, stderr: String) -> Outcome {
    match code {
        exit::CPU => Outcome::TimedOut(TimeLimit::Cpu),
        exit::WALL => Outcome::TimedOut(TimeLimit::Wall),
        exit::INTERRUPTED => Outcome::Killed { reason: "it did not stop when it was interrupted".into() },
        code if stderr.is_empty() => {
            Outcome::Crashed { signal: None, stderr: format!("it ended with {code} and said nothing") }
        }
        _ => Outcome::Crashed { signal: None, stderr },
    }
}

#[cfg(test)]
mod tests;
