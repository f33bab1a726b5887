//! Where everything printed goes through: standard output for answers, standard error for talk.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::args::Global;
use crate::failure::{Failure, Outcome};
use crate::style::Style;

/// The two streams, and what the user asked of them.
pub struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// One JSON object is the whole answer.
    pub json: bool,
    /// The result alone.
    pub quiet: bool,
    /// Whether standard output is a terminal.
    pub out_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub err_is_terminal: bool,
    /// Colour of standard output.
    pub style: Style,
    /// Colour of standard error.
    pub err_style: Style,
}

impl Output {
    /// The process's own streams.
    pub fn new(global: &Global) -> Output {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_is_terminal, err_is_terminal) = (out.is_terminal(), err.is_terminal());
        Output {
            out: Box::new(out),
            err: Box::new(err),
            json: global.json,
            quiet: global.quiet,
            out_is_terminal,
            err_is_terminal,
            style: Style::of_stream(out_is_terminal),
            err_style: Style::of_stream(err_is_terminal),
        }
    }

    /// Keeps answers to be shown later, styled for where this one goes; talk goes out at once.
    pub fn kept(&self, kept: &Captured) -> Output {
        Output {
            out: Box::new(kept.clone()),
            err: Box::new(io::stderr()),
            json: false,
            quiet: self.quiet || self.json,
            ..*self
        }
    }

    /// Streams that can be read again, for tests: no terminal, no colour.
    #[cfg(test)]
    pub fn captured(out: &Captured, err: &Captured) -> Output {
        Output {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            json: false,
            quiet: false,
            out_is_terminal: false,
            err_is_terminal: false,
            style: Style::PLAIN,
            err_style: Style::PLAIN,
        }
    }

    /// Writes bytes to standard output as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// Writes bytes to standard error as they are.
    pub fn raw_err(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.err.write_all(bytes)
    }

    /// Writes text and, where it lacks one, a line break.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.last() != Some(&b'\n') {
            bytes.push(b'\n');
        }
        self.raw(&bytes)
    }

    /// Writes lines as one piece, nothing where there are none.
    pub fn lines<I: IntoIterator<Item = String>>(&mut self, lines: I) -> io::Result<()> {
        let text: String = lines.into_iter().flat_map(|line| [line, "\n".into()]).collect();
        self.raw(text.as_bytes())
    }

    /// The one object of `--json`.
    pub fn object(&mut self, object: &Value) -> Outcome<()> {
        let text = if self.out_is_terminal {
            serde_json::to_string_pretty(object)
        } else {
            serde_json::to_string(object)
        };
        Ok(self.text(&text.expect("a JSON value serialises"))?)
    }

    /// Cowry's own talk on standard error; `--quiet` and `--json` silence it.
    pub fn note(&mut self, line: &str) {
        if !self.quiet && !self.json {
            self.say(line);
        }
    }

    /// A line on standard error that nothing silences. A closed stream is not worth an error.
    pub fn say(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Tells of a failure within a session, which goes on: a line on standard error.
    pub fn fail_entry(&mut self, failure: &Failure) -> u8 {
        match failure {
            Failure::ReaderGone => 0,
            Failure::Said { status, line } => {
                let name = self.err_style.removed("cowry:");
                self.say(&format!("{name} {line}"));
                *status
            }
        }
    }

    /// Tells of a failure: a line on standard error, and with `--json` an object as well.
    pub fn fail(&mut self, failure: &Failure) -> u8 {
        let status = self.fail_entry(failure);
        if let (true, Failure::Said { line, .. }) = (self.json, failure) {
            let object = serde_json::json!({ "error": { "message": line, "status": status } });
            // The line on standard error has told it already.
            let _ = self.object(&object);
        }
        status
    }
}

/// A stream that keeps what is written to it.
#[derive(Clone, Default, Debug)]
pub struct Captured(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Captured {
    /// What was written, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
