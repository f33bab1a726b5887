//! The commands, one file each.

pub mod check;
pub mod completions;
#[cfg(feature = "object")]
pub mod content;
pub mod diff;
pub mod durability;
pub mod flatten;
pub mod fork;
pub mod fs;
pub mod gc;
pub mod log;
pub mod merge;
pub mod merge_args;
#[cfg(all(feature = "fuse", target_os = "linux"))]
pub mod mount;
pub mod name;
pub mod prune;
#[cfg(feature = "object")]
pub mod pull;
#[cfg(feature = "object")]
pub mod push;
pub mod quota;
pub mod repl;
pub mod restore;
pub mod run;
pub mod run_args;
pub mod runs;
pub mod sql;
pub mod types;
#[cfg(all(feature = "fuse", target_os = "linux"))]
pub mod unmount;
pub mod watch;

use crate::args::Command;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs the command and returns its exit status.
pub fn dispatch(context: &mut Context, command: Command) -> Outcome {
    match command {
        Command::Run(args) => run::run(context, *args),
        Command::Repl(args) => repl::run(context, args),
        Command::Runs(args) => runs::run(context, &args),
        Command::Sql(args) => sql::run(context, args),
        Command::Fs(args) => fs::run(context, args),
        Command::Log(args) => log::run(context, &args),
        Command::Diff(args) => diff::run(context, &args),
        Command::Merge(args) => merge::run(context, &args),
        Command::Restore(args) => restore::run(context, &args),
        Command::Name(args) => name::run(context, &args),
        Command::Fork(args) => fork::run(context, &args),
        Command::Flatten(args) => flatten::run(context, &args),
        Command::Prune(args) => prune::run(context, &args),
        #[cfg(feature = "object")]
        Command::Push(args) => push::run(context, &args),
        #[cfg(feature = "object")]
        Command::Pull(args) => pull::run(context, &args),
        Command::Watch(args) => watch::run(context, &args),
        Command::Gc(args) => gc::run(context, &args),
        #[cfg(feature = "object")]
        Command::Content(args) => content::run(context, &args),
        Command::Quota(args) => quota::run(context, &args),
        Command::Check(args) => check::run(context, &args),
        #[cfg(all(feature = "fuse", target_os = "linux"))]
        Command::Mount(args) => mount::run(context, &args),
        #[cfg(all(feature = "fuse", target_os = "linux"))]
        Command::Unmount(args) => unmount::run(context, &args),
        Command::Durability(args) => durability::run(context, &args),
        Command::Types(args) => types::run(context, &args),
        Command::Completions(args) => completions::run(context, &args),
    }
}
