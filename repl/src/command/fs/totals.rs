//! What an import or an export has done, in words and as an object.

use cowry_shell_core::transfer::Totals;
use cowry_shell_core::units::format_size;
use serde_json::{Value, json};

use crate::output::Output;
use crate::render::shown;
use crate::status;

/// The most skipped entries that are named.
const NAMED: usize = 10;

/// The bytes in words.
pub fn size(done: &Totals) -> String {
    format_size(done.bytes)
}

/// Names what was left out, `--quiet` or not; in `--json` the object has it.
pub fn tell_skipped(out: &mut Output, done: &Totals) {
    if out.json {
        return;
    }
    for skipped in done.skipped.iter().take(NAMED) {
        out.say(&format!("skipped {}: {}", shown(&skipped.path), skipped.reason));
    }
    let named = done.skipped.len().min(NAMED) as u64;
    if done.skipped_count > named {
        out.say(&format!("skipped {} more", done.skipped_count - named));
    }
}

/// The exit status: all arrived, or something was left out.
pub fn status(done: &Totals) -> u8 {
    if done.skipped_count == 0 { 0 } else { status::SKIPPED }
}

/// The object of `--json`.
pub fn object(done: &Totals) -> Value {
    let skipped = done.skipped.iter().map(|s| json!({ "path": s.path, "reason": s.reason }));
    json!({
        "files": done.files,
        "directories": done.directories,
        "symlinks": done.symlinks,
        "hardLinks": done.hard_links,
        "bytes": done.bytes,
        "skipped": skipped.collect::<Vec<_>>(),
        "skippedCount": done.skipped_count,
    })
}
