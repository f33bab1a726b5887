//! `cowry runs`: the records of every run, and what became of its files.

use clap::{Args, Subcommand};
use cowry_shell_core::{Finish, RunRecord, Side, Timestamp};
use serde_json::{Value, json};

use super::diff::{Form, only, paths, show};
use super::merge_args::{ALL, Decisions, Look, outcome};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::{
    Table, ago, bucket_json, fate_words, iso, json as object, millis, outcome_word, record_lines, shown,
};
use crate::report;
use crate::style::Style;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry runs
  cowry -w site.cowry runs show k3m9                 the beginning of an id is enough
  cowry -w site.cowry runs diff k3m9                 what a failed run would have changed
  cowry -w site.cowry runs commit latest             commit it after all";

const COMMIT_EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry runs commit k3m9
  cowry -w site.cowry runs commit k3m9 --ours        where both changed a path, it stays as it is
  cowry -w site.cowry runs commit k3m9 --theirs      where both changed a path, the run's version wins
  cowry -w site.cowry runs commit k3m9 --merge       both changes, line by line; 122 where that cannot be
  cowry -w site.cowry runs commit k3m9 --merge --theirs='/out/**' --dry-run";

/// List runs, look into one, commit or drop what a failed one wrote
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Subcommand, Debug)]
enum RunsCommand {
    List(ListArgs),
    Show(ShowArgs),
    Diff(RunDiffArgs),
    Commit(CommitArgs),
    Drop(DropArgs),
    Finish(FinishArgs),
}

/// List runs, the latest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  cowry -w site.cowry runs list -n 5")]
struct ListArgs {
    /// How many to list at most
    #[arg(short = 'n', long = "limit", value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
}

/// Show everything that is known of a run
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  cowry -w site.cowry runs show k3m9")]
struct ShowArgs {
    /// The run: its id, the beginning of that, or latest
    #[arg(value_name = "ID")]
    id: String,
}

/// Show what a run changed, committed or not
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  cowry -w site.cowry runs diff k3m9 -- /out")]
struct RunDiffArgs {
    /// The run: its id, the beginning of that, or latest
    #[arg(value_name = "ID")]
    id: String,
    /// Only these paths and what is below them, after `--`
    #[arg(last = true, value_name = "PATHS")]
    paths: Vec<String>,
    #[command(flatten)]
    form: Form,
}

/// Commit what a failed or conflicting run wrote
#[derive(Args, Debug)]
#[command(after_help = COMMIT_EXAMPLES)]
struct CommitArgs {
    /// The run: its id, the beginning of that, or latest
    #[arg(value_name = "ID")]
    id: String,
    /// Merges file by file, lines of text and keys of JSON, into what the workspace is now
    #[arg(long)]
    merge: bool,
    #[command(flatten)]
    decisions: Decisions,
    #[command(flatten)]
    look: Look,
}

/// Forget what a failed or conflicting run wrote; its record stays
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  cowry -w site.cowry runs drop k3m9")]
struct DropArgs {
    /// The run: its id, the beginning of that, or latest
    #[arg(value_name = "ID")]
    id: String,
}

const FINISH_EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry runs finish k3m9               write what could not be written to a bucket; promote again
  cowry -w site.cowry runs finish k3m9 --overwrite   also over what others changed meanwhile
  cowry -w site.cowry runs finish k3m9 --drop        forget what is left";

/// Write to buckets what a run could not write, or promote its files again
#[derive(Args, Debug)]
#[command(after_help = FINISH_EXAMPLES)]
struct FinishArgs {
    /// The run (or commit of a session): its id, the beginning of that, or latest
    #[arg(value_name = "ID")]
    id: String,
    /// Writes over what others changed meanwhile
    #[arg(long, conflicts_with = "drop")]
    overwrite: bool,
    /// Forgets what is left to be written
    #[arg(long)]
    drop: bool,
}

/// Runs one of them; none is `list`.
pub fn run(context: &mut Context, args: &RunsArgs) -> Outcome {
    match &args.command {
        None => list(context, &args.list),
        Some(RunsCommand::List(args)) => list(context, args),
        Some(RunsCommand::Show(args)) => show_run(context, args),
        Some(RunsCommand::Diff(args)) => diff(context, args),
        Some(RunsCommand::Commit(args)) => commit(context, args),
        Some(RunsCommand::Drop(args)) => drop_kept(context, args),
        Some(RunsCommand::Finish(args)) => finish(context, args),
    }
}

fn list(context: &mut Context, args: &ListArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let records = workspace.runs(args.limit)?;
    report::unfinished(&mut context.out, &workspace)?;
    if context.out.json {
        let runs: Vec<Value> = records.iter().map(object::run_summary).collect();
        let unfinished: Vec<Value> = workspace
            .unfinished()?
            .iter()
            .map(|(id, buckets)| json!({ "run": id, "buckets": buckets.iter().map(bucket_json).collect::<Vec<_>>() }))
            .collect();
        context.out.object(&json!({ "runs": runs, "unfinished": unfinished }))?;
        return Ok(0);
    }
    if records.is_empty() && args.limit > 0 {
        context.out.note("no runs yet");
    }
    let now = context.out.out_is_terminal.then(|| workspace.clock().now());
    context.out.lines(lines(&records, now, context.out.style))?;
    Ok(0)
}

