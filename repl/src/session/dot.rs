//! What is typed for Cowry rather than for JavaScript.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint, error::ErrorKind};

use super::words;
use crate::command::diff::DiffArgs;
use crate::command::fork::ForkArgs;
use crate::command::log::LogArgs;
use crate::command::name::NameArgs;
use crate::command::restore::RestoreArgs;
use crate::command::run_args::Bounds;
use crate::command::runs::RunsArgs;
use crate::failure::one_line;

/// A command at the primary prompt.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
pub enum Dot {
    /// Commit what was written and go on
    Commit {
        /// What to remember it by
        #[arg(value_name = "MESSAGE")]
        message: Option<String>,
    },
    /// Throw away what is not committed yet, and the globals
    Discard,
    /// Undo what the last entry that wrote did to files; globals stay
    Undo,
    /// Take what others have committed; globals are lost
    Refresh,
    /// Tell where the session stands
    Status,
    /// Show what is not committed, or what differs between revisions
    Diff(DiffArgs),
    Log(LogArgs),
    Runs(RunsArgs),
    Name(NameArgs),
    /// Bring files back as they were, as a revision of its own; globals are lost
    Restore(RestoreArgs),
    Fork(ForkArgs),
    /// Mount a host folder or a bucket, or list what is mounted; globals are lost
    Mount {
        /// Where, and what: read-only unless it ends in `:rw`
        #[arg(value_name = "/PATH=SOURCE[:ro|:rw]")]
        mount: Option<String>,
    },
    /// Show the limits of an entry, or set them; globals are lost
    Limits(Bounds),
    Cat(CatArgs),
    /// Show an array of objects, or the last value, as a table
    Table {
        /// What to show
        #[arg(value_name = "EXPRESSION")]
        code: Option<String>,
    },
    /// Show the bytes of a buffer or text, or of the last value
    Hex {
        /// What to show
        #[arg(value_name = "EXPRESSION")]
        code: Option<String>,
    },
    /// Tell what an entry takes; alone, tell it of every entry from now on, or no longer
    Time {
        /// The entry
        #[arg(value_name = "ENTRY")]
        code: Option<String>,
    },
    /// Evaluate the entries in a file of the host
    Load {
        /// The file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Write the entries so far into a file of the host
    Save {
        /// The file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Replaces a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Write an entry, or a file of the session, in your editor
    Edit {
        /// The file; without it the last entry
        #[arg(value_name = "PATH")]
        path: Option<String>,
    },
    /// List the commands, or tell of one
    Help {
        /// The command, or `keys`
        #[arg(value_name = "TOPIC")]
        topic: Option<String>,
    },
    /// Leave; Ctrl-D does the same
    Exit,
}

/// Show a file of the session: CSV in columns, bytes as a dump
#[derive(Args, Debug)]
pub struct CatArgs {
    /// The file
    #[arg(value_name = "PATH")]
    pub path: String,
    /// Shows all of it, text as it is
    #[arg(long)]
    pub all: bool,
}

/// All of them, for clap.
#[derive(Parser, Debug)]
#[command(name = "", no_binary_name = true, disable_help_subcommand = true, max_term_width = 100)]
pub struct Dots {
    #[command(subcommand)]
    dot: Dot,
}

/// Whose rest of the line is one word, whatever it is.
const WHOLE: &[&str] = &["commit", "table", "hex", "time", "mount"];

/// What a line comes to.
#[derive(Debug)]
pub enum Parsed {
    Dot(Box<Dot>),
    /// A line for bash.
    Shell,
    /// Help that was asked for with `--help`.
    Told(String),
    /// None of these; the message says what there is.
    Wrong(String),
}

/// Reads a line that `is_command` recognised.
pub fn parse(line: &str) -> Parsed {
    let Some(line) = line.strip_prefix('.') else { return Parsed::Shell };
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if Dots::command().find_subcommand(name).is_none() {
        return Parsed::Wrong(format!("no command .{name}: .help lists them"));
    }
    let Some(words) = words_of(name, rest.trim()) else {
        return Parsed::Wrong(format!("a quote in .{name} is not closed: close it"));
    };
    match Dots::try_parse_from(words) {
        Ok(dots) => Parsed::Dot(Box::new(dots.dot)),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Parsed::Told(in_session(&error.to_string())),
        Err(error) => Parsed::Wrong(usage(name, &error)),
    }
}

fn words_of(name: &str, rest: &str) -> Option<Vec<String>> {
    let mut words = vec![name.to_owned()];
    match rest {
        "" => {}
        "-h" | "--help" => words.push("--help".into()),
        rest if WHOLE.contains(&name) => words.extend(["--".into(), rest.into()]),
        rest => words.extend(words::split(rest)?),
    }
    Some(words)
}

/// clap's report in one line.
fn usage(name: &str, error: &clap::Error) -> String {
    let text = error.to_string();
    let told: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(|line| line.trim().trim_start_matches("error: "))
        .collect();
    format!(".{name}: {} (.help {name} tells more)", one_line(&told.join("\n")).replace(":; ", ": "))
}

/// Help as it reads within a session: `cowry -w site.cowry log` is `.log` here.
fn in_session(help: &str) -> String {
    let help = help.replace("cowry -w site.cowry ", ".").replace("Usage: ", "Usage: .");
    // A session has one way of showing things.
    help.lines().filter(|line| !line.contains("--json")).flat_map(|line| [line, "\n"]).collect()
}

/// Keys at the prompt, for `.help keys`.
const KEYS: &str = "\
Tab       completes names, members, paths in quotes, commands and their options
Right     takes the hint from history that stands behind the cursor
Up, Down  earlier and later entries; Ctrl-R searches them
Enter     ends the entry, or breaks the line where it is not finished
Ctrl-C    interrupts an entry that runs, or drops what was typed
Ctrl-D    leaves, and asks first where something is not committed
";

/// What `.help` prints: all commands, or everything of one. `None`: there is no such topic.
pub fn help(topic: Option<&str>) -> Option<String> {
    let Some(topic) = topic else { return Some(overview()) };
    if topic == "keys" {
        return Some(KEYS.into());
    }
    match parse(&format!(".{} --help", topic.strip_prefix('.').unwrap_or(topic))) {
        Parsed::Told(help) => Some(help),
        _ => None,
    }
}

fn overview() -> String {
    let line = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        format!(".{:<10} {about}\n", command.get_name())
    };
    let lines: String = Dots::command().get_subcommands().map(line).collect();
    format!(
        "{lines}Everything else is JavaScript or TypeScript, with top-level await; _ is the last value.\n\
         .help TOPIC tells of a command, .help keys of keys.\n"
    )
}

/// The names of the commands.
pub fn names() -> Vec<String> {
    Dots::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// The options of a command, and the names of its own commands.
pub fn options(name: &str) -> Vec<String> {
    let all = Dots::command();
    let Some(command) = all.find_subcommand(name) else { return Vec::new() };
    let options = command.get_arguments().filter_map(|argument| argument.get_long());
    let own = command.get_subcommands().map(|command| command.get_name().to_owned());
    options.map(|option| format!("--{option}")).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::{Dot, Parsed, help, names, options, parse};

    fn dot(line: &str) -> Dot {
        match parse(line) {
            Parsed::Dot(dot) => *dot,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn wrong(line: &str) -> String {
        match parse(line) {
            Parsed::Wrong(line) => line,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_message_is_the_rest_of_the_line() {
        assert!(matches!(dot(".commit"), Dot::Commit { message: None }));
        assert!(matches!(dot(".commit it's --done"), Dot::Commit { message: Some(m) } if m == "it's --done"));
        assert!(matches!(dot(".table a['x y']"), Dot::Table { code: Some(c) } if c == "a['x y']"));
    }

    #[test]
    fn arguments_are_split_as_in_a_shell() {
        assert!(matches!(dot(".cat '/a b' --all"), Dot::Cat(args) if args.path == "/a b" && args.all));
        assert!(matches!(dot(".log -n 5"), Dot::Log(_)));
    }

    #[test]
    fn mistakes_are_told_in_one_line() {
        assert_eq!(wrong(".nonsense"), "no command .nonsense: .help lists them");
        assert_eq!(wrong(".cat '/a"), "a quote in .cat is not closed: close it");
        let told = wrong(".refresh now");
        assert!(told.starts_with(".refresh: unexpected argument 'now'"), "{told}");
        assert!(told.ends_with("(.help refresh tells more)"), "{told}");
    }

    #[test]
    fn every_command_has_help() {
        let overview = help(None).expect("there is one");
        for name in names() {
            let line = overview.lines().find(|line| line.split(' ').next() == Some(&format!(".{name}")));
            assert!(line.is_some_and(|line| line.split_whitespace().count() > 1), "{name}: {line:?}");
            let topic = help(Some(&name)).expect("there is one");
            assert!(topic.contains(&format!("Usage: .{name}")), "{name}: {topic}");
        }
        assert_eq!(help(Some("nothing")), None);
        assert!(help(Some("keys")).is_some());
    }

    #[test]
    fn options_are_known_for_completion() {
        assert!(options("diff").contains(&"--stat".to_owned()));
        assert!(options("runs").contains(&"show".to_owned()));
        assert_eq!(options("nothing"), Vec::<String>::new());
    }

    #[test]
    fn help_of_a_command_is_that_of_the_session() {
        let text = help(Some("log")).expect("there is one");
        assert!(text.contains("  .log --path /out") && !text.contains("cowry -w"), "{text}");
        assert!(!text.contains("--json"), "{text}");
    }
}
