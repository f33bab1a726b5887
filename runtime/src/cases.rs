//! The random cases of tests: the same ones on every run, so that a test that passed here passes anywhere.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// How many cases, and which. `PROPTEST_CASES` asks for so many others, different each time, and `PROPTEST_RNG_SEED`
/// for those of a seed that was told.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let is_asked =
        ["PROPTEST_CASES", "PROPTEST_RNG_SEED"].iter().any(|name| std::env::var_os(name).is_some());
    let asked = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if is_asked { asked } else { ProptestConfig { cases: usual, rng_seed: RngSeed::Fixed(3), ..asked } }
}
