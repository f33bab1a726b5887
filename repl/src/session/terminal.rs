//! The prompt on a terminal: rustyline with completion, colours, hints, and a history per workspace.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Helper};

use super::complete::{Source, complete};
use super::editor::{Editor, Reading, is_command};
use super::highlight::highlight;
use super::incomplete::is_incomplete;
use super::signatures::opened;
use crate::failure::Failure;
use crate::style::Style;

const PROMPT: &str = "> ";

/// What rustyline asks about the line that is being typed.
struct Assistant {
    source: Rc<dyn Source>,
    hints: HistoryHinter,
    style: Style,
    /// Whether an entry is typed, and not the answer to a question.
    at_prompt: bool,
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if !self.at_prompt {
            return Ok((pos, Vec::new()));
        }
        let (start, offers) = complete(&line[..pos], &*self.source);
        let pair = |offer: super::complete::Offer| Pair { display: offer.display, replacement: offer.text };
        Ok((start, offers.into_iter().map(pair).collect()))
    }
}

/// What stands faintly behind the cursor.
struct Behind {
    text: String,
    /// Whether Right takes it.
    is_entry: bool,
}

impl Hint for Behind {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.is_entry.then_some(&*self.text)
    }
}

impl Hinter for Assistant {
    type Hint = Behind;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Behind> {
        // Without colours it could not be told from what is typed.
        if !self.at_prompt || !self.style.is_coloured() {
            return None;
        }
        if let Some(text) = self.earlier(line, pos, context) {
            return Some(Behind { text, is_entry: true });
        }
        let text = opened(line).filter(|_| pos == line.len())?;
        Some(Behind { text, is_entry: false })
    }
}

impl Assistant {
    /// The rest of the latest entry that begins so, as far as its line goes.
    fn earlier(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<String> {
        let hint = self.hints.hint(line, pos, context)?;
        hint.lines().next().filter(|first| !first.is_empty()).map(str::to_owned)
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        if self.at_prompt { Cow::Owned(highlight(line, self.style)) } else { Cow::Borrowed(line) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.style.faint(hint))
    }

    fn highlight_char(&self, _line: &str, _pos: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor && self.style.is_coloured()
    }
}

/// Lets Enter break the line while the entry is unfinished.
impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let goes_on = self.at_prompt && !is_command(input) && is_incomplete(input);
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// Reads entries from a person.
pub struct TerminalEditor {
    line: rustyline::Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
}

impl TerminalEditor {
    /// A prompt that remembers in `history` and completes from `source`. A history that cannot be read is begun anew.
    pub fn new(
        history: Option<PathBuf>,
        source: Rc<dyn Source>,
        style: Style,
    ) -> Result<TerminalEditor, Failure> {
        let color_mode = if style.is_coloured() { ColorMode::Enabled } else { ColorMode::Disabled };
        let config = Config::builder()
            .max_history_size(10_000)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| Failure::new(format!("cannot set up the prompt: {error}")))?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(color_mode)
            .build();
        let mut line = rustyline::Editor::with_config(config)
            .map_err(|error| Failure::new(format!("cannot use the terminal: {error}")))?;
        line.set_helper(Some(Assistant { source, hints: HistoryHinter::new(), style, at_prompt: true }));
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

    fn at_prompt(&mut self, at_prompt: bool) {
        if let Some(assistant) = self.line.helper_mut() {
            assistant.at_prompt = at_prompt;
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
        self.at_prompt(false);
        let answer = reading(self.line.readline(question));
        self.at_prompt(true);
        answer
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn lines_left(&mut self) -> usize {
        0
    }
}

fn reading(line: rustyline::Result<String>) -> Reading {
    match line {
        Ok(entry) => Reading::Entry(entry),
        Err(ReadlineError::Interrupted) => Reading::Interrupted,
        Err(ReadlineError::Eof) => Reading::End,
        // A terminal sends bytes, and a paste may be of any encoding.
        Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => Reading::Garbled,
        Err(error) => Reading::Failed(format!("cannot read the terminal: {error}")),
    }
}
