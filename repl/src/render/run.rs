//! Runs: how one ended, and everything its record tells.

use cowry_shell_core::units::{format_duration, format_size};
use cowry_shell_core::{
    BucketRecord, ChangeRecord, ConflictRecord, Fate, FileType, Level, Limits, LogLine,
    Outcome as RunOutcome, RunRecord, TimeLimit, Timestamp, VerdictRecord,
};

use super::buckets::{BucketLine, bucket_line, bucket_plan};
use super::changes::{change_line, shown};
use super::time::iso;
use crate::status;
use crate::style::Style;

/// The exit status that tells of an outcome.
pub fn outcome_status(outcome: &RunOutcome) -> u8 {
    match outcome {
        // What does not fit into a status is as the system would cut it.
        RunOutcome::Completed { exit_code } => (exit_code & 0xff) as u8,
        RunOutcome::Threw(_) => status::THREW,
        RunOutcome::TimedOut(_) => status::TIMED_OUT,
        RunOutcome::OutOfMemory | RunOutcome::Killed { .. } => status::KILLED,
        RunOutcome::Interrupted => status::INTERRUPTED,
        RunOutcome::Crashed { .. } => status::CRASHED,
        _ => status::COWRY,
    }
}

/// An outcome in a word or two, for lists.
pub fn outcome_word(outcome: &RunOutcome) -> String {
    match outcome {
        RunOutcome::Completed { exit_code: 0 } => "completed".into(),
        RunOutcome::Completed { exit_code } => format!("exit {exit_code}"),
        RunOutcome::Threw(_) => "threw".into(),
        RunOutcome::Misused { .. } => "misused".into(),
        RunOutcome::TimedOut(TimeLimit::Cpu) => "timed out (cpu)".into(),
        RunOutcome::TimedOut(TimeLimit::Wall) => "timed out (wall)".into(),
        RunOutcome::OutOfMemory => "out of memory".into(),
        RunOutcome::Interrupted => "interrupted".into(),
        RunOutcome::Killed { .. } => "killed".into(),
        RunOutcome::Crashed { .. } => "crashed".into(),
        _ => "failed".into(),
    }
}

/// Why a program did not succeed, and what to do about it; `None` where it did, or where it has said so
/// itself by its exit status.
pub fn outcome_line(outcome: &RunOutcome, limits: &Limits) -> Option<String> {
    Some(match outcome {
        RunOutcome::Completed { .. } => return None,
        RunOutcome::Threw(thrown) => thrown.text.trim_end().to_owned(),
        RunOutcome::Misused { message } => message.clone(),
        RunOutcome::TimedOut(TimeLimit::Cpu) => {
            format!(
                "timed out: it used {} of processor time; --cpu gives it more",
                format_duration(limits.cpu)
            )
        }
        RunOutcome::TimedOut(TimeLimit::Wall) => {
            format!("timed out after {}; --wall gives it more", format_duration(limits.wall))
        }
        RunOutcome::OutOfMemory => {
            format!(
                "out of memory: its limit is {}; --memory gives it more",
                format_size(limits.memory_bytes)
            )
        }
        RunOutcome::Interrupted => "interrupted".into(),
        RunOutcome::Killed { reason } => format!("killed: {reason}"),
        RunOutcome::Crashed { signal, stderr } => {
            let by = signal.map(|signal| format!(" by signal {signal}")).unwrap_or_default();
            let last =
                stderr.trim().lines().last().map(|line| format!(": {}", shown(line))).unwrap_or_default();
            format!("the sandbox crashed{by}{last}")
        }
        _ => "it failed".into(),
    })
}

/// What became of the files, in words.
pub fn fate_words(fate: &Fate) -> String {
    match fate {
        Fate::Unchanged => "nothing to commit".into(),
        Fate::Committed { revision } => format!("committed as revision {revision}"),
        Fate::DryRun => "not committed (dry run)".into(),
        Fate::Failed => "not committed (it failed)".into(),
        Fate::Conflict => "not committed (conflict)".into(),
        Fate::Scratch => "not committed (no workspace)".into(),
        Fate::CommitFailed { reason } => format!("not committed ({})", shown(reason)),
        Fate::Dropped => "dropped".into(),
    }
}

