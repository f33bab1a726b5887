//! Ctrl-C: ends the program that runs, or, where none runs, Cowry itself; while another program has the terminal
//! it is that one's.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use cowry_shell_core::{InterruptHandle, Interrupted};

use crate::status;

/// Whose an interrupt is, if not Cowry's own.
#[derive(Debug)]
enum Running {
    /// A program in a sandbox.
    Program(InterruptHandle),
    /// One that gets the interrupt from the terminal itself: a pager, an editor.
    Other,
}

static RUNNING: Mutex<Option<Running>> = Mutex::new(None);
static INSTALLED: OnceLock<bool> = OnceLock::new();

/// While this lives an interrupt goes to somebody else.
#[derive(Debug)]
pub struct Guard(());

/// Sends interrupts to the program behind `interrupter` until the guard is dropped.
pub fn to_program(interrupter: InterruptHandle) -> Guard {
    to(Running::Program(interrupter))
}

/// Leaves interrupts to the program that has the terminal until the guard is dropped.
pub fn to_other() -> Guard {
    to(Running::Other)
}

fn to(running: Running) -> Guard {
    INSTALLED.get_or_init(|| ctrlc::set_handler(on_interrupt).is_ok());
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
    Guard(())
}

impl Drop for Guard {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Runs on ctrlc's own thread, so that it may lock. Leaving at once is safe between programs: what a
/// workspace has not committed by then is not in it, and what is to be written to buckets is known to it.
fn on_interrupt() {
    let met = match &*RUNNING.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(Running::Program(interrupter)) => interrupter.interrupt(),
        Some(Running::Other) => return,
        None => Interrupted::Nothing,
    };
    match met {
        Interrupted::Program => {}
        Interrupted::Nothing => leave(None),
        Interrupted::Committing => {
            leave(Some("interrupted during the commit; `cowry runs` tells whether it was made".into()))
        }
        Interrupted::Writing(id) => leave(Some(format!(
            "interrupted before all was written to buckets; `cowry runs finish {id}` goes on"
        ))),
    }
}

fn leave(why: Option<String>) -> ! {
    if let Some(why) = why {
        // Whoever closed it does not want to know.
        let _ = writeln!(io::stderr(), "cowry: {why}");
    }
    std::process::exit(i32::from(status::INTERRUPTED))
}
