//! What can go wrong between the supervisor and its processes.

use std::io;

/// A failure of the runtime itself. What goes wrong inside a program is an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The zygote's program ran something else: it never called [`init`](crate::init).
    #[error(
        "the program did not become a zygote: call cowry_runtime::init() first in main (or name a program that does)"
    )]
    NotInitialised,
    /// The zygote is from another build than the supervisor.
    #[error("the zygote is from another build ({theirs}, this is {ours}): use the same program for both")]
    BuildMismatch {
        /// The supervisor's build.
        ours: String,
        /// The zygote's build.
        theirs: String,
    },
    /// The zygote could not be started.
    #[error("cannot start the zygote: {0}")]
    Start(#[source] io::Error),
    /// The zygote is gone, and every sandbox with it.
    #[error("the zygote died{}", if detail.is_empty() { String::new() } else { format!(": {detail}") })]
    ZygoteDied {
        /// What it last said.
        detail: String,
    },
    /// A sandbox could not be forked.
    #[error("cannot make a sandbox: {0}")]
    Spawn(#[source] io::Error),
    /// The specification asks for what cannot be.
    #[error("invalid sandbox specification: {0}")]
    Invalid(String),
    /// The specification is strict, and part of the lockdown is missing.
    #[error("this host cannot lock a sandbox down as strictly as asked; missing: {}", missing.join("; "))]
    Refused {
        /// What is missing.
        missing: Vec<String>,
    },
    /// The sandbox ended with an earlier job.
    #[error("the sandbox has ended")]
    Ended,
}
