//! `cowry completions`: what a shell sources to complete the command line.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};
use serde_json::json;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  cowry completions bash > ~/.local/share/bash-completion/completions/cowry
  cowry completions zsh > ~/.zfunc/_cowry
  cowry completions fish > ~/.config/fish/completions/cowry.fish";

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Known,
}

/// The shells that completions are tried with.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    Bash,
    Zsh,
    Fish,
}

/// Prints the completions.
pub fn run(context: &mut Context, args: &CompletionsArgs) -> Outcome {
    let shell = match args.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "cowry", &mut script);
    if context.out.json {
        let script = String::from_utf8_lossy(&script);
        context.out.object(&json!({ "shell": shell.to_string(), "script": script }))?;
    } else {
        context.out.raw(&script)?;
    }
    Ok(0)
}
