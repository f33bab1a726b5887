//! What a run prints, on its way to the caller and, up to a bound, into its record.

use cowry_runtime::Event;

use crate::record::{LOG_RECORDED, LogLine};

/// Keeps the first part of a log and counts the rest.
#[derive(Default)]
pub(crate) struct Log {
    pub lines: Vec<LogLine>,
    pub dropped: u64,
    held: usize,
}

impl Log {
    /// Takes note of an event.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Console { level, at, text } => {
                let line = LogLine::Console { level: *level, at: *at, text: text.clone() };
                self.keep(text.len(), line);
            }
            Event::Stdout(bytes) => self.keep_bytes(bytes, LogLine::Stdout),
            Event::Stderr(bytes) => self.keep_bytes(bytes, LogLine::Stderr),
            Event::LogsDropped { bytes } => self.dropped += bytes,
        }
    }

    fn keep_bytes(&mut self, bytes: &[u8], line: fn(String) -> LogLine) {
        self.keep(bytes.len(), line(String::from_utf8_lossy(bytes).into_owned()));
    }

    /// A line too long for what is left is dropped whole; an empty one still costs something.
    fn keep(&mut self, length: usize, line: LogLine) {
        let cost = length + 16;
        if self.held + cost > LOG_RECORDED {
            self.dropped += length as u64;
        } else {
            self.held += cost;
            self.lines.push(line);
        }
    }
}
