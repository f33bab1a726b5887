//! Ctrl-C: ends the program that runs, or, where none runs, Cowry itself.

use std::sync::{Mutex, OnceLock, PoisonError};

use cowry_shell_core::InterruptHandle;

use crate::status;

/// What an interrupt ends, if a program runs.
static RUNNING: Mutex<Option<InterruptHandle>> = Mutex::new(None);
static INSTALLED: OnceLock<bool> = OnceLock::new();

/// While this lives an interrupt goes to the program.
#[derive(Debug)]
pub struct Guard(());

/// Sends interrupts to the program behind `interrupter` until the guard is dropped.
pub fn to_program(interrupter: InterruptHandle) -> Guard {
    INSTALLED.get_or_init(|| ctrlc::set_handler(on_interrupt).is_ok());
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(interrupter);
    Guard(())
}

impl Drop for Guard {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Runs on ctrlc's own thread, so that it may lock. Leaving at once is safe between programs: what a
/// workspace has not committed by then is not in it.
fn on_interrupt() {
    match &*RUNNING.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(interrupter) => interrupter.interrupt(),
        None => std::process::exit(i32::from(status::INTERRUPTED)),
    }
}
