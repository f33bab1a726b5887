//! What is told of a run when it has ended: its result, its failure, what became of its files.

use cowry_shell_core::{
    BucketRecord, Change, ChangeKind, ConflictRecord, Diff, DiffSummary, Fate, Outcome as RunOutcome,
    RunRecord, RunReport, Value, Verdict, Workspace,
};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::render::{
    BucketLine, bucket_line, bucket_plan, counted, diff_lines, json, legible, outcome_line, outcome_status,
    shown, summary, unfinished_line,
};
use crate::status;

/// Tells everything and returns the exit status.
pub fn tell(out: &mut Output, report: &RunReport) -> Outcome {
    let record = &report.record;
    let status = run_status(record);
    if out.json {
        let mut object = json::run(record, report.value.as_ref());
        object["status"] = status.into();
        out.object(&object)?;
        return Ok(status);
    }
    result(out, report.value.as_ref())?;
    if let Some(line) = outcome_line(&record.outcome, &record.policy.limits) {
        failure(out, &record.outcome, &line);
    }
    unread(out, record);
    if record.dry_run && !out.quiet {
        let lines = diff_lines(&persisting(report), out.style)?;
        out.lines(lines)?;
    }
    files(out, report);
    if record.dry_run {
        record.buckets.iter().for_each(|bucket| out.note(&bucket_plan(bucket)));
    } else {
        buckets(out, &record.buckets, &record.id);
    }
    Ok(status)
}

/// Tells what was written to buckets and returns the status that says so.
pub fn buckets(out: &mut Output, records: &[BucketRecord], id: &str) -> u8 {
    let mut status = 0;
    for record in records {
        match bucket_line(record, id) {
            BucketLine::Said(line) => out.note(&line),
            BucketLine::Failed(its, line) => {
                out.fail_entry(&Failure::new(line));
                status = status.max(its);
            }
        }
    }
    status
}

/// The status that says how it went with buckets.
fn buckets_status(record: &RunRecord) -> u8 {
    if record.dry_run {
        return 0;
    }
    let status = |bucket| match bucket_line(bucket, &record.id) {
        BucketLine::Said(_) => 0,
        BucketLine::Failed(status, _) => status,
    };
    record.buckets.iter().map(status).max().unwrap_or(0)
}

/// Tells what earlier runs have left to write to buckets.
pub fn unfinished(out: &mut Output, workspace: &Workspace) -> Outcome<()> {
    for (id, records) in workspace.unfinished()? {
        records.iter().filter(|record| !record.is_done()).for_each(|record| {
            out.note(&unfinished_line(record, &id));
        });
    }
    Ok(())
}

/// The exit status: the program's own, unless its files could not be committed.
fn run_status(record: &RunRecord) -> u8 {
    match (outcome_status(&record.outcome), &record.fate) {
        (0, Fate::Conflict) => status::CONFLICT,
        (0, Fate::CommitFailed { .. }) => status::COWRY,
        (0, _) => buckets_status(record),
        (status, _) => status,
    }
}

/// Prints the result of a run: on a terminal as an inspector would, elsewhere text as it is and other values
/// as JSON.
fn result(out: &mut Output, value: Option<&Value>) -> Outcome<()> {
    if out.out_is_terminal {
        return rendered(out, value);
    }
    let Some(value) = value else { return Ok(()) };
    if let Some(text) = value.text.as_ref().or(value.json.as_ref()) {
        out.text(text)?;
    }
    Ok(())
}

/// Prints a value as `console.log` would.
pub fn rendered(out: &mut Output, value: Option<&Value>) -> Outcome<()> {
    let Some(value) = value else { return Ok(()) };
    if let Some(text) = [&value.text, &value.rendered, &value.json].into_iter().flatten().next() {
        out.text(text)?;
    }
    Ok(())
}

/// Says why the program failed. What it threw is its own text; the rest is ours.
pub fn failure(out: &mut Output, outcome: &RunOutcome, line: &str) {
    let text = legible(line);
    match outcome {
        RunOutcome::Threw(_) => out.say(&text),
        _ => {
            out.fail_entry(&Failure::new(text));
        }
    }
}

/// Says what a bucket said that kept the program from reading: it was told a number only.
fn unread(out: &mut Output, record: &RunRecord) {
    const NAMED: usize = 3;
    for unread in record.unread.iter().take(NAMED) {
        let (path, why) = (shown(&unread.path), shown(&unread.what));
        out.fail_entry(&Failure::new(format!("the program could not read {path}: {why}")));
    }
    if record.unread.len() > NAMED {
        let more = counted((record.unread.len() - NAMED) as u64, "more reason");
        out.fail_entry(&Failure::new(format!("and {more}: `cowry runs show {}` names them", record.id)));
    }
}

/// The part of the diff that persists.
fn persisting(report: &RunReport) -> Diff {
    let kept = report.diff.changes.iter().zip(&report.verdicts).filter(|(_, verdict)| persists(verdict));
    let changes: Vec<Change> = kept.map(|(change, _)| change.clone()).collect();
    Diff::new(changes, report.diff.before().clone(), report.diff.after().clone())
}

