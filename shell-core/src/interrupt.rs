//! What stops a program from another thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cowry_runtime::Interrupter;

/// Interrupts the program that a run or a session's entry is executing, from any thread.
///
/// Clones interrupt the same program.
#[derive(Clone, Debug, Default)]
pub struct InterruptHandle {
    current: Arc<Mutex<Doing>>,
}

/// What an interrupt met. Where that is no program nothing has happened: whoever is to stop has to end the process,
/// which is safe at any time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Interrupted {
    /// A program, which ends as [`Outcome::Interrupted`](crate::Outcome::Interrupted).
    Program,
    /// What is done before a program is started, or nothing at all.
    Nothing,
    /// The commit of what a program wrote.
    Committing,
    /// The writes to buckets that follow a commit. Those that are not made go on with
    /// [`Workspace::run_finish`](crate::Workspace::run_finish) of this id.
    Writing(String),
}

/// What is under way.
#[derive(Debug, Default)]
pub(crate) enum Doing {
    #[default]
    Nothing,
    Program(Interrupter),
    Committing,
    Writing(String),
}

/// While this lives, what it was made for is under way.
#[must_use]
pub(crate) struct Phase(InterruptHandle);

impl InterruptHandle {
    /// Interrupts, and tells what was met.
    pub fn interrupt(&self) -> Interrupted {
        match &*self.current() {
            Doing::Nothing => Interrupted::Nothing,
            Doing::Program(interrupter) => {
                interrupter.interrupt();
                Interrupted::Program
            }
            Doing::Committing => Interrupted::Committing,
            Doing::Writing(id) => Interrupted::Writing(id.clone()),
        }
    }

    /// Says what is under way now.
    pub(crate) fn during(&self, doing: Doing) -> Phase {
        *self.current() = doing;
        Phase(self.clone())
    }

    fn current(&self) -> MutexGuard<'_, Doing> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        *self.0.current() = Doing::Nothing;
    }
}
