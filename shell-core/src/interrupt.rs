//! What stops a program from another thread.

use std::sync::{Arc, Mutex, PoisonError};

use cowry_runtime::Interrupter;

/// Interrupts the program that a run or a session's entry is executing, from any thread.
///
/// Clones interrupt the same program. Nothing happens while none is running.
#[derive(Clone, Debug, Default)]
pub struct InterruptHandle {
    current: Arc<Mutex<Option<Interrupter>>>,
}

impl InterruptHandle {
    /// Interrupts: the program ends as [`Outcome::Interrupted`](crate::Outcome::Interrupted).
    pub fn interrupt(&self) {
        if let Some(interrupter) = &*self.current.lock().unwrap_or_else(PoisonError::into_inner) {
            interrupter.interrupt();
        }
    }

    /// Says which program it is now.
    pub(crate) fn set(&self, interrupter: Option<Interrupter>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = interrupter;
    }
}
