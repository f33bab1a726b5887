//! Looking many names of one directory up.

use crate::errno::NodeResult;
use crate::node::{DirEntry, Stat};
use crate::path::Name;

/// How many entries are read at a time.
const PAGE: usize = 256;
/// A page that answers for fewer names was not worth it.
const WORTH: usize = 16;
/// So many names are then looked up one by one before another page is tried.
const SINGLES: usize = 64;

/// What each of `names`, which are in order, leads to: read page by page where they lie close together, looked up one by
/// one where they do not. `page` gives the entries after a name, `lookup` a single one.
pub(crate) fn find_many(
    names: &[&Name],
    mut page: impl FnMut(Option<&Name>, usize) -> NodeResult<Vec<DirEntry>>,
    mut lookup: impl FnMut(&Name) -> NodeResult<Option<Stat>>,
) -> NodeResult<Vec<Option<Stat>>> {
    let mut found = Vec::with_capacity(names.len());
    let mut singles = if names.len() < WORTH { names.len() } else { 0 };
    while let Some(name) = names.get(found.len()) {
        if singles > 0 {
            singles -= 1;
            found.push(lookup(name)?);
            continue;
        }
        let at = found.len();
        let rows = page(at.checked_sub(1).map(|last| names[last]), PAGE)?;
        merge(&names[at..], rows, &mut found);
        if found.len() - at < WORTH {
            singles = SINGLES;
        }
    }
    Ok(found)
}

/// Answers for the names that a page speaks of.
fn merge(names: &[&Name], rows: Vec<DirEntry>, found: &mut Vec<Option<Stat>>) {
    let end = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.name.clone());
    let mut rows = rows.into_iter().peekable();
    for name in names.iter().take_while(|name| end.as_ref().is_none_or(|end| **name <= end)) {
        while rows.next_if(|row| row.name < **name).is_some() {}
        found.push(rows.next_if(|row| row.name == **name).map(|row| row.stat));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;
    use crate::memory::MemoryLayer;
    use crate::node::{NewAttr, NewNode};

    /// Looks `wanted` up among files `0..there`, and counts pages and single lookups.
    fn check(there: u32, wanted: impl Iterator<Item = u32>) -> (usize, usize) {
        let layer = MemoryLayer::new();
        let name = |i: u32| Name::new(&format!("{i:06}")).expect("a name");
        for i in 0..there {
            let attr = NewAttr::with_mode(0o644);
            layer.create(layer.root(), &name(i), NewNode::File(b""), &attr).expect("made");
        }
        let wanted: Vec<u32> = wanted.collect();
        let names: Vec<Name> = wanted.iter().map(|i| name(*i)).collect();
        let (mut pages, mut singles) = (0, 0);
        let page = |after: Option<&Name>, limit| {
            pages += 1;
            layer.readdir(layer.root(), after, limit)
        };
        let lookup = |name: &Name| {
            singles += 1;
            Ok(layer.lookup(layer.root(), name).ok())
        };
        let found = find_many(&names.iter().collect::<Vec<_>>(), page, lookup).expect("read");
        let is_there: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(is_there, wanted.iter().map(|i| *i < there).collect::<Vec<_>>());
        (pages, singles)
    }

    #[test]
    fn few_names_are_looked_up_one_by_one() {
        assert_eq!(check(1_000, (0..15).map(|i| i * 100)), (0, 15));
    }

    #[test]
    fn new_names_in_a_small_directory_cost_one_page() {
        assert_eq!(check(5, 0..1_000), (1, 0));
    }

    #[test]
    fn names_that_lie_close_together_are_read_by_the_page() {
        assert_eq!(check(1_000, 0..1_000), (4, 0));
    }

    #[test]
    fn scattered_names_are_not_read_by_the_page() {
        let (pages, singles) = check(20_000, (0..200).map(|i| i * 100));
        assert!(pages <= 4 && singles > 180, "{pages} pages, {singles} lookups");
    }
}
