//! The command line: what every command understands, and the list of commands.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint, error::ErrorKind};

use crate::command;
use crate::failure::{Failure, one_line};

const EXAMPLES: &str = "\
Examples:
  cowry run -e '1 + 1'                              run a line, keep nothing
  cowry -w site.cowry run job.ts                    run a program on a workspace
  cowry -w site.cowry diff                          see what the last revision changed
  cowry -w site.cowry repl                          work on it by hand

Exit status:
  0 success; the program's own status otherwise. 1 it threw, or an import or export left
  something out, 122 conflict, 123 refused by policy, 124 timed out, 125 Cowry itself (usage,
  workspace), 130 interrupted, 134 crashed, 137 out of memory or killed.";

/// A copy-on-write filesystem for agents, and a place to run code on it.
#[derive(Parser, Debug)]
#[command(name = "cowry", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Args, Debug, Clone)]
pub struct Global {
    /// The workspace: one file that holds a tree and its history
    #[arg(
        short,
        long,
        global = true,
        env = "COWRY_WORKSPACE",
        hide_env_values = true,
        value_name = "FILE",
        value_hint = ValueHint::FilePath
    )]
    pub workspace: Option<PathBuf>,
    /// Answer with one JSON object on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Print the result alone
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Refuse to create a workspace that is not there
    #[arg(long, global = true)]
    pub no_create: bool,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    Run(Box<command::run::RunArgs>),
    Repl(command::repl::ReplArgs),
    Runs(command::runs::RunsArgs),
    Sql(command::sql::SqlArgs),
    Fs(command::fs::FsArgs),
    Log(command::log::LogArgs),
    Diff(command::diff::DiffArgs),
    Merge(Box<command::merge::MergeArgs>),
    Restore(command::restore::RestoreArgs),
    Name(command::name::NameArgs),
    Fork(command::fork::ForkArgs),
    Flatten(command::flatten::FlattenArgs),
    Prune(command::prune::PruneArgs),
    #[cfg(feature = "object")]
    Push(command::push::PushArgs),
    #[cfg(feature = "object")]
    Pull(command::pull::PullArgs),
    Watch(command::watch::WatchArgs),
    Gc(command::gc::GcArgs),
    #[cfg(feature = "object")]
    Content(command::content::ContentArgs),
    Quota(command::quota::QuotaArgs),
    Check(command::check::CheckArgs),
    #[cfg(all(feature = "fuse", target_os = "linux"))]
    Mount(command::mount::MountArgs),
    #[cfg(all(feature = "fuse", target_os = "linux"))]
    Unmount(command::unmount::UnmountArgs),
    Durability(command::durability::DurabilityArgs),
    Types(command::types::TypesArgs),
    Completions(command::completions::CompletionsArgs),
}

/// Reads the command line. Help and version are printed here and end in `Err(None)`.
pub fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, Option<Failure>> {
    let parsed = Cli::command().try_get_matches_from(words).and_then(|m| Cli::from_arg_matches(&m));
    match parsed {
        Ok(mut cli) => {
            // An empty COWRY_WORKSPACE names none, as an empty variable usually does.
            cli.global.workspace = cli.global.workspace.filter(|path| !path.as_os_str().is_empty());
            Ok(cli)
        }
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                // A closed standard output is no reason to complain about help.
                let _ = error.print();
                Err(None)
            }
            _ => Err(Some(usage_failure(&error))),
        },
    }
}

/// clap's report in one line: what is wrong, its tip, and where to read on.
fn usage_failure(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::new("which command? `cowry --help` lists them");
    }
    let text = error.to_string();
    let told: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(|line| line.trim().trim_start_matches("error: "))
        .collect();
    let line = one_line(&told.join("\n")).replace(":; ", ": ");
    Failure::new(format!("{line} (`{} --help` has an example)", asked_command(error)))
}

/// The command whose usage the error shows: `cowry run`.
fn asked_command(error: &clap::Error) -> String {
    let text = error.to_string();
    let words = text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("cowry");
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    words.split(' ').take_while(is_name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
