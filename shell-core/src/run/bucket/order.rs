//! In which order steps are taken.
//!
//! To S3 every name stands for itself. A folder of the host is another matter: there no file can be made where a folder is, nor
//! below a file, and a folder goes only when nothing is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::journal::{Act, Step};

/// The numbers of steps that may be taken at once, round by round: what is in the way of others goes, then everything
/// is made, and only then does the rest go, so that what was moved is always somewhere.
pub(super) fn rounds(steps: &[Step]) -> Vec<Vec<usize>> {
    let is_removal = |step: &Step| matches!(step.act, Act::Remove | Act::Unmark);
    let made: BTreeSet<&str> =
        steps.iter().filter(|step| !is_removal(step)).map(|step| &*step.name).collect();
    let all = 0..steps.len();
    let (removals, makes): (Vec<_>, Vec<_>) = all.partition(|at| is_removal(&steps[*at]));
    let (before, after): (Vec<_>, Vec<_>) =
        removals.into_iter().partition(|at| is_in_the_way(&steps[*at].name, &made));
    let mut rounds = removed(steps, before);
    rounds.push(makes);
    rounds.extend(removed(steps, after));
    rounds
}

/// Whether something is to be made under a name, above it or below it.
fn is_in_the_way(name: &str, made: &BTreeSet<&str>) -> bool {
    let below = format!("{name}/");
    let above = name.match_indices('/').any(|(at, _)| made.contains(&name[..at]));
    above || made.contains(name) || made.range(&*below..).next().is_some_and(|next| next.starts_with(&below))
}

/// Objects first, then folders, the innermost first.
fn removed(steps: &[Step], removals: Vec<usize>) -> Vec<Vec<usize>> {
    let (objects, folders): (Vec<_>, Vec<_>) =
        removals.into_iter().partition(|at| steps[*at].act == Act::Remove);
    let mut by_depth: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in folders {
        by_depth.entry(steps[at].name.matches('/').count()).or_default().push(at);
    }
    std::iter::once(objects).chain(by_depth.into_values().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::bucket::journal::Want;

    fn put() -> Act {
        Act::Put { number: 0, size: 0, mode: 0, mtime: 0 }
    }

    fn in_order(steps: &[(&str, Act)]) -> Vec<Vec<String>> {
        let step =
            |(name, act): &(&str, Act)| Step { name: (*name).into(), want: Want::Anything, act: act.clone() };
        let steps: Vec<Step> = steps.iter().map(step).collect();
        let rounds = rounds(&steps).into_iter().filter(|round| !round.is_empty());
        rounds.map(|round| round.into_iter().map(|at| steps[at].name.clone()).collect()).collect()
    }

    #[test]
    fn what_is_moved_is_written_before_it_goes() {
        let rounds = in_order(&[("a/1", Act::Remove), ("a", Act::Unmark), ("b/1", put())]);
        assert_eq!(rounds, [["b/1"], ["a/1"], ["a"]]);
    }

    #[test]
    fn a_folder_gives_way_to_a_file_and_a_file_to_a_folder() {
        let (gone, unmarked) = (Act::Remove, Act::Unmark);
        let steps = [
            ("d", unmarked.clone()),
            ("d/e", unmarked),
            ("d/e/1", gone.clone()),
            ("f", gone.clone()),
            ("z", gone),
            ("d", put()),
            ("f/g/h", put()),
        ];
        let rounds = in_order(&steps);
        let expected: [&[&str]; 5] = [&["d/e/1", "f"], &["d/e"], &["d"], &["d", "f/g/h"], &["z"]];
        assert_eq!(rounds, expected);
    }
}
