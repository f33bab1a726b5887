//! The objects of `--json`. Their members are part of the interface: they are named in camelCase, times are
//! ISO 8601, sizes bytes, durations milliseconds.

use std::time::Duration;

use cowry_shell_core::{
    Change, ChangeKind, ChangeRecord, ContentDiff, Diff, DirEntry, Event, Fate, FileType, Level, LogLine,
    Outcome as RunOutcome, RunRecord, TimeLimit, Value as RunValue, VerdictRecord, Vfs,
};
use serde_json::{Map, Value, json};

use super::run::outcome_status;
use super::time::iso;
use crate::failure::Outcome;

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The word for a kind of change.
pub fn kind_word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified => "modified",
        ChangeKind::Renamed => "renamed",
    }
}

/// The word for a kind of node.
pub fn node_word(kind: FileType) -> &'static str {
    match kind {
        FileType::Regular => "file",
        FileType::Directory => "directory",
        FileType::Symlink => "symlink",
        FileType::Fifo => "fifo",
        FileType::CharDevice => "char-device",
        FileType::BlockDevice => "block-device",
        FileType::Socket => "socket",
    }
}

/// One changed path.
pub fn change(change: &Change) -> Value {
    let stat = change.after.or(change.before);
    json!({
        "path": change.path.as_str(),
        "kind": kind_word(change.kind),
        "from": change.from.as_ref().map(|path| path.as_str()),
        "node": stat.map(|stat| node_word(stat.kind)),
        "sizeBefore": change.before.map(|stat| stat.size),
        "sizeAfter": change.after.map(|stat| stat.size),
        "content": change.content,
    })
}

fn recorded_change(change: &ChangeRecord) -> Value {
    let verdict = match change.verdict {
        VerdictRecord::Persist => "persist".to_owned(),
        VerdictRecord::Discard => "discard".to_owned(),
        VerdictRecord::Expire(ttl) => format!("expire {ttl}"),
    };
    json!({
        "path": change.path,
        "kind": kind_word(change.kind),
        "from": change.from,
        "node": node_word(change.node),
        "sizeBefore": change.before,
        "sizeAfter": change.after,
        "verdict": verdict,
    })
}

/// A diff: each change with its unified text, unless only sums are wanted.
pub fn diff(diff: &Diff, with_text: bool) -> Outcome<Value> {
    let mut changes = Vec::new();
    for one in &diff.changes {
        let mut object = change(one);
        match diff.content(one)? {
            ContentDiff::Text { unified, added, removed } => {
                object["linesAdded"] = json!(added);
                object["linesRemoved"] = json!(removed);
                if with_text {
                    object["unified"] = json!(unified);
                }
            }
            ContentDiff::Binary { .. } | ContentDiff::TooLarge { .. } => object["binary"] = json!(true),
            ContentDiff::Link { before, after } => {
                object["targetBefore"] = json!(before);
                object["targetAfter"] = json!(after);
            }
            ContentDiff::Same => {}
        }
        changes.push(object);
    }
    let sums = diff.summary();
    Ok(json!({
        "added": sums.added,
        "modified": sums.modified,
        "renamed": sums.renamed,
        "removed": sums.removed,
        "changes": changes,
    }))
}

/// How a program ended.
pub fn outcome(outcome: &RunOutcome) -> Value {
    match outcome {
        RunOutcome::Completed { exit_code } => json!({ "kind": "completed", "exitCode": exit_code }),
        RunOutcome::Threw(thrown) => {
            let frame = |frame: &cowry_shell_core::Frame| {
                json!({
                    "function": frame.function, "file": frame.file, "line": frame.line, "column": frame.column,
                })
            };
            json!({
                "kind": "threw",
                "name": thrown.name,
                "message": thrown.message,
                "text": thrown.text,
                "frames": thrown.frames.iter().map(frame).collect::<Vec<_>>(),
            })
        }
        RunOutcome::Misused { message } => json!({ "kind": "misused", "message": message }),
        RunOutcome::TimedOut(TimeLimit::Cpu) => json!({ "kind": "timed-out", "limit": "cpu" }),
        RunOutcome::TimedOut(TimeLimit::Wall) => json!({ "kind": "timed-out", "limit": "wall" }),
        RunOutcome::OutOfMemory => json!({ "kind": "out-of-memory" }),
        RunOutcome::Interrupted => json!({ "kind": "interrupted" }),
        RunOutcome::Killed { reason } => json!({ "kind": "killed", "reason": reason }),
        RunOutcome::Crashed { signal, stderr } => {
            json!({ "kind": "crashed", "signal": signal, "stderr": stderr })
        }
        _ => json!({ "kind": "failed" }),
    }
}

/// A result: the value itself; text that is no JSON as a string; `null` where there is none.
pub fn value(value: Option<&RunValue>) -> Value {
    let Some(value) = value else { return Value::Null };
    let parsed = value.json.as_ref().and_then(|text| serde_json::from_str(text).ok());
    parsed
        .or_else(|| value.text.clone().map(Value::String))
        .or_else(|| value.rendered.clone().map(Value::String))
        .unwrap_or(Value::Null)
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Log => "log",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// One thing a program prints, as it happens.
pub fn event(event: &Event) -> Option<Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let line = match event {
        Event::Console { level, at, text } => LogLine::Console { level: *level, at: *at, text: text.clone() },
        Event::Stdout(bytes) => LogLine::Stdout(text(bytes)),
        Event::Stderr(bytes) => LogLine::Stderr(text(bytes)),
        Event::LogsDropped { .. } => return None,
    };
    Some(log_line(&line))
}