fn persists(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Discard)
}

/// How many paths persist, by kind, and how many do not.
fn sums(report: &RunReport) -> (DiffSummary, u64) {
    let (mut sums, mut discarded) = (DiffSummary::default(), 0);
    for (change, verdict) in report.diff.changes.iter().zip(&report.verdicts) {
        match (persists(verdict), change.kind) {
            (false, _) => discarded += 1,
            (true, ChangeKind::Added) => sums.added += 1,
            (true, ChangeKind::Removed) => sums.removed += 1,
            (true, ChangeKind::Modified) => sums.modified += 1,
            (true, ChangeKind::Renamed) => sums.renamed += 1,
        }
    }
    (sums, discarded)
}

/// Says what became of the files, in one line.
fn files(out: &mut Output, report: &RunReport) {
    let record = &report.record;
    let (kept, discarded) = sums(report);
    let kept_sums = summary(kept);
    let and_discarded = if discarded > 0 { format!("; {discarded} discarded") } else { String::new() };
    let id = &record.id;
    match &record.fate {
        _ if record.dry_run && report.diff.is_empty() => out.note("dry run: no changes"),
        _ if record.dry_run => out.note(&format!("dry run, nothing committed: {kept_sums}{and_discarded}")),
        Fate::Committed { revision } => {
            out.note(&format!("committed revision {revision}: {kept_sums}{and_discarded}"));
        }
        Fate::Unchanged if discarded > 0 => out.note(&format!("nothing to commit{and_discarded}")),
        Fate::Unchanged | Fate::Dropped | Fate::DryRun => {}
        Fate::Scratch if report.diff.is_empty() => {}
        Fate::Scratch => {
            let all = counted(report.diff.changes.len() as u64, "path");
            out.note(&format!("{all} discarded: without a workspace (-w FILE) nothing is kept"));
        }
        Fate::Failed => {
            let kept =
                if record.kept_until.is_some() { format!("`cowry runs diff {id}` shows") } else { shows(id) };
            out.note(&format!("nothing committed: the run failed; {kept} what it did"));
        }
        Fate::Conflict => {
            out.fail_entry(&Failure::new(conflict_line(record)));
        }
        Fate::CommitFailed { reason } => {
            let again = if record.kept_until.is_some() { try_again(record) } else { TOO_LARGE.into() };
            out.fail_entry(&Failure::new(format!("nothing committed: {}; {again}", shown(reason))));
        }
    }
    lost(out, record);
}

/// What is said where nothing of a run can be committed late.
const TOO_LARGE: &str = "what it wrote is too large to be kept: run it again";

fn try_again(record: &RunRecord) -> String {
    let (id, in_mounts) = (&record.id, !record.kept_mounts.is_empty());
    let unfit = if in_mounts { ", and with --ours leaves out what a bucket cannot keep" } else { "" };
    format!("`cowry runs commit {id}` tries again{unfit}")
}

/// Names what a run wrote to mounts that is neither there nor kept; whether there is any.
pub fn lost(out: &mut Output, record: &RunRecord) -> bool {
    const NAMED: usize = 3;
    for lost in record.lost.iter().take(NAMED) {
        let (path, why) = (shown(&lost.path), shown(&lost.what));
        out.fail_entry(&Failure::new(format!("what it wrote to {path} is lost: {why}; run it again")));
    }
    if record.lost.len() > NAMED {
        let (more, id) = (counted((record.lost.len() - NAMED) as u64, "more path"), &record.id);
        out.fail_entry(&Failure::new(format!(
            "so is what it wrote to {more}: `cowry runs show {id}` names them"
        )));
    }
    !record.lost.is_empty()
}

fn shows(id: &str) -> String {
    format!("`cowry runs show {id}` tells")
}

/// Names the first few paths and all ways out.
fn conflict_line(record: &RunRecord) -> String {
    const NAMED: usize = 3;
    let paths: Vec<String> = record.conflicts.iter().take(NAMED).map(|c| legible(&c.path)).collect();
    let more = record.conflicts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (id, paths) = (&record.id, paths.join(", "));
    if record.kept_until.is_none() {
        return format!("conflict, nothing committed: {paths}{more} changed meanwhile; {TOO_LARGE}");
    }
    let in_mount = |c: &ConflictRecord| {
        record.kept_mounts.iter().any(|at| c.path.strip_prefix(at).is_some_and(|rest| rest.starts_with('/')))
    };
    // What is in a mount is not put together.
    let merge = if record.conflicts.iter().any(in_mount) { " " } else { " --merge` puts both together, `" };
    format!(
        "conflict, nothing committed: {paths}{more} changed meanwhile; `cowry runs commit {id}{merge}--theirs` takes \
         the run's version of that, `--ours` the rest only"
    )
}
