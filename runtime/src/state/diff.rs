//! Unified diffs.

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// What turns one text into another, as `patch` takes it; nothing if they are equal.
pub(crate) fn unified(from: &str, to: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let start = same.saturating_sub(CONTEXT);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let shown = tail.min(CONTEXT);
    let range = |len: usize| format!("{},{}", if len == 0 { 0 } else { start + 1 }, len);
    let (removed, added) = (range(old_end + shown - start), range(new_end + shown - start));
    let mut out = format!("--- {from}\n+++ {to}\n@@ -{removed} +{added} @@\n");
    push(&mut out, ' ', &old[start..same]);
    push(&mut out, '-', &old[same..old_end]);
    push(&mut out, '+', &new[same..new_end]);
    push(&mut out, ' ', &old[old_end..old_end + shown]);
    out
}

fn push(out: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}
