//! Chance that can be repeated: the same seed gives the same numbers on every machine.

/// A generator of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// What follows from a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// An index of something that has `len` elements, at least one.
    pub fn index(&mut self, len: usize) -> usize {
        (self.bits() % len as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())].clone()
    }
}

/// The seed of a run: what `COWRY_SEED` says, else one that follows from the name of the test.
///
/// # Panics
/// If `COWRY_SEED` is no number.
pub fn seed_of(name: &str) -> u64 {
    match std::env::var("COWRY_SEED") {
        Ok(text) => text.parse().expect("COWRY_SEED is a number"),
        Err(_) => name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }),
    }
}

/// How many operations to do: what `COWRY_OPS` says, else `usual`.
///
/// # Panics
/// If `COWRY_OPS` is no number.
pub fn ops_or(usual: usize) -> usize {
    match std::env::var("COWRY_OPS") {
        Ok(text) => text.replace('_', "").parse().expect("COWRY_OPS is a number"),
        Err(_) => usual,
    }
}
