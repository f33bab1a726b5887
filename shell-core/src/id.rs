//! Names of runs: short enough to type, too many to collide.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use cowry_vfs::Timestamp;

/// Letters and digits that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// A new id: eight letters and digits, forty bits.
pub(crate) fn fresh(now: Timestamp) -> String {
    // The standard library seeds these from the host's randomness, differently on each call.
    let bits = RandomState::new().hash_one(now.0) ^ RandomState::new().hash_one(std::process::id());
    (0..8).map(|at| char::from(ALPHABET[(bits >> (5 * at)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let ids: HashSet<String> = (0..1000).map(|_| fresh(Timestamp(0))).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 8));
    }
}
