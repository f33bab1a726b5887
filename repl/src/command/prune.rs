//! `cowry prune`.

use std::time::Duration;

use clap::Args;
use cowry_shell_core::units::parse_duration;
use cowry_shell_core::{KeptFor, PruneReport, PruneRequest, Revision, Timestamp, Workspace};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry prune --keep-last 20
  cowry -w site.cowry prune --older-than 30d --dry-run
  cowry -w site.cowry prune 5..12                    these revisions, both ends included
  cowry -w site.cowry prune 7 && cowry -w site.cowry gc

What is said together has to hold together. The latest revision, the first, and those that
have a name, a fork or kept changes of a run stay. `cowry gc` gives the space back.";

/// Forget old revisions
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PruneArgs {
    /// This revision, or those from one to another: REV..REV
    #[arg(value_name = "REV[..REV]", required_unless_present_any = ["older_than", "keep_last"])]
    revisions: Option<String>,
    /// Only those sealed longer ago than this (30d, 12h)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    older_than: Option<Duration>,
    /// Not so many of the latest
    #[arg(long, value_name = "NUMBER")]
    keep_last: Option<u64>,
    /// Only says what would be forgotten
    #[arg(long)]
    dry_run: bool,
}

/// Prunes.
pub fn run(context: &mut Context, args: &PruneArgs) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let report = workspace.prune(&request(&workspace, args)?)?;
    if context.out.json {
        context.out.object(&object(&report, args.dry_run))?;
        return Ok(0);
    }
    for (revision, why) in report.kept.iter().filter(|(_, why)| is_news(why)) {
        context.out.note(&format!("revision {} stays: {}", revision.0, reason(why)));
    }
    let (count, list) = (counted(report.pruned.len() as u64, "revision"), ranges(&report.pruned));
    context.out.note(&match (report.pruned.is_empty(), args.dry_run) {
        (true, _) => "nothing to prune".to_owned(),
        (false, true) => format!("would prune {count}: {list}"),
        (false, false) => format!("pruned {count}: {list}; `cowry gc` gives the space back"),
    });
    Ok(0)
}

fn request(workspace: &Workspace, args: &PruneArgs) -> Outcome<PruneRequest> {
    let (from, to) = match &args.revisions {
        None => (None, None),
        Some(text) => {
            let (from, to) = text.split_once("..").unwrap_or((text, text));
            let (from, to) = (workspace.resolve(from)?, workspace.resolve(to)?);
            if from > to {
                return Err(Failure::new(format!("{text} is no range: the older revision comes first")));
            }
            (Some(from), Some(to))
        }
    };
    let before = args.older_than.map(|age| {
        let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        Timestamp(workspace.clock().now().0.saturating_sub(age))
    });
    Ok(PruneRequest { before, keep_last: args.keep_last, from, to, dry_run: args.dry_run })
}

/// That the ends of history stay is a rule; a name or a fork may have been forgotten.
fn is_news(why: &KeptFor) -> bool {
    !matches!(why, KeptFor::Latest | KeptFor::First)
}

fn reason(why: &KeptFor) -> String {
    match why {
        KeptFor::Latest => "it is the latest".into(),
        KeptFor::First => "history begins with it".into(),
        KeptFor::Name(name) => format!("it is called {name}; `cowry name --delete {name}` lets go of it"),
        KeptFor::Fork(fork) if fork.is_there => format!("{} is a fork of it", fork.path.display()),
        KeptFor::Fork(fork) => {
            let path = fork.path.display();
            format!(
                "a fork of it was {path} and is not there; if it was moved, open it once; if it is gone, \
                 `cowry fork --forget {path}` lets go of it"
            )
        }
        KeptFor::Run(run) => {
            format!(
                "the kept changes of run {run} need it; `cowry runs commit {run}` or `drop` lets go of it"
            )
        }
        _ => "it is being read".into(),
    }
}

/// `1-4, 7`.
fn ranges(revisions: &[Revision]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for Revision(rev) in revisions {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *rev => *end = *rev,
            _ => runs.push((*rev, *rev)),
        }
    }
    let told =
        runs.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") });
    told.collect::<Vec<_>>().join(", ")
}

fn object(report: &PruneReport, dry_run: bool) -> Value {
    let word = |why: &KeptFor| match why {
        KeptFor::Latest => "latest",
        KeptFor::First => "first",
        KeptFor::Name(_) => "name",
        KeptFor::Fork(_) => "fork",
        KeptFor::Run(_) => "run",
        _ => "reader",
    };
    let kept: Vec<Value> = report
        .kept
        .iter()
        .map(|(revision, why)| json!({ "revision": revision.0, "for": word(why), "why": reason(why) }))
        .collect();
    let pruned: Vec<u64> = report.pruned.iter().map(|revision| revision.0).collect();
    json!({ "pruned": pruned, "kept": kept, "dryRun": dry_run })
}

#[cfg(test)]
mod tests {
    use super::{Revision, ranges};

    #[test]
    fn neighbours_are_told_as_ranges() {
        let told = |list: &[u64]| ranges(&list.iter().copied().map(Revision).collect::<Vec<_>>());
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[3]), "3");
        assert_eq!(told(&[1, 2, 3, 5, 8, 9]), "1-3, 5, 8-9");
    }
}
