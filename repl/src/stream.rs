//! What a program prints, passed on while it runs.

use cowry_shell_core::units::format_size;
use cowry_shell_core::{Event, Level};

use crate::output::Output;

/// Passes a program's output on. `--quiet` and `--json` hold it back: the former wants the result alone, the
/// latter has it in its object.
pub struct Stream<'a> {
    out: &'a mut Output,
    silent: bool,
}

impl Stream<'_> {
    /// A stream to these outputs.
    pub fn new(out: &mut Output) -> Stream<'_> {
        let silent = out.quiet || out.json;
        Stream { out, silent }
    }

    /// Passes one event on. A closed stream does not stop the program: its files are still wanted.
    pub fn event(&mut self, event: &Event) {
        if self.silent {
            return;
        }
        let _ = match event {
            Event::Console { level, text, .. } if *level >= Level::Warn => {
                self.out.raw_err(format!("{text}\n").as_bytes())
            }
            Event::Console { text, .. } => self.out.raw(format!("{text}\n").as_bytes()),
            Event::Stdout(bytes) => self.out.raw(bytes),
            Event::Stderr(bytes) => self.out.raw_err(bytes),
            Event::LogsDropped { bytes } => {
                self.out.note(&format!("the log was full: {} of it were dropped", format_size(*bytes)));
                Ok(())
            }
        };
    }
}
