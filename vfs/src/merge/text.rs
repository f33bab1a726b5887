//! Text by lines: what each side did to the base, put together where it does not touch.

use std::collections::HashMap;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, Token};

use super::content::Clash;

/// The most lines of a text. It bounds the memory.
const LINES_MAX: usize = 4_000_000;
/// The most lines between the first that differs and the last. It bounds the work, together with the heuristics of
/// the comparison, which settle for a longer difference where the shortest would take quadratic time.
pub(super) const DIFFERING_MAX: usize = 200_000;

/// Merges by lines. A line is what ends in `\n`, its end included, so the bytes of a result are all of one side's.
///
/// Changes that touch or overlap clash unless they are the same; so nothing that one side wrote is dropped
/// without a word.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Clash> {
    let mut lines = Lines::default();
    let (base, ours, theirs) = (lines.split(base)?, lines.split(ours)?, lines.split(theirs)?);
    let (our_hunks, their_hunks) = (lines.hunks(&base, &ours)?, lines.hunks(&base, &theirs)?);
    let ours = Side { text: &ours, hunks: &our_hunks, at: 0 };
    let theirs = Side { text: &theirs, hunks: &their_hunks, at: 0 };
    Weave { base: &base, ours, theirs, out: Vec::new() }.run()
}

/// A text as numbers of lines: equal lines have equal numbers in all three.
struct Text<'a> {
    bytes: &'a [u8],
    tokens: Vec<Token>,
    /// Where each line begins, and where the last one ends.
    starts: Vec<usize>,
}

impl Text<'_> {
    fn slice(&self, lines: Range<usize>) -> &[u8] {
        &self.bytes[self.starts[lines.start]..self.starts[lines.end]]
    }
}

/// Numbers for lines. The map is of the standard library, whose hashes cannot be foreseen.
#[derive(Default)]
struct Lines<'a> {
    known: HashMap<&'a [u8], u32>,
}

impl<'a> Lines<'a> {
    fn split(&mut self, bytes: &'a [u8]) -> Result<Text<'a>, Clash> {
        let (mut tokens, mut starts, mut at) = (Vec::new(), vec![0], 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if tokens.len() == LINES_MAX {
                return Err(Clash::new(format!("more than {LINES_MAX} lines, so merged as a whole")));
            }
            let next = self.known.len() as u32;
            tokens.push(Token(*self.known.entry(line).or_insert(next)));
            at += line.len();
            starts.push(at);
        }
        Ok(Text { bytes, tokens, starts })
    }

    fn hunks(&self, before: &Text<'_>, after: &Text<'_>) -> Result<Vec<Hunk>, Clash> {
        if differing(&before.tokens, &after.tokens) > DIFFERING_MAX {
            return Err(Clash::new(format!("more than {DIFFERING_MAX} lines differ, so merged as a whole")));
        }
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Myers, &before.tokens, &after.tokens, self.known.len() as u32);
        Ok(diff.hunks().collect())
    }
}

/// How many lines lie between what the two begin with and what they end with, of the one that has more.
fn differing(a: &[Token], b: &[Token]) -> usize {
    let shorter = a.len().min(b.len());
    let same = |pairs: &mut dyn Iterator<Item = (&Token, &Token)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut a.iter().zip(b));
    let tail = same(&mut a.iter().rev().zip(b.iter().rev())).min(shorter - head);
    a.len().max(b.len()) - head - tail
}

/// One side: its text, what it changed, and how much of that is done.
struct Side<'a> {
    text: &'a Text<'a>,
    hunks: &'a [Hunk],
    at: usize,
}

impl Side<'_> {
    fn next_start(&self) -> Option<usize> {
        self.hunks.get(self.at).map(|hunk| hunk.before.start as usize)
    }

    /// Takes the next hunk if it begins within or right after `region`, and widens that.
    fn take(&mut self, region: &mut Range<usize>) -> bool {
        let Some(hunk) = self.hunks.get(self.at).filter(|hunk| hunk.before.start as usize <= region.end)
        else {
            return false;
        };
        region.end = region.end.max(hunk.before.end as usize);
        self.at += 1;
        true
    }

    /// What stands here for `region` of the base, given the hunks that were taken of it.
    fn lines(&self, region: &Range<usize>, taken: Range<usize>) -> &[u8] {
        let (first, last) = (&self.hunks[taken.start], &self.hunks[taken.end - 1]);
        let start = first.after.start as usize - (first.before.start as usize - region.start);
        let end = last.after.end as usize + (region.end - last.before.end as usize);
        self.text.slice(start..end)
    }
}

struct Weave<'a> {
    base: &'a Text<'a>,
    ours: Side<'a>,
    theirs: Side<'a>,
    out: Vec<u8>,
}

impl Weave<'_> {
    fn run(mut self) -> Result<Vec<u8>, Clash> {
        let mut at = 0;
        while let Some(start) = [self.ours.next_start(), self.theirs.next_start()].into_iter().flatten().min()
        {
            self.out.extend_from_slice(self.base.slice(at..start));
            at = self.region(start)?;
        }
        self.out.extend_from_slice(self.base.slice(at..self.base.tokens.len()));
        Ok(self.out)
    }

    /// Settles everything that hangs together from line `start` of the base on; returns where it ends.
    fn region(&mut self, start: usize) -> Result<usize, Clash> {
        let mut region = start..start;
        let (ours_from, theirs_from) = (self.ours.at, self.theirs.at);
        while self.ours.take(&mut region) || self.theirs.take(&mut region) {}
        let (ours, theirs) = (ours_from..self.ours.at, theirs_from..self.theirs.at);
        let chosen = match (ours.is_empty(), theirs.is_empty()) {
            (false, true) => self.ours.lines(&region, ours),
            (true, _) => self.theirs.lines(&region, theirs),
            (false, false) => {
                let (ours, theirs) = (self.ours.lines(&region, ours), self.theirs.lines(&region, theirs));
                if ours != theirs {
                    return Err(Clash::new(place(&region)));
                }
                ours
            }
        };
        self.out.extend_from_slice(chosen);
        Ok(region.end)
    }
}

/// Where both changed something, in lines of the base, counted from 1.
fn place(region: &Range<usize>) -> String {
    match region.len() {
        0 => format!("both added lines after line {}", region.start),
        1 => format!("both changed line {}", region.start + 1),
        _ => format!("both changed lines {}-{}", region.start + 1, region.end),
    }
}
