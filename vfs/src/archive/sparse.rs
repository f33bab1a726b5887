//! Files with holes: where in them the content of a member goes.

use super::pax::{self, Sparse};
use super::read::Members;
use super::{Result, damaged};

const BLOCK: usize = 512;
/// The most pieces that a file may be in.
pub(super) const PIECES_MAX: usize = 1 << 20;

/// The pieces of a file that are no holes, in order, and how long it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    /// Offsets and lengths.
    pub pieces: Vec<(u64, u64)>,
    /// Bytes of the file, holes included.
    pub size: u64,
}

impl Map {
    /// A map of offsets and lengths in turn, for a member that has `content` bytes.
    ///
    /// # Errors
    /// If pieces overlap, go past the end, or promise more than there is.
    pub(super) fn new(numbers: &[u64], size: u64, content: u64) -> Result<Map> {
        let pieces: Vec<(u64, u64)> = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let mut end = 0u64;
        let mut sum = 0u64;
        for (offset, length) in &pieces {
            let after = offset.checked_add(*length).filter(|after| *offset >= end && *after <= size);
            end = after.ok_or_else(|| damaged("a map of holes"))?;
            sum += length;
        }
        if numbers.len() % 2 == 1 || sum > content || i64::try_from(size).is_err() {
            return Err(damaged("a map of holes"));
        }
        Ok(Map { pieces, size })
    }

    /// A map to be written: pieces are whole blocks, since GNU tar fills each of them up, and the last one ends where
    /// the file does, be it empty, since GNU tar ends the file there.
    pub(super) fn to_write(pieces: Vec<(u64, u64)>, size: u64) -> Map {
        let mut whole: Vec<(u64, u64)> = Vec::new();
        for (offset, length) in pieces.into_iter().chain([(size, 0)]) {
            let start = offset - offset % BLOCK as u64;
            let end = (offset + length).next_multiple_of(BLOCK as u64).min(size);
            match whole.last_mut() {
                Some(last) if last.0 + last.1 >= start => last.1 = last.1.max(end.max(last.0) - last.0),
                _ => whole.push((start.min(size), end.saturating_sub(start))),
            }
        }
        Map { pieces: whole, size }
    }

    /// The map as GNU tar 1.0 has it before the content, filled up to a block.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut text = format!("{}\n", self.pieces.len());
        for (offset, length) in &self.pieces {
            text.push_str(&format!("{offset}\n{length}\n"));
        }
        let mut bytes = text.into_bytes();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    /// How many bytes there are beside the holes.
    pub(super) fn content(&self) -> u64 {
        self.pieces.iter().map(|(_, length)| length).sum()
    }
}

/// The map that a pax header announces: in the header itself, or (since 1.0) before the content.
pub(super) fn of_pax(sparse: &Sparse, members: &mut Members<'_>) -> Result<Option<Map>> {
    let Some(size) = sparse.size else { return Ok(None) };
    if sparse.major.is_none_or(|major| major == 0) {
        return Map::new(&sparse.map, size, members.left()).map(Some);
    }
    let mut lines = Lines { members, block: Vec::new(), at: 0 };
    let count = usize::try_from(lines.number()?).unwrap_or(usize::MAX);
    if count > PIECES_MAX {
        return Err(damaged("a map of holes"));
    }
    let mut numbers = Vec::new();
    for _ in 0..count * 2 {
        numbers.push(lines.number()?);
    }
    Map::new(&numbers, size, members.left()).map(Some)
}

/// Numbers, one a line, read in whole blocks.
struct Lines<'a, 'b> {
    members: &'a mut Members<'b>,
    block: Vec<u8>,
    at: usize,
}

impl Lines<'_, '_> {
    fn number(&mut self) -> Result<u64> {
        let mut digits = Vec::new();
        loop {
            if self.at == self.block.len() {
                self.block = self.members.piece(BLOCK)?;
                self.at = 0;
            }
            match self.block.get(self.at) {
                Some(b'\n') => break,
                Some(digit) if digits.len() < 20 => digits.push(*digit),
                _ => return Err(damaged("a map of holes")),
            }
            self.at += 1;
        }
        self.at += 1;
        pax::number(&digits).ok_or_else(|| damaged("a map of holes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_written_in_whole_blocks() {
        for (pieces, size, written) in [
            (vec![], 3000, vec![(2560, 440)]),
            (vec![], 4096, vec![(4096, 0)]),
            (vec![(10, 10)], 4096, vec![(0, 512), (4096, 0)]),
            (vec![(500, 100), (1030, 5)], 8000, vec![(0, 1536), (7680, 320)]),
            (vec![(7000, 1000)], 8000, vec![(6656, 1344)]),
        ] {
            let map = Map::to_write(pieces, size);
            assert_eq!(map.pieces, written);
            let numbers: Vec<u64> =
                map.pieces.iter().flat_map(|(offset, length)| [*offset, *length]).collect();
            Map::new(&numbers, size, map.content()).expect("sound");
        }
    }

    #[test]
    fn maps_that_lie_are_refused() {
        for (numbers, size, content) in [
            (&[0, 10, 5, 10][..], 100, 20),
            (&[0, 10], 5, 10),
            (&[0, 10], 100, 9),
            (&[0], 100, 9),
            (&[u64::MAX, 2], u64::MAX, 2),
            (&[], u64::MAX, 0),
        ] {
            assert!(Map::new(numbers, size, content).is_err(), "{numbers:?}");
        }
        let map = Map::new(&[0, 10, 20, 5, 100, 0], 100, 15).expect("sound");
        assert_eq!((map.content(), map.head().len()), (15, 512));
    }
}
