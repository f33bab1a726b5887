//! What a run prints, on its way to the caller and, up to a bound, into its record.

use cowry_runtime::{Event, Outcome};

use crate::record::{FRAMES_RECORDED, LOG_RECORDED, LogLine, NAME_RECORDED, TEXT_RECORDED};

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
            Event::LogsDropped { bytes } => self.dropped = self.dropped.saturating_add(*bytes),
        }
    }

    fn keep_bytes(&mut self, bytes: &[u8], line: fn(String) -> LogLine) {
        self.keep(bytes.len(), line(String::from_utf8_lossy(bytes).into_owned()));
    }

    /// A line too long for what is left is dropped whole; an empty one still costs something.
    fn keep(&mut self, length: usize, line: LogLine) {
        let cost = length + 16;
        if self.held + cost > LOG_RECORDED {
            self.dropped = self.dropped.saturating_add(length as u64);
        } else {
            self.held += cost;
            self.lines.push(line);
        }
    }
}

/// Cuts what a sandbox said of its end: all of it may be made up.
pub(super) fn bounded(mut outcome: Outcome) -> Outcome {
    match &mut outcome {
        Outcome::Threw(thrown) => {
            for text in [&mut thrown.name, &mut thrown.message, &mut thrown.text] {
                cut(text, TEXT_RECORDED);
            }
            thrown.frames.truncate(FRAMES_RECORDED);
            for frame in &mut thrown.frames {
                cut(&mut frame.file, NAME_RECORDED);
                frame.function.iter_mut().for_each(|name| cut(name, NAME_RECORDED));
            }
        }
        Outcome::Misused { message: text }
        | Outcome::Killed { reason: text }
        | Outcome::Crashed { stderr: text, .. } => cut(text, TEXT_RECORDED),
        // The rest holds no text.
        _ => {}
    }
    outcome
}

/// Ends a text that is too long with three dots.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("...");
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cowry_runtime::{Frame, Thrown};

    #[test]
    fn what_a_sandbox_says_it_dropped_does_not_overflow() {
        let mut log = Log::default();
        for _ in 0..2 {
            log.note(&Event::LogsDropped { bytes: u64::MAX });
        }
        assert_eq!(log.dropped, u64::MAX);
    }

    #[test]
    fn what_was_thrown_is_cut() {
        let long = "\u{e9}".repeat(1 << 20);
        let frame = Frame { function: Some(long.clone()), file: long.clone(), line: 1, column: 1 };
        let thrown = Thrown {
            name: long.clone(),
            message: long.clone(),
            text: long.clone(),
            frames: vec![frame; FRAMES_RECORDED + 1],
        };
        let Outcome::Threw(thrown) = bounded(Outcome::Threw(thrown)) else { panic!("another outcome") };
        for text in [&thrown.name, &thrown.message, &thrown.text] {
            assert!(text.len() <= TEXT_RECORDED + 3 && text.ends_with("..."), "{}", text.len());
        }
        assert_eq!(thrown.frames.len(), FRAMES_RECORDED);
        assert!(thrown.frames.iter().all(|frame| frame.file.len() <= NAME_RECORDED + 3));
        let Outcome::Crashed { stderr, .. } = bounded(Outcome::Crashed { signal: None, stderr: long }) else {
            panic!("another outcome")
        };
        assert!(stderr.len() <= TEXT_RECORDED + 3);
    }
}
