//! `cowry push`.

use std::time::Duration;

use clap::Args;
use cowry_shell_core::push::{
    Content, Location, PrunePushes, PushInfo, PushName, PushOptions, PushProgress, Pushed, Stage,
    list_pushes, prune_pushes, remove_push,
};
use cowry_shell_core::units::{format_size, parse_duration};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::policy;
use crate::progress::Progress;
use crate::render::{Table, counted, iso};
use crate::status;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry push s3://bucket/workspaces    the workspace with its history, as \"site\"
  cowry -w site.cowry push s3://bucket/workspaces --revision v1 --name release
  cowry push --list s3://bucket/workspaces           what is there
  cowry push --prune 5 s3://bucket/workspaces        the latest 5 of each name stay
  cowry -w copy.cowry pull s3://bucket/workspaces --name site

The prefix is for pushes alone. Only what is not there yet is sent, also after a push that was
killed. Keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE,
AWS_ENDPOINT_URL). `cowry pull` brings a workspace back.";

/// Copy the workspace to a bucket
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PushArgs {
    /// The bucket and a prefix in it: s3://bucket/prefix, gs://, az://, file:///folder
    #[arg(value_name = "ADDRESS")]
    address: Location,
    /// What it is called there [default: the name of the workspace's file]
    #[arg(long)]
    name: Option<PushName>,
    /// This revision alone, without history
    #[arg(long, value_name = "REV", conflicts_with_all = ["list", "prune"])]
    revision: Option<String>,
    /// Sends every block, also those that are there, one of which may be damaged
    #[arg(long, conflicts_with_all = ["list", "prune"])]
    all: bool,
    /// Lists what was pushed there
    #[arg(long, conflicts_with_all = ["prune", "remove"])]
    list: bool,
    /// Removes all but so many of the latest pushes, and what no push needs any more
    #[arg(long, value_name = "KEEP")]
    prune: Option<usize>,
    /// Removes one push of --name, also one that is damaged
    #[arg(long, value_name = "NUMBER", requires = "name", conflicts_with_all = ["prune", "revision", "all"])]
    remove: Option<u64>,
    /// With --prune: what no push needs stays so long after it was written
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "24h", requires = "prune")]
    grace: Duration,
}

/// Pushes, lists pushes, or removes old ones.
pub fn run(context: &mut Context, args: &PushArgs) -> Outcome {
    match args {
        PushArgs { list: true, .. } => list(context, args),
        PushArgs { prune: Some(keep), .. } => prune(context, args, *keep),
        PushArgs { remove: Some(number), name: Some(name), .. } => remove(context, args, name, *number),
        _ => push(context, args),
    }
}

fn push(context: &mut Context, args: &PushArgs) -> Outcome {
    policy::remembers(&args.address.to_string())?;
    let workspace = context.workspace_to_write()?;
    let revision = args.revision.as_deref().map(|rev| workspace.resolve(rev)).transpose()?;
    let file = workspace.path().ok_or_else(|| Failure::new("no workspace: name one with -w FILE"))?;
    let usual = PushName::of_file(file);
    let name = match (&args.name, revision) {
        (Some(name), _) => name.clone(),
        (None, None) => usual,
        // The line of its own that a revision needs: it is another workspace.
        (None, Some(_)) => {
            format!("{usual}-revision").parse().map_err(|error| Failure::new(format!("{error}")))?
        }
    };
    let options = PushOptions { revision, all: args.all, ..PushOptions::new(name) };
    let mut progress = Progress::new(&context.out, "pushing");
    let pushed = workspace.push(&args.address, &options, &mut |at| tell(&mut progress, at))?;
    drop(progress);
    context.out.note(&sentence(&pushed, &args.address));
    if context.out.json {
        let mut told = object(&pushed.info);
        told["unchanged"] = pushed.unchanged.into();
        told["blocks"] = pushed.blocks.into();
        told["sentBlocks"] = pushed.sent_blocks.into();
        told["sentBytes"] = pushed.sent_bytes.into();
        context.out.object(&told)?;
    }
    Ok(0)
}

