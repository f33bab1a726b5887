//! The session at the prompt: reading entries, evaluating them, dot commands.

mod dot;
mod editor;
mod history;
mod incomplete;
mod read_loop;
mod terminal;

pub use editor::{Editor, PipeEditor};
pub use history::history_file;
pub use read_loop::{Evaluated, Evaluator, ReadLoop};
pub use terminal::TerminalEditor;
