//! A sorted map of extents that costs nothing for the file that has one.
//!
//! A persistent map clones in O(1), but its first leaf takes more than a kilobyte; most files are one extent.

use imbl::OrdMap;

use super::scratch::Block;
use std::sync::Arc;

/// Some bytes of a file that the overlay knows itself.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) len: u64,
    pub(crate) data: Data,
}

/// Where an extent's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Zeros that hide what the origin has there.
    Hole,
    /// Bytes of a block, from this offset in it.
    Block(Arc<Block>, u64),
}

impl Extent {
    /// The part of it that lies at `skip..skip + len`.
    pub(crate) fn part(&self, skip: u64, len: u64) -> Extent {
        let data = match &self.data {
            Data::Hole => Data::Hole,
            Data::Block(block, from) => Data::Block(block.clone(), from + skip),
        };
        Extent { len, data }
    }

    /// Bytes it stores: holes store none.
    pub(crate) fn stored(&self) -> u64 {
        match self.data {
            Data::Hole => 0,
            Data::Block(..) => self.len,
        }
    }
}

/// Extents by the offset they start at. They never overlap; who inserts sees to that.
#[derive(Clone, Debug)]
pub(crate) enum Extents {
    Few(Option<(u64, Extent)>),
    Many(OrdMap<u64, Extent>),
}

impl Extents {
    pub(crate) fn new() -> Extents {
        Extents::Few(None)
    }

    /// The last extent that starts at or before `at`.
    pub(crate) fn floor(&self, at: u64) -> Option<(u64, &Extent)> {
        match self {
            Extents::Few(one) => one.as_ref().filter(|(start, _)| *start <= at).map(|(s, e)| (*s, e)),
            Extents::Many(map) => map.get_prev(&at).map(|(s, e)| (*s, e)),
        }
    }

    /// The first extent that starts at or after `at`.
    pub(crate) fn ceil(&self, at: u64) -> Option<(u64, &Extent)> {
        match self {
            Extents::Few(one) => one.as_ref().filter(|(start, _)| *start >= at).map(|(s, e)| (*s, e)),
            Extents::Many(map) => map.get_next(&at).map(|(s, e)| (*s, e)),
        }
    }

    /// The extent that covers `at`.
    pub(crate) fn covering(&self, at: u64) -> Option<(u64, &Extent)> {
        self.floor(at).filter(|(start, extent)| at < start + extent.len)
    }

    /// The extent that starts at exactly `start`, to be changed in place.
    pub(crate) fn get_mut(&mut self, start: u64) -> Option<&mut Extent> {
        match self {
            Extents::Few(one) => one.as_mut().filter(|(s, _)| *s == start).map(|(_, e)| e),
            Extents::Many(map) => map.get_mut(&start),
        }
    }

    pub(crate) fn insert(&mut self, start: u64, extent: Extent) {
        match self {
            Extents::Few(one) => match one.take() {
                Some((first, other)) if first != start => {
                    let mut map = OrdMap::new();
                    map.insert(first, other);
                    map.insert(start, extent);
                    *self = Extents::Many(map);
                }
                _ => *one = Some((start, extent)),
            },
            Extents::Many(map) => {
                map.insert(start, extent);
            }
        }
    }

    pub(crate) fn remove(&mut self, start: u64) -> Option<Extent> {
        match self {
            Extents::Few(one) => one.take_if(|(s, _)| *s == start).map(|(_, e)| e),
            Extents::Many(map) => {
                let gone = map.remove(&start);
                if map.len() <= 1 {
                    let last = map.get_min().cloned();
                    *self = Extents::Few(last);
                }
                gone
            }
        }
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Extent)> {
        let (few, many) = match self {
            Extents::Few(one) => (one.as_ref(), None),
            Extents::Many(map) => (None, Some(map)),
        };
        few.map(|(s, e)| (*s, e))
            .into_iter()
            .chain(many.into_iter().flat_map(|m| m.iter().map(|(s, e)| (*s, e))))
    }
}
