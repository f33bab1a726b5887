//! Randomness: one seeded generator per sandbox.

use deno_core::{OpDecl, OpState, op2};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// The generator behind `Math.random` and `crypto`.
pub(crate) struct Random(ChaCha20Rng);

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Random {
        Random(ChaCha20Rng::from_seed(seed))
    }

    /// The generator itself.
    pub(crate) fn rng(&mut self) -> &mut impl RngCore {
        &mut self.0
    }
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![op_cowry_random_bytes(), op_cowry_random_floats()]
}

#[op2(fast)]
fn op_cowry_random_bytes(state: &mut OpState, #[buffer] out: &mut [u8]) {
    state.borrow_mut::<Random>().0.fill_bytes(out);
}

/// Fills `out` with numbers in `[0, 1)` of 53 random bits each.
#[op2(fast)]
fn op_cowry_random_floats(state: &mut OpState, #[buffer] out: &mut [f64]) {
    let random = &mut state.borrow_mut::<Random>().0;
    for slot in out {
        *slot = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    }
}
