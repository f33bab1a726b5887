//! What a run writes to buckets, in words.

use cowry_shell_core::BucketRecord;
use cowry_shell_core::units::format_size;
use serde_json::{Value, json};

use super::{counted, shown};
use crate::status;

/// How it went with one bucket.
pub enum BucketLine {
    /// All is well, or nothing was to be done yet.
    Said(String),
    /// Something is left: what to say, and the status to leave with.
    Failed(u8, String),
}

/// What would be written to a bucket.
pub fn bucket_plan(record: &BucketRecord) -> String {
    let place = shown(&record.address);
    match &record.mount {
        None => format!("would promote {} to {place}", counted(record.left, "file")),
        Some(mount) => {
            format!("would write {} of {} to {place}", counted(record.left, "object"), shown(mount))
        }
    }
}

/// What was written to a bucket, by the run or commit `id`, and what to do about the rest.
pub fn bucket_line(record: &BucketRecord, id: &str) -> BucketLine {
    let (place, left) = (shown(&record.address), record.left);
    if let Some(why) = record.trouble.as_ref().filter(|_| left > 0) {
        let what = match record.mount {
            None => format!("{} not promoted to {place}", are(left, record.done, "file")),
            Some(_) => format!("{} not written to {place}", are(left, record.done, "object")),
        };
        return BucketLine::Failed(
            status::COWRY,
            format!("{what}: {}; nothing is lost: `cowry runs finish {id}` tries again", shown(why)),
        );
    }
    if left > 0 {
        return BucketLine::Failed(status::CONFLICT, conflict_line(record, id));
    }
    let bytes = format_size(record.bytes);
    let written = record.done.saturating_sub(record.removed);
    let did = match (&record.mount, written, record.removed) {
        (None, ..) => format!("promoted {} ({bytes}) to {place}", counted(record.done, "file")),
        (Some(_), 0, 1..) => format!("removed {} from {place}", counted(record.removed, "object")),
        (Some(_), _, 0) => format!("wrote {} ({bytes}) to {place}", counted(written, "object")),
        (Some(_), ..) => {
            format!("wrote {} ({bytes}) to {place}, removed {}", counted(written, "object"), record.removed)
        }
    };
    let rest = record.trouble.as_ref().map(|why| format!("; {}", shown(why))).unwrap_or_default();
    BucketLine::Said(format!("{did}{rest}"))
}

/// `2 of 5 files are`
fn are(left: u64, done: u64, what: &str) -> String {
    let verb = if left == 1 { "is" } else { "are" };
    if done == 0 {
        return format!("{} {verb}", counted(left, what));
    }
    format!("{left} of {} {verb}", counted(left + done, what))
}

/// Names the first few objects and all ways out.
fn conflict_line(record: &BucketRecord, id: &str) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = record.conflicts.iter().take(NAMED).map(|address| shown(address)).collect();
    let more = (record.left as usize).saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let others = if record.done > 0 { format!(" ({} written)", others(record.done)) } else { String::new() };
    let (what, why) = match record.mount {
        Some(_) => ("written", "changed meanwhile"),
        None => ("promoted", "was written later, by another run or somebody else"),
    };
    format!(
        "conflict, not {what}: {}{more} {why}{others}; `cowry runs finish {id} --overwrite` writes over that, \
         `--drop` forgets it",
        named.join(", ")
    )
}

fn others(done: u64) -> String {
    if done == 1 { "1 other was".into() } else { format!("{done} others were") }
}

/// That something is left of an earlier run.
pub fn unfinished_line(record: &BucketRecord, id: &str) -> String {
    let (left, place) = (counted(record.left, "object"), shown(&record.address));
    format!("run {id} has {left} left to write to {place}: `cowry runs finish {id}` does it")
}

/// The same for programs.
pub fn bucket_json(record: &BucketRecord) -> Value {
    json!({
        "address": record.address,
        "mount": record.mount,
        "done": record.done,
        "removed": record.removed,
        "bytes": record.bytes,
        "left": record.left,
        "conflicts": record.conflicts,
        "trouble": record.trouble,
    })
}
