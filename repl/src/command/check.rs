//! `cowry check`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use cowry_shell_core::transfer::Progress as At;
#[cfg(feature = "object")]
use cowry_shell_core::units::format_size;
use cowry_shell_core::{CheckReport, RepairReport, Workspace, salvage};
use serde_json::{Value, json};

use super::fs::totals;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::render::{counted, shown};
use crate::status;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry check
  cowry -w site.cowry check --deep                what is in buckets, too
  cowry -w site.cowry check --repair              mend it; orphans go to /lost+found
  cowry -w site.cowry check --salvage ./rescued   save what can be read of a broken file";

/// Read the whole workspace and look for damage
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Mend what is wrong, as a new revision; what has no name goes to /lost+found
    #[arg(long, conflicts_with = "salvage")]
    repair: bool,
    /// Save what can be read into a new folder, NAME.tar or NAME.cowry; the workspace stays as it is
    #[arg(long, value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    salvage: Option<PathBuf>,
    /// Also read every object that content is in, in whatever bucket
    #[cfg(feature = "object")]
    #[arg(long, conflicts_with_all = ["salvage", "repair"])]
    deep: bool,
}

impl CheckArgs {
    #[cfg(feature = "object")]
    fn deep(&self) -> bool {
        self.deep
    }

    #[cfg(not(feature = "object"))]
    fn deep(&self) -> bool {
        false
    }
}

/// Checks, mends or saves; damage that stays and losses are status 125.
pub fn run(context: &mut Context, args: &CheckArgs) -> Outcome {
    match &args.salvage {
        Some(target) => rescue(context, target),
        None if args.repair => repair(context),
        None => check(context, args.deep()),
    }
}

fn check(context: &mut Context, deep: bool) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let report = workspace.check()?;
    let buckets = if deep { look_deep(context, &workspace)? } else { None };
    if context.out.json {
        let mut object = found(&report);
        if let Some((sound, buckets)) = &buckets {
            object["sound"] = json!(report.is_sound() && *sound);
            object["buckets"] = buckets.clone();
        }
        context.out.object(&object)?;
    } else {
        match &buckets {
            Some((false, _)) if report.is_sound() => {
                context.out.note(
                    "the file itself is sound; what those objects held is lost unless they are put back: \
                     `cowry check --salvage DIR` saves everything else",
                );
            }
            _ => tell(context, &report)?,
        }
        if let (false, Some(parent)) = (report.is_sound(), workspace.parent()?) {
            let parent = parent.path.display();
            context.out.note(&format!(
                "it is a fork: what comes from {parent} is mended there, `cowry -w {parent} check` looks"
            ));
        }
    }
    let deeply = buckets.is_none_or(|(sound, _)| sound);
    Ok(if report.is_sound() && deeply { 0 } else { status::COWRY })
}

/// Looks at what is in buckets: whether that is sound, and what to say of it to programs.
#[cfg(feature = "object")]
fn look_deep(context: &mut Context, workspace: &Workspace) -> Outcome<Option<(bool, Value)>> {
    let mut progress = Progress::new(&context.out, "reading");
    let report = workspace.check_buckets(&mut |done| progress.at(done.sound, done.bytes, None))?;
    drop(progress);
    if !context.out.json {
        let missing = report.missing.iter().map(|at| format!("{} is missing", shown(at)));
        let damaged = report.damaged.iter().map(|(at, why)| format!("{}: {why}", shown(at)));
        let hit = report.hit.iter().map(|path| format!("{} cannot be read whole", shown(path)));
        context.out.lines(missing.chain(damaged).chain(hit).collect::<Vec<_>>())?;
        if !report.is_sound() && report.hit.is_empty() {
            context.out.note("only earlier revisions have something in those");
        }
        let size = format_size(report.unreferenced_bytes);
        let loose = format!("{} that nothing refers to ({size})", counted(report.unreferenced, "object"));
        context.out.note(&format!("read {} in buckets; {loose}", counted(report.sound, "sound object")));
    }
    let damaged: Vec<_> =
        report.damaged.iter().map(|(at, why)| json!({ "address": at, "reason": why })).collect();
    let object = json!({
        "sound": report.sound, "bytes": report.bytes, "missing": report.missing, "damaged": damaged, "hit": report.hit,
        "unreferenced": report.unreferenced, "unreferencedBytes": report.unreferenced_bytes,
    });
    Ok(Some((report.is_sound(), object)))
}