/// Everything a record tells, for `runs show`.
pub fn record_lines(record: &RunRecord, now: Timestamp, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut field =
        |name: &str, value: String| lines.push(format!("{} {value}", style.faint(&format!("{name:<9}"))));
    field("run", style.strong(&record.id));
    field("program", shown(&format!("{} (blake3 {})", record.program.name, short(&record.program.hash))));
    if !record.args.is_empty() {
        field("args", shown(&record.args.join(" ")));
    }
    if let Some(hash) = &record.input_hash {
        field("input", format!("blake3 {}", short(hash)));
    }
    field("started", iso(record.started));
    let usage = &record.usage;
    field("took", format!("{} wall, {} cpu", millis(record.duration()), millis(usage.cpu)));
    field("memory", format!("{} at most", format_size(usage.peak_memory_bytes)));
    field("outcome", outcome_word(&record.outcome));
    field("base", format!("revision {}", record.base));
    field("files", fate_words(&record.fate));
    if let Some(until) = record.kept_until.filter(|_| record.is_kept(now)) {
        field("kept", format!("until {} (`cowry runs diff {}`)", iso(until), record.id));
    }
    for bucket in &record.buckets {
        field("bucket", bucket_words(record, bucket));
    }
    if let Some(message) = &record.message {
        field("message", shown(message));
    }
    if !record.lockdown.missing.is_empty() {
        field("lockdown", style.modified(&format!("missing: {}", record.lockdown.missing.join(", "))));
    }
    lines.extend(section("conflicts", conflict_lines(record)));
    lines.extend(section("not read", path_lines(&record.unread)));
    lines.extend(section("lost", path_lines(&record.lost)));
    lines.extend(section("changes", recorded_changes(record, style)));
    lines.extend(section("error", error_lines(record)));
    lines.extend(section("log", log_lines(record, style)));
    lines
}

fn bucket_words(record: &RunRecord, bucket: &BucketRecord) -> String {
    match bucket_line(bucket, &record.id) {
        _ if record.dry_run => bucket_plan(bucket),
        BucketLine::Said(line) | BucketLine::Failed(_, line) => line,
    }
}

fn section(name: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    [String::new(), format!("{name}:")]
        .into_iter()
        .chain(lines.into_iter().map(|line| format!("  {line}")))
        .collect()
}

fn conflict_lines(record: &RunRecord) -> Vec<String> {
    record.conflicts.iter().map(|conflict| format!("{}: {}", shown(&conflict.path), conflict.what)).collect()
}

fn path_lines(paths: &[ConflictRecord]) -> Vec<String> {
    paths.iter().map(|told| format!("{}: {}", shown(&told.path), shown(&told.what))).collect()
}

fn error_lines(record: &RunRecord) -> Vec<String> {
    outcome_line(&record.outcome, &record.policy.limits)
        .iter()
        .flat_map(|text| text.lines())
        .map(shown)
        .collect()
}

fn recorded_changes(record: &RunRecord, style: Style) -> Vec<String> {
    let mut lines: Vec<String> = record.changes.iter().map(|change| recorded_change(change, style)).collect();
    if record.changes_omitted > 0 {
        lines.push(format!("and {} more", record.changes_omitted));
    }
    lines
}

fn recorded_change(change: &ChangeRecord, style: Style) -> String {
    let is_dir = change.node == FileType::Directory;
    let line = change_line(change.kind, &change.path, change.from.as_deref(), is_dir, style);
    match change.verdict {
        VerdictRecord::Persist => line,
        VerdictRecord::Discard => format!("{line} {}", style.faint("(discard)")),
        VerdictRecord::Expire(ttl) => format!("{line} {}", style.faint(&format!("(expires after {ttl})"))),
    }
}

fn log_lines(record: &RunRecord, style: Style) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in &record.logs {
        let (text, is_error) = match line {
            LogLine::Console { level, text, .. } => (text, *level >= Level::Warn),
            LogLine::Stdout(text) => (text, false),
            LogLine::Stderr(text) => (text, true),
        };
        let paint = |line: &str| if is_error { style.removed(&shown(line)) } else { shown(line) };
        lines.extend(text.trim_end_matches('\n').split('\n').map(paint));
    }
    if record.logs_dropped > 0 {
        lines.push(format!("[{} of log dropped]", format_size(record.logs_dropped)));
    }
    lines
}

/// The first letters of a hash, enough for people.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// A duration to the millisecond.
pub fn millis(duration: std::time::Duration) -> String {
    match duration.as_millis() {
        0..10_000 => format!("{} ms", duration.as_millis()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
