//! The policy of a run: its file, and what the command line puts before it.

use std::path::Path;

use cowry_shell_core::{Mount, Policy, Rule};

use crate::command::run_args::{Keep, PolicyArgs};
use crate::failure::{Failure, Outcome};
use crate::render::legible;

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
    let mounts = mounts(&args.mounts)?;
    // What the command line mounts takes the place of what the file mounts there.
    policy.mounts.retain(|other| mounts.iter().all(|mount| mount.at != other.at));
    policy.mounts.extend(mounts);
    policy.mounts.iter().try_for_each(lasts)?;
    policy.files.promoted_to().into_iter().try_for_each(|to| remembers(&to.to_string()))?;
    policy.strict |= args.strict;
    policy.limits = args.bounds.over(policy.limits);
    Ok(policy)
}

fn mounts(texts: &[String]) -> Outcome<Vec<Mount>> {
    let mut mounts: Vec<Mount> = Vec::new();
    for text in texts {
        let mount = Mount::parse(text)?;
        if mounts.iter().any(|other| other.at == mount.at) {
            return Err(Failure::new(format!(
                "--mount {} is given twice: remove one of them",
                legible(mount.at.as_str())
            )));
        }
        mounts.push(mount);
    }
    Ok(mounts)
}

/// Refuses a mount that is written to and forgets it.
pub fn lasts(mount: &Mount) -> Outcome<()> {
    mount.bucket().filter(|_| mount.is_writable()).map_or(Ok(()), |address| remembers(&address.to_string()))
}

/// Refuses an address that is in the memory of this process.
pub fn remembers(address: &str) -> Outcome<()> {
    if !address.starts_with("memory:") {
        return Ok(());
    }
    Err(Failure::new(
        "memory:// forgets everything when the command ends: name a bucket, s3://bucket/prefix, or a folder, \
         file:///folder",
    ))
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
