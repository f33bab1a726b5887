//! What `cowry run` and `cowry repl` understand.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use cowry_shell_core::LimitSettings;
use cowry_shell_core::units::{Size, Span};

/// What decides the bounds of a program and what is kept of its files.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Policy")]
pub struct PolicyArgs {
    /// The policy file [default: cowry.toml in the current directory, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub keeps: Keeps,
    /// Mounts a host folder or a bucket (s3://bucket/prefix): read-only unless it ends in `:rw`
    #[arg(long = "mount", value_name = "/PATH=SOURCE[:ro|:rw]")]
    pub mounts: Vec<String>,
    #[command(flatten)]
    pub bounds: Bounds,
    /// Refuses to run where the kernel lacks a part of the lockdown
    #[arg(long)]
    pub strict: bool,
}

// What bounds a program, or an entry at the prompt. No documentation: clap would tell it as what a command does.
#[derive(Args, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bounds engine heap and buffers, such as 128MiB
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Size>,
    /// Bounds processor time, such as 30s
    #[arg(long, value_name = "TIME")]
    pub cpu: Option<Span>,
    /// Bounds time on the wall, such as 1m
    #[arg(long, value_name = "TIME")]
    pub wall: Option<Span>,
    /// Bounds what may be written, such as 1GiB
    #[arg(long, value_name = "SIZE")]
    pub scratch: Option<Size>,
}

impl Bounds {
    /// Those limits, with what is said here in their place.
    pub fn over(&self, limits: LimitSettings) -> LimitSettings {
        LimitSettings {
            memory: self.memory.map(|size| size.0).or(limits.memory),
            cpu: self.cpu.map(|span| span.0).or(limits.cpu),
            wall: self.wall.map(|span| span.0).or(limits.wall),
            scratch: self.scratch.map(|size| size.0).or(limits.scratch),
            ..limits
        }
    }
}

/// What to do with the paths a glob names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    Persist,
    Discard,
}

/// `--persist` and `--discard` in the order they were given, since the first match wins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keeps(pub Vec<(Keep, String)>);

const KEEPS: [(&str, Keep, &str); 2] = [
    ("persist", Keep::Persist, "Keeps what matches; rules are tried in the order given, before the policy's"),
    ("discard", Keep::Discard, "Throws away what matches"),
];

impl Args for Keeps {
    fn augment_args(command: Command) -> Command {
        KEEPS.iter().fold(command, |command, (name, _, help)| {
            command.arg(Arg::new(*name).long(*name).value_name("GLOB").help(*help).action(ArgAction::Append))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Keeps {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Keeps, clap::Error> {
        let mut found: Vec<(usize, (Keep, String))> = Vec::new();
        for (name, keep, _) in KEEPS {
            let globs = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            found.extend(places.zip(globs).map(|(at, glob)| (at, (keep, glob.clone()))));
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(Keeps(found.into_iter().map(|(_, rule)| rule).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Keeps::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What the program is handed beside its files.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Program")]
pub struct HandedArgs {
    /// Sets a variable of process.env; nothing of the host's environment is visible otherwise
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub env: Vec<(String, String)>,
    /// Makes random values repeatable
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// `NAME=VALUE` in its two parts.
fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("write NAME=VALUE".into()),
    }
}
