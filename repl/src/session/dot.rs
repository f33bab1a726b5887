//! What is typed for Cowry rather than for JavaScript.

/// A command at the primary prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dot {
    Commit(Option<String>),
    Discard,
    Refresh,
    Diff,
    Help,
    Exit,
    /// A line for bash.
    Shell,
    /// None of these; the message says what there is.
    Unknown(String),
}

/// What `.help` prints.
pub const HELP: &str = "\
.commit [message]   commit what was written and go on
.diff               show what is not committed yet
.discard            throw away what is not committed yet, and the globals
.refresh            take what others have committed; globals are lost
.help               show this
.exit               leave; Ctrl-D does the same
Everything else is JavaScript or TypeScript, with top-level await. Ctrl-C interrupts it.
";

/// Reads a line that `is_command` recognised.
pub fn parse(line: &str) -> Dot {
    if line.starts_with("$ ") {
        return Dot::Shell;
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match (word, rest) {
        (".commit", "") => Dot::Commit(None),
        (".commit", message) => Dot::Commit(Some(message.to_owned())),
        (".discard", "") => Dot::Discard,
        (".refresh", "") => Dot::Refresh,
        (".diff", "") => Dot::Diff,
        (".help", "") => Dot::Help,
        (".exit", "") => Dot::Exit,
        (".discard" | ".refresh" | ".diff" | ".help" | ".exit", _) => {
            Dot::Unknown(format!("{word} takes no argument"))
        }
        _ => Dot::Unknown(format!("no command {word}: .help lists them")),
    }
}
