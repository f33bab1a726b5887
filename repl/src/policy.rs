//! The policy of a run: its file, and what the command line puts before it.

use std::path::Path;

use cowry_shell_core::{Mount, Policy, Rule};

use crate::command::run_args::{Keep, PolicyArgs};
use crate::failure::{Failure, Outcome};

/// The file that is read where `--policy` names none.
const DEFAULT_FILE: &str = "cowry.toml";

/// The policy that the options stand for.
pub fn resolve(args: &PolicyArgs) -> Outcome<Policy> {
    let mut policy = match &args.policy {
        Some(file) => Policy::load(file)?,
        None if Path::new(DEFAULT_FILE).is_file() => Policy::load(Path::new(DEFAULT_FILE))?,
        None => Policy::default(),
    };
    policy.files.prepend(rules(args)?);
    for text in &args.mounts {
        let mount = Mount::parse(text)?;
        // What the command line mounts takes the place of what the file mounts there.
        policy.mounts.retain(|other| other.at != mount.at);
        policy.mounts.push(mount);
    }
    policy.strict |= args.strict;
    policy.limits = args.bounds.over(policy.limits);
    Ok(policy)
}

fn rules(args: &PolicyArgs) -> Outcome<Vec<Rule>> {
    let rule = |(keep, glob): &(Keep, String)| {
        let (option, rule) = match keep {
            Keep::Persist => ("--persist", Rule::persist(glob)),
            Keep::Discard => ("--discard", Rule::discard(glob)),
        };
        rule.map_err(|error| Failure::new(format!("{option}: {error}")))
    };
    args.keeps.0.iter().map(rule).collect()
}
