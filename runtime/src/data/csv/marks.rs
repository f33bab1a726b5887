//! The bytes that have a meaning, found in many bytes at once.

/// How many bytes are looked at together.
pub(super) const BLOCK: usize = 64;

/// What is looked for.
pub(super) struct Marks {
    pub(super) delimiter: u8,
    end: u8,
    pub(super) quote: Option<u8>,
}

impl Marks {
    pub(super) fn new(delimiter: u8, end: u8, quote: Option<u8>) -> Marks {
        Marks { delimiter, end, quote }
    }

    /// Where in a block they are, in order.
    #[inline]
    pub(super) fn of(&self, block: &[u8; BLOCK]) -> Places {
        Places(places(block, [self.delimiter, self.end, self.quote.unwrap_or(self.end)]))
    }
}

/// A set of places: a bit for each.
pub(super) struct Places(u64);

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let first = (self.0 != 0).then(|| self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(first)
    }
}

fn word(block: &[u8; BLOCK], at: usize) -> u64 {
    u64::from_le_bytes(block[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn places(block: &[u8; BLOCK], wanted: [u8; 3]) -> u64 {
    // SAFETY: every processor of this kind has SSE2.
    unsafe { places_by_sixteen(block, wanted) }
}

/// Sixteen bytes to an instruction.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn places_by_sixteen(block: &[u8; BLOCK], wanted: [u8; 3]) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};
    let [one, two, three] = wanted.map(|byte| byte as i8);
    let (one, two, three) = (_mm_set1_epi8(one), _mm_set1_epi8(two), _mm_set1_epi8(three));
    let mut places = 0;
    for at in (0..BLOCK).step_by(16) {
        let bytes = _mm_set_epi64x(word(block, at + 8) as i64, word(block, at) as i64);
        let found = _mm_or_si128(_mm_cmpeq_epi8(bytes, one), _mm_cmpeq_epi8(bytes, two));
        let found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, three));
        places |= u64::from(_mm_movemask_epi8(found) as u32) << at;
    }
    places
}

#[cfg(not(target_arch = "x86_64"))]
use places_by_words as places;

/// Eight bytes to a word.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn places_by_words(block: &[u8; BLOCK], wanted: [u8; 3]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    (0..BLOCK).step_by(8).fold(0, |places, at| {
        let word = word(block, at);
        let highs = wanted.iter().fold(0, |highs, byte| {
            let other = word ^ (ONES * u64::from(*byte));
            // The highest bit of each byte that is zero.
            highs | !(((other & LOW) + LOW) | other | LOW)
        });
        // The eight bits move together.
        let found = (highs >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        places | found << at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_and_nothing_else() {
        // A walk through all bytes, with neighbours that differ in one bit from what is looked for.
        for shift in 0..256 {
            let mut block = [0; BLOCK];
            block.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 5 + shift) as u8);
            for wanted in [[b',', b'\n', b'"'], [0x80, 0, 0xff], [b'-', b',', b'-']] {
                let expected: Vec<usize> = (0..BLOCK).filter(|at| wanted.contains(&block[*at])).collect();
                assert_eq!(Places(places(&block, wanted)).collect::<Vec<_>>(), expected);
                assert_eq!(Places(places_by_words(&block, wanted)).collect::<Vec<_>>(), expected);
            }
        }
    }
}
