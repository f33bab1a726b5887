//! The `cowry` command: the terminal, nothing else. What it does is in `cowry_shell_core`.

#![forbid(unsafe_code)]

mod args;
mod command;
mod context;
mod failure;
mod input;
mod interrupt;
mod output;
mod policy;
mod progress;
mod render;
mod report;
mod session;
mod status;
mod stdin;
mod stream;
mod style;

use std::process::ExitCode;

use output::Output;

fn main() -> ExitCode {
    cowry_shell_core::init();
    ExitCode::from(run())
}

/// Parses, runs the command, tells of a failure; returns the exit status.
fn run() -> u8 {
    let words: Vec<_> = std::env::args_os().collect();
    let wants_json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let cli = match args::parse(words) {
        Ok(cli) => cli,
        Err(None) => return 0,
        Err(Some(failure)) => {
            let global = args::Global { workspace: None, json: wants_json, quiet: false, no_create: false };
            return Output::new(&global).fail(&failure);
        }
    };
    let mut context = context::Context::new(cli.global);
    match command::dispatch(&mut context, cli.command) {
        Ok(status) => status,
        Err(failure) => context.out.fail(&failure),
    }
}
