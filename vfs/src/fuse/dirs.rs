//! Open directories. The kernel goes on reading by a number; the layer goes on after a name.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::errno::{Errno, NodeResult};
use crate::path::Name;

/// The entry itself and its parent come first, with these numbers.
pub(super) const DOT: u64 = 1;
pub(super) const DOT_DOT: u64 = 2;

/// The names that were read through one open directory, in order. The entry at place `i` has the number `i + 3`.
pub(super) type Listed = Arc<Mutex<Vec<Name>>>;

/// The open directories by handle.
#[derive(Default, Debug)]
pub(super) struct Dirs {
    last: u64,
    open: HashMap<u64, Listed>,
}

impl Dirs {
    pub(super) fn open(&mut self) -> u64 {
        self.last += 1;
        self.open.insert(self.last, Listed::default());
        self.last
    }

    pub(super) fn close(&mut self, handle: u64) {
        self.open.remove(&handle);
    }

    pub(super) fn get(&self, handle: u64) -> NodeResult<Listed> {
        self.open.get(&handle).cloned().ok_or_else(|| Errno::EBADF.into())
    }
}

/// The name that the entry numbered `offset` had, after which to go on; `None` at the beginning. What was read after
/// it is forgotten: it is about to be read again.
///
/// # Errors
/// `EINVAL` for a number that was never given.
pub(super) fn resume(listed: &mut Vec<Name>, offset: u64) -> NodeResult<Option<Name>> {
    let read = usize::try_from(offset.saturating_sub(DOT_DOT)).map_err(|_| Errno::EINVAL)?;
    if read > listed.len() {
        return Err(Errno::EINVAL.into());
    }
    listed.truncate(read);
    Ok(listed.last().cloned())
}

/// Notes an entry that was read and gives it its number.
pub(super) fn number(listed: &mut Vec<Name>, name: Name) -> u64 {
    listed.push(name);
    DOT_DOT + listed.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_goes_on_after_the_entry_of_any_number_given() {
        let names: Vec<Name> = ["a", "b", "c"].iter().map(|name| Name::new(name).expect("a name")).collect();
        let mut listed = Vec::new();
        let numbers: Vec<u64> = names.iter().map(|name| number(&mut listed, name.clone())).collect();
        assert_eq!(numbers, [3, 4, 5]);
        assert_eq!(resume(&mut listed, 5).expect("given").as_deref(), Some("c"));
        assert_eq!(resume(&mut listed, 3).expect("given").as_deref(), Some("a"));
        assert_eq!(listed.len(), 1, "the others are read again");
        assert_eq!(resume(&mut listed, 2).expect("the beginning"), None);
        assert_eq!(resume(&mut listed, 0).expect("the beginning"), None);
        assert_eq!(resume(&mut listed, 9).expect_err("never given"), Errno::EINVAL);
    }

    #[test]
    fn a_closed_directory_has_no_listing() {
        let mut dirs = Dirs::default();
        let handle = dirs.open();
        assert!(dirs.get(handle).is_ok());
        dirs.close(handle);
        assert_eq!(dirs.get(handle).expect_err("closed"), Errno::EBADF);
    }
}
