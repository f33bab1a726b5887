//! Unified diffs that `patch` accepts, in linear space and near-linear time.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, Token};

use super::{State, StateError};

/// Lines before and after what changed.
const CONTEXT: usize = 3;
/// The most lines between the first that differs and the last for which the difference is looked for; past it, all of
/// them count as replaced, which is right too. It bounds the work together with the heuristics of the comparison.
const DIFFERING_MAX: usize = 200_000;

impl State<'_> {
    /// How two files differ; nothing if they do not. Of what is no UTF-8 it says only that.
    ///
    /// # Errors
    /// `EFBIG` for a file of more than 64 MiB; those of reading.
    pub(crate) fn diff(&self, a: &str, b: &str) -> Result<String, StateError> {
        let (old, new) = (self.read_whole(a)?, self.read_whole(b)?);
        Ok(of_bytes(a, b, &old, &new))
    }

    /// How a file would differ if it had another content.
    ///
    /// # Errors
    /// As [`State::diff`].
    pub(crate) fn diff_content(&self, path: &str, content: &str) -> Result<String, StateError> {
        let old = self.read_whole(path)?;
        Ok(of_bytes(path, path, &old, content.as_bytes()))
    }
}

/// How contents differ: texts line by line, anything else in one line, as `git diff` has it; nothing if they are equal.
pub(super) fn of_bytes(from: &str, to: &str, before: &[u8], after: &[u8]) -> String {
    match (std::str::from_utf8(before), std::str::from_utf8(after)) {
        (Ok(before), Ok(after)) => unified(from, to, before, after),
        _ if before == after => String::new(),
        _ => format!("Binary files {} and {} differ\n", label(from), label(to)),
    }
}

/// What turns one text into another, as `patch` takes it, with three lines of context; nothing if they are equal.
pub(crate) fn unified(from: &str, to: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (old, new) = (lines(before), lines(after));
    let mut out = format!("--- {}\n+++ {}\n", label(from), label(to));
    for hunk in hunks(&changes(&old, &new)) {
        write_hunk(&hunk, &old, &new, &mut out);
    }
    out
}

/// A path that stays on its line.
fn label(path: &str) -> String {
    path.replace('\n', "\\n").replace('\t', "\\t")
}

/// A line is what ends in a line feed, its end included.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Lines of the old text that other lines of the new one stand for.
#[derive(Clone, PartialEq, Debug)]
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let shorter = old.len().min(new.len());
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let same_tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = same_tail.min(shorter - head);
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if old_middle.len().max(new_middle.len()) > DIFFERING_MAX {
        return vec![Change { old: head..old.len() - tail, new: head..new.len() - tail }];
    }
    // The map is of the standard library, whose hashes cannot be foreseen.
    let mut known = HashMap::new();
    let [old_tokens, new_tokens] = [old_middle, new_middle].map(|lines| tokens(lines, &mut known));
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Myers, &old_tokens, &new_tokens, known.len() as u32);
    let at = |range: Range<u32>| head + range.start as usize..head + range.end as usize;
    diff.hunks().map(|hunk| Change { old: at(hunk.before), new: at(hunk.after) }).collect()
}

fn tokens<'a>(lines: &[&'a str], known: &mut HashMap<&'a str, u32>) -> Vec<Token> {
    let number = |line: &&'a str| {
        let next = known.len() as u32;
        Token(*known.entry(*line).or_insert(next))
    };
    lines.iter().map(number).collect()
}

/// Changes that are so near that their context would touch, together.
fn hunks(changes: &[Change]) -> Vec<Vec<Change>> {
    let mut hunks: Vec<Vec<Change>> = Vec::new();
    for change in changes {
        match hunks.last_mut() {
            Some(hunk) if change.old.start - hunk[hunk.len() - 1].old.end <= 2 * CONTEXT => {
                hunk.push(change.clone());
            }
            _ => hunks.push(vec![change.clone()]),
        }
    }
    hunks
}

fn write_hunk(hunk: &[Change], old: &[&str], new: &[&str], out: &mut String) {
    let (first, last) = (&hunk[0], &hunk[hunk.len() - 1]);
    let before = CONTEXT.min(first.old.start);
    let after = CONTEXT.min(old.len() - last.old.end);
    let old_range = first.old.start - before..last.old.end + after;
    let new_range = first.new.start - before..last.new.end + after;
    let _ = writeln!(out, "@@ -{} +{} @@", position(&old_range), position(&new_range));
    let mut at = old_range.start;
    for change in hunk {
        old[at..change.old.start].iter().for_each(|line| write_line(' ', line, out));
        old[change.old.clone()].iter().for_each(|line| write_line('-', line, out));
        new[change.new.clone()].iter().for_each(|line| write_line('+', line, out));
        at = change.old.end;
    }
    old[at..old_range.end].iter().for_each(|line| write_line(' ', line, out));
}

/// The number of the first line and how many there are; of none, the number of the line before.
fn position(lines: &Range<usize>) -> String {
    let first = if lines.is_empty() { lines.start } else { lines.start + 1 };
    format!("{first},{}", lines.len())
}

fn write_line(sign: char, line: &str, out: &mut String) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}