#[cfg(not(feature = "object"))]
fn look_deep(_: &mut Context, _: &Workspace) -> Outcome<Option<(bool, Value)>> {
    Ok(None)
}

/// What was found, and what to do about it.
fn tell(context: &mut Context, report: &CheckReport) -> Outcome<()> {
    let unreadable = report.unreadable.iter();
    let hit = unreadable.map(|(path, why)| format!("{} cannot be read: {why}", shown(path)));
    let lines: Vec<String> = report.problems.iter().map(|problem| shown(problem)).chain(hit).collect();
    context.out.lines(lines)?;
    for lost in &report.lost {
        context.out.note(&format!("an earlier repair gave up {}", shown(lost)));
    }
    if report.is_sound() {
        context.out.note("no damage found");
    } else if report.broken {
        context.out.note("the file is broken: `cowry check --salvage DIR` saves what can be read");
    } else {
        context.out.note("`cowry check --repair` mends this; copy the file first");
    }
    Ok(())
}

fn found(report: &CheckReport) -> Value {
    let unreadable = report.unreadable.iter().map(|(path, why)| json!({ "path": path, "reason": why }));
    json!({
        "sound": report.is_sound(),
        "broken": report.broken,
        "problems": report.problems,
        "unreadable": unreadable.collect::<Vec<_>>(),
        "lost": report.lost,
    })
}

fn repair(context: &mut Context) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let done = workspace.repair()?;
    let after = workspace.check()?;
    if context.out.json {
        let mut object = found(&after);
        object["repair"] = repaired(&done);
        context.out.object(&object)?;
    } else {
        tell_repair(context, &done)?;
        tell(context, &after)?;
    }
    Ok(if after.is_sound() && done.lost.is_empty() { 0 } else { status::COWRY })
}

fn repaired(done: &RepairReport) -> Value {
    let revision = done.revision.map(|revision| revision.0);
    json!({ "revision": revision, "mended": done.mended, "moved": done.moved, "lost": done.lost })
}

fn tell_repair(context: &mut Context, done: &RepairReport) -> Outcome<()> {
    for (what, lines) in [("mended", &done.mended), ("moved to", &done.moved), ("lost", &done.lost)] {
        context.out.lines(lines.iter().map(|line| format!("{what} {}", shown(line))))?;
    }
    if let Some(revision) = done.revision {
        context.out.note(&format!("committed revision {}", revision.0));
    }
    Ok(())
}

fn rescue(context: &mut Context, target: &Path) -> Outcome {
    let file = context.workspace_file().map(Path::to_owned);
    let file = file.ok_or_else(|| Failure::new("no workspace: name one with -w FILE or COWRY_WORKSPACE"))?;
    let mut progress = Progress::new(&context.out, "saving");
    let done = salvage(&file, target, &mut |at: At| progress.at(at.entries, at.bytes, None))?;
    drop(progress);
    let (report, lost) = (&done.report, &done.report.repair.lost);
    if context.out.json {
        context.out.object(&json!({
            "target": target.display().to_string(),
            "nodes": report.nodes,
            "unreadable": report.unreadable,
            "repair": repaired(&report.repair),
            "exported": done.exported.as_ref().map(totals::object),
        }))?;
    } else {
        context.out.lines(report.unreadable.iter().map(|line| format!("unreadable: {}", shown(line))))?;
        let mut repair = report.repair.clone();
        repair.revision = None;
        tell_repair(context, &repair)?;
        if let Some(exported) = &done.exported {
            totals::tell_skipped(&mut context.out, exported);
        }
        context.out.note(&format!("wrote {}: {}", target.display(), counted(report.nodes, "node")));
    }
    let skipped = done.exported.as_ref().map_or(0, |exported| exported.skipped_count);
    let is_whole = lost.is_empty() && report.unreadable.is_empty() && skipped == 0;
    Ok(if is_whole { 0 } else { status::COWRY })
}
