//! Diffs: unified for text, a line for everything else, or sums only.

use cowry_shell_core::units::format_size;
use cowry_shell_core::{Change, ChangeKind, ContentDiff, Diff};

use super::changes::{change_line, legible, shown, summary};
use crate::failure::Outcome;
use crate::style::Style;

/// The whole diff as lines.
pub fn diff_lines(diff: &Diff, style: Style) -> Outcome<Vec<String>> {
    let mut lines = Vec::new();
    for change in &diff.changes {
        one(&mut lines, diff, change, style)?;
    }
    Ok(lines)
}

/// A headline for the path, then its content.
fn one(lines: &mut Vec<String>, diff: &Diff, change: &Change, style: Style) -> Outcome<()> {
    let is_dir = change.after.or(change.before).is_some_and(|stat| stat.is_dir());
    let from = change.from.as_ref().map(|path| path.as_str());
    let mut head = change_line(change.kind, change.path.as_str(), from, is_dir, style);
    if let Some(attributes) = attributes(change) {
        head.push_str(&style.faint(&format!(" ({attributes})")));
    }
    lines.push(head);
    match diff.content(change)? {
        ContentDiff::Same => {}
        ContentDiff::Text { unified, .. } => {
            let (head, hunks) = (unified.lines().take(2), unified.lines().skip(2));
            lines.extend(head.map(|line| style.strong(&shown(line))));
            lines.extend(hunks.map(|line| paint(line, style)));
        }
        ContentDiff::Binary { before, after } => lines.push(format!("  binary: {}", sizes(before, after))),
        ContentDiff::TooLarge { before, after } => {
            lines.push(format!("  too large to compare by line: {}", sizes(before, after)));
        }
        ContentDiff::Link { before, after } => {
            lines.extend(before.map(|target| style.removed(&format!("-link to {}", shown(&target)))));
            lines.extend(after.map(|target| style.added(&format!("+link to {}", shown(&target)))));
        }
    }
    Ok(())
}

/// What differs beside the content, where it was there before.
fn attributes(change: &Change) -> Option<String> {
    let (before, after) = (change.before?, change.after?);
    let mut told = Vec::new();
    if before.mode != after.mode {
        told.push(format!("mode {:04o} -> {:04o}", before.mode, after.mode));
    }
    if (before.uid, before.gid) != (after.uid, after.gid) {
        told.push(format!("owner {}:{} -> {}:{}", before.uid, before.gid, after.uid, after.gid));
    }
    if told.is_empty() && change.kind == ChangeKind::Modified && !change.content {
        told.push("attributes".into());
    }
    (!told.is_empty()).then(|| told.join(", "))
}

fn paint(line: &str, style: Style) -> String {
    // A tab is text, a carriage return at the end is a difference worth seeing.
    let line = legible(line);
    match line.as_bytes().first() {
        Some(b'+') => style.added(&line),
        Some(b'-') => style.removed(&line),
        Some(b'@') => style.place(&line),
        _ => line,
    }
}

fn sizes(before: Option<u64>, after: Option<u64>) -> String {
    match (before, after) {
        (None, Some(after)) => format_size(after),
        (Some(before), None) => format!("{} removed", format_size(before)),
        (Some(before), Some(after)) if before == after => format!("{}, content differs", format_size(after)),
        (before, after) => {
            format!("{} -> {}", format_size(before.unwrap_or(0)), format_size(after.unwrap_or(0)))
        }
    }
}

/// One line per path with lines or bytes gained and lost, then the sums.
pub fn stat_lines(diff: &Diff, style: Style) -> Outcome<Vec<String>> {
    let mut rows = Vec::new();
    let mut sums = (0, 0);
    for change in &diff.changes {
        let told = match diff.content(change)? {
            ContentDiff::Same => attributes(change).unwrap_or_default(),
            ContentDiff::Text { added, removed, .. } => {
                sums = (sums.0 + added, sums.1 + removed);
                format!("{} {}", style.added(&format!("+{added}")), style.removed(&format!("-{removed}")))
            }
            ContentDiff::Binary { before, after } => format!("binary {}", sizes(before, after)),
            ContentDiff::TooLarge { before, after } => sizes(before, after),
            ContentDiff::Link { .. } => "link".into(),
        };
        let is_dir = change.after.or(change.before).is_some_and(|stat| stat.is_dir());
        let from = change.from.as_ref().map(|path| path.as_str());
        let path = change_line(change.kind, change.path.as_str(), from, is_dir, Style::PLAIN);
        rows.push((change.kind, path, told));
    }
    let width = rows.iter().map(|(_, path, _)| path.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = rows
        .into_iter()
        .map(|(kind, path, told)| {
            let padded = format!("{path:<width$}");
            let painted = match kind {
                ChangeKind::Added => style.added(&padded),
                ChangeKind::Removed => style.removed(&padded),
                ChangeKind::Modified => style.modified(&padded),
                ChangeKind::Renamed => style.place(&padded),
            };
            format!("{painted}  {told}").trim_end().to_owned()
        })
        .collect();
    lines.push(format!("{}; {} lines added, {} removed", summary(diff.summary()), sums.0, sums.1));
    Ok(lines)
}