fn lines(records: &[RunRecord], now: Option<Timestamp>, style: Style) -> Vec<String> {
    let mut table = Table::new(&[2]);
    for record in records {
        table.row([
            record.id.clone(),
            now.map_or_else(|| iso(record.started), |now| ago(record.started, now)),
            millis(record.duration()),
            shown(&record.program.name),
            outcome_word(&record.outcome),
            fate_words(&record.fate),
        ]);
    }
    table.lines(|row, column, cell| match column {
        0 => style.place(cell),
        1 => style.faint(cell),
        4 if !records[row].outcome.is_success() => style.removed(cell),
        _ => cell.to_owned(),
    })
}

fn show_run(context: &mut Context, args: &ShowArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let record = workspace.run_record(&args.id)?;
    if context.out.json {
        context.out.object(&object::run(&record, None))?;
    } else {
        let lines = record_lines(&record, workspace.clock().now(), context.out.style);
        context.out.lines(lines)?;
    }
    Ok(0)
}

fn diff(context: &mut Context, args: &RunDiffArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let diff = workspace.run_diff(&args.id)?;
    show(context, &only(diff, &paths(&args.paths)?), args.form)?;
    Ok(0)
}

fn commit(context: &mut Context, args: &CommitArgs) -> Outcome {
    if args.merge {
        return merge(context, args);
    }
    let side = args.whole_side()?;
    let workspace = context.workspace_to_write()?;
    let record = workspace.run_commit(&args.id, side).map_err(|error| advise(error, &args.id))?;
    let (id, revision) = (&record.id, record.revision());
    match revision {
        Some(revision) => context.out.note(&format!("committed revision {revision}: run {id}")),
        None if record.kept_mounts.is_empty() => context.out.note("nothing to commit"),
        None => {
            let places = record.kept_mounts.iter().map(|place| shown(place)).collect::<Vec<_>>().join(", ");
            context
                .out
                .note(&format!("run {id} changed nothing of the workspace; it is written to {places}"));
        }
    }
    let status = late(context, &record);
    if context.out.json {
        let buckets: Vec<Value> = record.buckets.iter().map(bucket_json).collect();
        context.out.object(&json!({ "run": id, "revision": revision, "buckets": buckets }))?;
    }
    Ok(status)
}

/// Tells what came of what a run wrote to mounts and promotes, and returns the status.
fn late(context: &mut Context, record: &RunRecord) -> u8 {
    let status = report::buckets(&mut context.out, &record.buckets, &record.id);
    if report::lost(&mut context.out, record) { status.max(crate::status::COWRY) } else { status }
}

impl CommitArgs {
    /// The side to take without a merge: one, and everywhere.
    fn whole_side(&self) -> Outcome<Option<Side>> {
        let is_merging = !self.decisions.resolve.is_empty()
            || !self.decisions.csv_key.is_empty()
            || self.look.is_dry()
            || self.decisions.sides.0.iter().any(|(_, glob)| glob != ALL);
        if is_merging {
            return Err(Failure::new(
                "only --merge takes a GLOB, --resolve, --csv-key, --dry-run and --show: add --merge",
            ));
        }
        match self.decisions.sides.0.as_slice() {
            [] => Ok(None),
            [(side, _)] => Ok(Some(*side)),
            _ => Err(Failure::new("either --ours or --theirs: one side is taken everywhere")),
        }
    }
}

fn merge(context: &mut Context, args: &CommitArgs) -> Outcome {
    let options = args.decisions.options(args.look.is_dry())?;
    let workspace =
        if options.dry_run { context.workspace_to_read()? } else { context.workspace_to_write()? };
    let merged = workspace.merge_run(&args.id, &options);
    let (record, merged) = merged.map_err(|error| advise(error, &args.id))?;
    let status = outcome(context, &merged, &format!("run {}", record.id), (&args.decisions, &args.look))?;
    let is_done = status == 0 && !options.dry_run;
    Ok(if is_done { late(context, &record) } else { status })
}

/// A conflict names all ways out.
fn advise(error: cowry_shell_core::Error, id: &str) -> Failure {
    match Failure::from(error) {
        Failure::Said { status: crate::status::CONFLICT, line } => Failure::with_status(
            crate::status::CONFLICT,
            format!(
                "{line}; `cowry runs commit {id} --theirs` takes the run's version, `--ours` leaves those paths out, `--merge` merges"
            ),
        ),
        failure => failure,
    }
}

fn drop_kept(context: &mut Context, args: &DropArgs) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let id = workspace.run_drop(&args.id)?.id;
    context.out.note(&format!("dropped what run {id} wrote; its record stays"));
    if context.out.json {
        context.out.object(&json!({ "run": id, "dropped": true }))?;
    }
    Ok(0)
}

fn finish(context: &mut Context, args: &FinishArgs) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let how = match (args.overwrite, args.drop) {
        (true, _) => Finish::Overwrite,
        (_, true) => Finish::Drop,
        _ => Finish::Retry,
    };
    let (id, buckets) = workspace.run_finish(&args.id, how)?;
    let status = report::buckets(&mut context.out, &buckets, &id);
    if context.out.json {
        let buckets: Vec<Value> = buckets.iter().map(bucket_json).collect();
        context.out.object(&json!({ "run": id, "buckets": buckets, "status": status }))?;
    }
    Ok(status)
}