/// Shows how far it is.
pub fn tell(progress: &mut Progress, at: PushProgress) {
    let doing = match at.stage {
        Stage::Copying => "copying",
        Stage::Content | Stage::Uploading => "pushing",
        Stage::Downloading => "pulling",
        Stage::Checking => "checking",
    };
    progress.stage(doing, at.bytes, at.of_bytes);
}

fn sentence(pushed: &Pushed, to: &Location) -> String {
    let PushInfo { name, number, revision, .. } = &pushed.info;
    let (sent, of) = (pushed.sent_blocks, counted(pushed.blocks, "block"));
    let size = format_size(pushed.sent_bytes);
    if pushed.unchanged {
        let again = if sent > 0 { format!(": sent {sent} of {of} again, {size}") } else { String::new() };
        return format!("nothing new: {name} is at revision {revision} at {to} (push {number}){again}");
    }
    format!("pushed revision {revision} as {name} to {to} (push {number}): sent {sent} of {of}, {size}")
}

fn list(context: &mut Context, args: &PushArgs) -> Outcome {
    let (mut pushes, unreadable) = list_pushes(&args.address)?;
    pushes.retain(|push| args.name.as_ref().is_none_or(|name| *name == push.name));
    let status = if unreadable.is_empty() { 0 } else { status::COWRY };
    if context.out.json {
        let pushes: Vec<Value> = pushes.iter().map(object).collect();
        context.out.object(&json!({ "pushes": pushes, "unreadable": unreadable }))?;
        return Ok(status);
    }
    if pushes.is_empty() && unreadable.is_empty() {
        context.out.note(&format!("nothing was pushed to {}", args.address));
    }
    let mut table = Table::new(&[1, 2]);
    for push in &pushes {
        let what = if push.content == Content::Revision { "this revision alone" } else { "" };
        table.row([
            push.name.to_string(),
            push.number.to_string(),
            push.revision.to_string(),
            iso(push.pushed_at),
            format_size(push.bytes),
            what.to_owned(),
        ]);
    }
    let style = context.out.style;
    let painted = |_: usize, column: usize, cell: &str| match column {
        0 => style.strong(cell),
        3 | 5 => style.faint(cell),
        _ => cell.to_owned(),
    };
    context.out.lines(table.lines(painted))?;
    for line in unreadable {
        context.out.fail_entry(&Failure::new(line));
    }
    Ok(status)
}

/// A push as `--json` tells it.
pub fn object(push: &PushInfo) -> Value {
    json!({
        "name": push.name.as_str(),
        "number": push.number,
        "workspace": push.workspace.to_string(),
        "revision": push.revision.0,
        "sealed": iso(push.sealed_at),
        "pushed": iso(push.pushed_at),
        "bytes": push.bytes,
        "history": push.content == Content::Workspace,
    })
}

fn prune(context: &mut Context, args: &PushArgs, keep: usize) -> Outcome {
    let request = PrunePushes { name: args.name.clone(), keep, grace: args.grace };
    let done = prune_pushes(&args.address, &request)?;
    let (pushes, blocks) = (counted_pushes(done.pushes), counted(done.blocks, "block"));
    context.out.note(&format!("removed {pushes} and {blocks} ({})", format_size(done.bytes)));
    if done.young_blocks > 0 {
        let young = counted(done.young_blocks, "block");
        context.out.note(&format!("{young} that no push needs stay for now: see --grace"));
    }
    if context.out.json {
        context.out.object(&json!({
            "pushes": done.pushes, "left": done.left, "blocks": done.blocks, "bytes": done.bytes,
            "youngBlocks": done.young_blocks,
        }))?;
    }
    Ok(0)
}

fn remove(context: &mut Context, args: &PushArgs, name: &PushName, number: u64) -> Outcome {
    remove_push(&args.address, name, number)?;
    context.out.note(&format!("removed push {number} of {name}; what only it needed goes with --prune"));
    if context.out.json {
        context.out.object(&json!({ "name": name.as_str(), "number": number, "removed": true }))?;
    }
    Ok(0)
}

fn counted_pushes(count: u64) -> String {
    if count == 1 { "1 push".into() } else { format!("{count} pushes") }
}
