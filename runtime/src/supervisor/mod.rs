//! The side that is trusted: starts the zygote, asks it for sandboxes, feeds, bounds and judges them.

mod error;

use std::path::PathBuf;

use cowry_vfs::Overlay;

use crate::job::{Event, Job};
use crate::spec::{JobReport, Lockdown, SandboxSpec};

pub use error::RuntimeError;

/// How to start a zygote.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ZygoteOptions {
    /// The program that becomes the zygote by calling [`init`](crate::init); the running one if `None`.
    pub program: Option<PathBuf>,
}

/// A process that has an isolate ready and is forked for every sandbox.
#[derive(Debug)]
pub struct Zygote {}

impl Zygote {
    /// Starts a zygote. It boots in the background; the first [`spawn`](Zygote::spawn) waits for it.
    ///
    /// # Errors
    /// [`RuntimeError::Start`] if the program cannot be executed.
    pub fn start(_options: &ZygoteOptions) -> Result<Zygote, RuntimeError> {
        Err(RuntimeError::NotInitialised)
    }

    /// Which parts of the lockdown are in force in sandboxes of this zygote. Waits until it has booted.
    ///
    /// # Errors
    /// As [`spawn`](Zygote::spawn).
    pub fn lockdown(&self) -> Result<Lockdown, RuntimeError> {
        Err(RuntimeError::NotInitialised)
    }

    /// Forks a sandbox.
    ///
    /// # Errors
    /// [`RuntimeError::NotInitialised`], [`RuntimeError::BuildMismatch`], [`RuntimeError::ZygoteDied`],
    /// [`RuntimeError::Invalid`], [`RuntimeError::Refused`], [`RuntimeError::Spawn`].
    pub fn spawn(&self, _spec: SandboxSpec) -> Result<Sandbox, RuntimeError> {
        Err(RuntimeError::NotInitialised)
    }
}

/// A sandbox. Dropping it kills its process.
#[derive(Debug)]
pub struct Sandbox {
    overlays: Vec<Option<Overlay>>,
}

impl Sandbox {
    /// Runs one job to its end, whatever that is, and hands on what it logs as it happens.
    ///
    /// # Errors
    /// [`RuntimeError::Ended`] if an earlier job ended the sandbox.
    pub fn run(&mut self, _job: &Job, _on_event: &mut dyn FnMut(Event)) -> Result<JobReport, RuntimeError> {
        Err(RuntimeError::Ended)
    }

    /// Whether the sandbox can run another job.
    pub fn is_alive(&self) -> bool {
        false
    }

    /// What the sandbox has written, one overlay per mount in order, `None` for those it cannot write.
    ///
    /// Up to date with the last job that the sandbox survived; its content was validated.
    pub fn overlays(&self) -> &[Option<Overlay>] {
        &self.overlays
    }

    /// A handle that interrupts the running job from any thread.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter {}
    }
}

/// Interrupts the job that a sandbox is running.
#[derive(Clone, Debug)]
pub struct Interrupter {}

impl Interrupter {
    /// Interrupts: the job ends as [`Outcome::Interrupted`](crate::Outcome::Interrupted), or its sandbox is killed
    /// if it does not come back. Nothing happens between jobs.
    pub fn interrupt(&self) {}
}