/// One thing a program printed.
pub fn log_line(line: &LogLine) -> Value {
    match line {
        LogLine::Console { level, at, text } => {
            json!({ "stream": "console", "level": level_word(*level), "at": iso(*at), "text": text })
        }
        LogLine::Stdout(text) => json!({ "stream": "stdout", "text": text }),
        LogLine::Stderr(text) => json!({ "stream": "stderr", "text": text }),
    }
}

fn fate_word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Unchanged => "unchanged",
        Fate::Committed { .. } => "committed",
        Fate::DryRun => "dry-run",
        Fate::Failed => "failed",
        Fate::Conflict => "conflict",
        Fate::Scratch => "scratch",
        Fate::CommitFailed { .. } => "commit-failed",
        Fate::Dropped => "dropped",
    }
}

/// What a list of runs tells of one.
pub fn run_summary(record: &RunRecord) -> Value {
    json!({
        "id": record.id,
        "program": record.program.name,
        "started": iso(record.started),
        "wallMs": millis(record.duration()),
        "outcome": outcome(&record.outcome),
        "files": fate_word(&record.fate),
        "revision": record.revision(),
    })
}

/// Everything a record tells, with the result given (`whole`) or the one it recorded.
pub fn run(record: &RunRecord, whole: Option<&RunValue>) -> Value {
    let usage = &record.usage;
    let conflict = |c: &cowry_shell_core::ConflictRecord| json!({ "path": c.path, "what": c.what });
    json!({
        "id": record.id,
        "program": { "name": record.program.name, "blake3": record.program.hash },
        "inputBlake3": record.input_hash,
        "args": record.args,
        "envNames": record.env_names,
        "seed": record.seed,
        "message": record.message,
        "started": iso(record.started),
        "ended": iso(record.ended),
        "status": outcome_status(&record.outcome),
        "outcome": outcome(&record.outcome),
        "result": value(whole.or(record.result.as_ref())),
        "usage": {
            "cpuMs": millis(usage.cpu),
            "wallMs": millis(usage.wall),
            "peakMemoryBytes": usage.peak_memory_bytes,
            "heapBytes": usage.heap_bytes,
        },
        "logs": record.logs.iter().map(log_line).collect::<Vec<_>>(),
        "logsDroppedBytes": record.logs_dropped,
        "base": record.base,
        "files": fate_word(&record.fate),
        "revision": record.revision(),
        "changes": record.changes.iter().map(recorded_change).collect::<Vec<_>>(),
        "changesOmitted": record.changes_omitted,
        "conflicts": record.conflicts.iter().map(conflict).collect::<Vec<_>>(),
        "keptUntil": record.kept_until.map(iso),
        "keptMounts": record.kept_mounts,
        "unread": record.unread.iter().map(conflict).collect::<Vec<_>>(),
        "lost": record.lost.iter().map(conflict).collect::<Vec<_>>(),
        "buckets": record.buckets.iter().map(super::bucket_json).collect::<Vec<_>>(),
        "dryRun": record.dry_run,
        "policy": policy(record),
        "lockdown": { "applied": record.lockdown.applied, "missing": record.lockdown.missing },
    })
}

fn policy(record: &RunRecord) -> Value {
    let policy = &record.policy;
    let rule = |rule: &cowry_shell_core::RuleRecord| {
        let mut object = Map::new();
        object.insert("glob".into(), json!(rule.glob));
        object.insert("keep".into(), json!(rule.keep));
        object.insert("when".into(), json!(rule.when));
        object.extend(rule.ttl.map(|ttl| ("ttl".into(), json!(ttl.to_string()))));
        object.extend(rule.to.as_ref().map(|to| ("to".into(), json!(to))));
        Value::Object(object)
    };
    let mount = |mount: &cowry_shell_core::MountRecord| json!({ "at": mount.at, "source": mount.source, "mode": if mount.writable { "rw" } else { "ro" } });
    json!({
        "default": if policy.persist_by_default { "persist" } else { "discard" },
        "rules": policy.rules.iter().map(rule).collect::<Vec<_>>(),
        "mounts": policy.mounts.iter().map(mount).collect::<Vec<_>>(),
        "strict": policy.strict,
        "limits": {
            "memoryBytes": policy.limits.memory_bytes,
            "cpuMs": millis(policy.limits.cpu),
            "wallMs": millis(policy.limits.wall),
            "scratchBytes": policy.limits.scratch_bytes,
        },
    })
}

/// One entry of a directory.
pub fn entry(tree: &Vfs, entry: &DirEntry, path: &str) -> Value {
    let stat = &entry.stat;
    let mut object = json!({
        "name": entry.name.as_str(),
        "node": node_word(stat.kind),
        "mode": format!("{:04o}", stat.mode),
        "size": stat.size,
        "uid": stat.uid,
        "gid": stat.gid,
        "links": stat.nlink,
        "modified": iso(stat.mtime),
    });
    if stat.is_symlink() {
        object["target"] = json!(tree.readlink(path).ok());
    }
    object
}
