//! What holds of every merge.

use proptest::prelude::*;

use super::{Fork, said};
use crate::merge::text::merge;
use crate::merge::{NoRules, Resolution};

fn lines(text: &[u8]) -> Vec<String> {
    text.iter().map(|line| format!("{}\n", line % 4)).collect()
}

fn merged(base: &[String], ours: &[String], theirs: &[String]) -> Result<String, String> {
    let (base, ours, theirs) = (base.concat(), ours.concat(), theirs.concat());
    said(merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()))
}

/// How often a line is there, less how often it was.
fn growth(line: &str, before: &[String], after: &[String]) -> isize {
    let count = |text: &[String]| text.iter().filter(|other| *other == line).count() as isize;
    count(after) - count(before)
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn a_change_of_one_side_is_taken(base: Vec<u8>, other: Vec<u8>) {
        let (base, other) = (lines(&base), lines(&other));
        prop_assert_eq!(merged(&base, &base, &other), Ok(other.concat()));
        prop_assert_eq!(merged(&base, &other, &base), Ok(other.concat()));
        prop_assert_eq!(merged(&base, &other, &other), Ok(other.concat()));
    }

    #[test]
    fn sides_can_be_exchanged(base: Vec<u8>, ours: Vec<u8>, theirs: Vec<u8>) {
        let (base, ours, theirs) = (lines(&base), lines(&ours), lines(&theirs));
        prop_assert_eq!(merged(&base, &ours, &theirs), merged(&base, &theirs, &ours));
    }

    /// A line that one side added is in the result, unless the other took such lines away.
    #[test]
    fn no_added_line_is_lost(base: Vec<u8>, ours: Vec<u8>, theirs: Vec<u8>) {
        let (base, ours, theirs) = (lines(&base), lines(&ours), lines(&theirs));
        if let Ok(text) = merged(&base, &ours, &theirs) {
            let result: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
            for line in ours.iter().chain(&theirs) {
                let (ours, theirs) = (growth(line, &base, &ours), growth(line, &base, &theirs));
                let grown = growth(line, &base, &result);
                let least = if ours >= 0 && theirs >= 0 { ours.max(theirs) } else { ours + theirs };
                prop_assert!(grown >= least, "{line:?}: {ours} and {theirs} became {grown}");
            }
        }
    }

    /// Changes with an unchanged line between them are those of both.
    #[test]
    fn changes_apart_are_applied_both(first: Vec<u8>, second: Vec<u8>, a: Vec<u8>, b: Vec<u8>) {
        let text = |first: &[u8], second: &[u8]| {
            let mut all = lines(first);
            all.push("between\n".into());
            all.extend(lines(second));
            all
        };
        let expected = text(&a, &b).concat();
        prop_assert_eq!(merged(&text(&first, &second), &text(&a, &second), &text(&first, &b)), Ok(expected));
    }
}

/// One thing that is done to a tree, on paths of two letters.
fn step() -> impl Strategy<Value = String> {
    let path = || prop_oneof!["/[ab]", "/d/[ab]", "/e/[ab]"];
    let dir = || prop_oneof![Just("/d"), Just("/e"), Just("/d/f"), Just("/g")];
    prop_oneof![
        3 => (path(), "[xyz]").prop_map(|(path, text)| format!("write {path} {text}")),
        2 => path().prop_map(|path| format!("rm {path}")),
        2 => (path(), path()).prop_map(|(from, to)| format!("mv {from} {to}")),
        1 => (path(), path()).prop_map(|(from, to)| format!("ln {from} {to}")),
        1 => (dir(), dir()).prop_map(|(from, to)| format!("mv {from} {to}")),
        1 => dir().prop_map(|dir| format!("rm {dir}")),
        1 => dir().prop_map(|dir| format!("mkdir {dir}")),
        1 => path().prop_map(|path| format!("chmod {path} 600")),
    ]
}

fn steps() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(step(), 0..6)
}

const BASE: &str =
    "mkdir /d/f; mkdir /e; write /a 1; write /b 2; write /d/a 3; ln /d/a /d/b; write /e/a 4; write /d/f/a 5";

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn a_side_that_did_nothing_gives_the_other(theirs in steps()) {
        let fork = Fork::with_steps(BASE, &[], &theirs);
        let expected = super::show(&super::dump(fork.theirs.clone()));
        prop_assert_eq!(fork.merged(&NoRules), (expected.clone(), Vec::new()));
        let other = Fork::with_steps(BASE, &theirs, &[]);
        prop_assert_eq!(other.merged(&NoRules), (expected, Vec::new()));
    }

    #[test]
    fn what_both_did_is_done_once(steps in steps()) {
        let fork = Fork::with_steps(BASE, &steps, &steps);
        let expected = super::show(&super::dump(fork.ours.clone()));
        prop_assert_eq!(fork.merged(&NoRules), (expected, Vec::new()));
    }

    /// Whatever happened, a merge ends; and where one side is taken every conflict is settled or told.
    #[test]
    fn every_merge_ends(ours in steps(), theirs in steps()) {
        let fork = Fork::with_steps(BASE, &ours, &theirs);
        fork.merge(&NoRules).expect("it can be merged");
        let ours = fork.merge(&super::Take(Resolution::Ours)).expect("it can be merged");
        prop_assert!(ours.conflicts.len() <= ours.resolved.len(), "{:?}", ours.conflicts);
        fork.merge(&super::Take(Resolution::Theirs)).expect("it can be merged");
    }

    /// A tree has no side that counts for more.
    #[test]
    fn trees_can_be_exchanged(ours in steps(), theirs in steps()) {
        let (tree, conflicts) = Fork::with_steps(BASE, &ours, &theirs).merged(&NoRules);
        let (other, others) = Fork::with_steps(BASE, &theirs, &ours).merged(&NoRules);
        prop_assert_eq!(conflicts.is_empty(), others.is_empty(), "{:?} or {:?}", conflicts, others);
        if conflicts.is_empty() {
            prop_assert_eq!(tree, other);
        }
    }
}
