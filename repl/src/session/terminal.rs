//! The prompt on a terminal: rustyline with a history per workspace.

use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, Completer, Config, Helper, Highlighter, Hinter};

use super::editor::{Editor, Reading, is_command};
use super::incomplete::is_incomplete;
use crate::failure::Failure;
use crate::style::Style;

const PROMPT: &str = "> ";

/// Lets Enter break the line while the entry is unfinished.
#[derive(Completer, Helper, Highlighter, Hinter, Debug, Default)]
struct Unfinished;

impl Validator for Unfinished {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let goes_on = !is_command(input) && is_incomplete(input);
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// Reads entries from a person.
pub struct TerminalEditor {
    line: rustyline::Editor<Unfinished, DefaultHistory>,
    history: Option<PathBuf>,
}

impl TerminalEditor {
    /// A prompt that remembers in `history`. A history that cannot be read is begun anew.
    pub fn new(history: Option<PathBuf>, style: Style) -> Result<TerminalEditor, Failure> {
        let color_mode = if style.is_coloured() { ColorMode::Enabled } else { ColorMode::Disabled };
        let config = Config::builder()
            .max_history_size(10_000)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| Failure::new(format!("cannot set up the prompt: {error}")))?
            .history_ignore_space(true)
            .color_mode(color_mode)
            .build();
        let mut line = rustyline::Editor::with_config(config)
            .map_err(|error| Failure::new(format!("cannot use the terminal: {error}")))?;
        line.set_helper(Some(Unfinished));
        if let Some(history) = &history {
            let _ = line.load_history(history);
        }
        Ok(TerminalEditor { line, history })
    }

    /// Remembers an entry at once, so that a second session sees it too. A history that cannot be written
    /// is no reason to stop.
    fn remember(&mut self, entry: &str) {
        if entry.trim().is_empty() {
            return;
        }
        let added = self.line.add_history_entry(entry).unwrap_or(false);
        if let Some(history) = self.history.as_ref().filter(|_| added) {
            let _ = self.line.append_history(history);
        }
    }
}

impl Editor for TerminalEditor {
    fn read(&mut self) -> Reading {
        let reading = reading(self.line.readline(PROMPT));
        if let Reading::Entry(entry) = &reading {
            self.remember(entry);
        }
        reading
    }

    fn ask(&mut self, question: &str) -> Reading {
        self.line.set_helper(None);
        let answer = reading(self.line.readline(question));
        self.line.set_helper(Some(Unfinished));
        answer
    }

    fn is_interactive(&self) -> bool {
        true
    }
}

fn reading(line: rustyline::Result<String>) -> Reading {
    match line {
        Ok(entry) => Reading::Entry(entry),
        Err(ReadlineError::Interrupted) => Reading::Interrupted,
        Err(ReadlineError::Eof) => Reading::End,
        Err(error) => Reading::Failed(format!("cannot read the terminal: {error}")),
    }
}
