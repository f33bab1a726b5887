//! Two filesystems side by side, and cutting a list down to what matters.

use std::fmt::Write;

use super::exceptions;
use super::op::{Op, SLOTS, Step, Who};
use super::subject::{Answer, Subject, Tree};

/// After so many operations the trees are compared.
const SWEEP: usize = 8;
/// A list is cut down at most so often.
const CUTS: usize = 400;

/// The two that are compared: who is right, and who is judged.
pub struct Pair<'a> {
    /// Says what is right.
    pub oracle: Box<dyn Subject + 'a>,
    /// Is judged.
    pub judged: Box<dyn Subject + 'a>,
}

/// Does a list to a new pair and compares.
///
/// # Errors
/// The first difference, with the shortest list found that shows one; or why there is no pair.
pub fn differ<'a>(make: &mut dyn FnMut() -> Result<Pair<'a>, String>, steps: &[Step]) -> Result<(), String> {
    let Err(difference) = play(&mut make()?, steps, SWEEP) else { return Ok(()) };
    let shown = shrink(make, steps[..=difference.at.min(steps.len() - 1)].to_vec())?;
    let mut text = String::new();
    match shown {
        Some((steps, difference)) => {
            let _ = writeln!(text, "{}\nafter these operations:", difference.what);
            steps.iter().for_each(|step| {
                let _ = writeln!(text, "  {step:?}");
            });
        }
        None => text = format!("{} (not when repeated)", difference.what),
    }
    Err(text)
}

/// A difference, and the operation after which it was seen.
struct Difference {
    at: usize,
    what: String,
}

fn play(pair: &mut Pair<'_>, steps: &[Step], sweep: usize) -> Result<(), Difference> {
    // A handle acts for who opened it, whoever else is about by then.
    let mut openers = [Who::Root; SLOTS];
    for (at, step) in steps.iter().enumerate() {
        let who = step.op.slot().map_or(step.who, |slot| openers[slot]);
        if let Op::Open { slot, .. } = step.op {
            openers[slot] = step.who;
        }
        one(pair, &Step { who, op: step.op.clone() }).map_err(|what| Difference { at, what })?;
        if (at + 1) % sweep == 0 || at + 1 == steps.len() {
            compare(pair).map_err(|what| Difference { at, what })?;
        }
    }
    Ok(())
}

fn one(pair: &mut Pair<'_>, step: &Step) -> Result<(), String> {
    if exceptions::before(step, &mut *pair.oracle).is_some() {
        forget(pair, step);
        return Ok(());
    }
    let expected = pair.oracle.run(step);
    if let Err(errno) = expected
        && exceptions::refused(step, errno).is_some()
    {
        return Ok(());
    }
    let found = pair.judged.run(step);
    if agree(step, &expected, &found) {
        return Ok(());
    }
    let (oracle, judged) = (pair.oracle.name(), pair.judged.name());
    Err(format!("{step:?}:\n  {oracle}: {expected:?}\n  {judged}: {found:?}"))
}

/// What an open that is left out would have closed is closed.
fn forget(pair: &mut Pair<'_>, step: &Step) {
    if let Op::Open { slot, .. } = step.op {
        let close = Step { who: Who::Root, op: Op::Close { slot } };
        let _ = (pair.oracle.run(&close), pair.judged.run(&close));
    }
}

fn agree(step: &Step, expected: &Answer, found: &Answer) -> bool {
    match (expected, found) {
        (Ok(expected), Ok(found)) => expected == found,
        (Err(expected), Err(found)) => {
            expected == found || exceptions::both(step, *expected, *found).is_some()
        }
        _ => false,
    }
}

fn compare(pair: &mut Pair<'_>) -> Result<(), String> {
    let (expected, found) = (pair.oracle.tree(), pair.judged.tree());
    match first_difference(&expected, &found) {
        None => Ok(()),
        Some(what) => Err(format!("{} and {}: {what}", pair.oracle.name(), pair.judged.name())),
    }
}

fn first_difference(expected: &Tree, found: &Tree) -> Option<String> {
    let paths = expected.keys().chain(found.keys());
    let path = paths.into_iter().find(|path| expected.get(*path) != found.get(*path))?;
    let show = |tree: &Tree| match tree.get(path) {
        None => "nothing".to_owned(),
        Some(leaf) => {
            let content = String::from_utf8_lossy(&leaf.content[..leaf.content.len().min(60)]).into_owned();
            let facts = leaf.facts;
            format!(
                "{facts:?}, mode {:o}, the node of {}, holds {content:?}, {:?}",
                facts.mode, leaf.first, leaf.xattrs
            )
        }
    };
    Some(format!("at {path}\n  {}\n  {}", show(expected), show(found)))
}

/// Leaves out pieces, ever smaller ones, as long as some difference remains.
fn shrink<'a>(
    make: &mut dyn FnMut() -> Result<Pair<'a>, String>,
    mut steps: Vec<Step>,
) -> Result<Option<(Vec<Step>, Difference)>, String> {
    let mut last = None;
    let mut piece = steps.len();
    let mut cuts = 0;
    while piece > 0 && cuts < CUTS {
        let mut at = 0;
        while at < steps.len() && cuts < CUTS {
            cuts += 1;
            let end = steps.len().min(at + piece);
            let shorter: Vec<Step> = steps[..at].iter().chain(&steps[end..]).cloned().collect();
            let candidate = if last.is_none() { steps.clone() } else { shorter };
            match play(&mut make()?, &candidate, 1) {
                Err(difference) => {
                    steps = candidate;
                    steps.truncate(difference.at + 1);
                    last = Some(difference);
                }
                Ok(()) if last.is_none() => return Ok(None),
                Ok(()) => at += piece,
            }
        }
        piece /= 2;
    }
    Ok(last.map(|difference| (steps, difference)))
}
