//! The session at the prompt: reading entries, evaluating them, dot commands.

mod editor;
mod incomplete;
mod read_loop;

// What is typed for Cowry.
mod dot;
mod host_editor;
mod script;
mod words;

// What helps with typing.
mod complete;
mod highlight;
mod history;
mod host_files;
mod lex;
mod signatures;
mod source;
mod terminal;

// What is shown.
mod busy;
mod evaluating;
mod pager;

pub use editor::{Editor, PipeEditor};
pub use evaluating::Evaluating;
pub use history::history_file;
pub use read_loop::ReadLoop;
pub use source::SessionSource;
pub use terminal::TerminalEditor;
