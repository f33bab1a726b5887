//! No two sandboxes draw the same, unless that is what was asked for.

use cowry_runtime::{Job, SandboxSpec};

use crate::support::{Case, run, tree, zygote};

pub const CASES: &[Case] = &[
    ("randomness::two_sandboxes_draw_differently", differ),
    ("randomness::a_fixed_seed_repeats", repeat),
    ("randomness::seeds_differ", seeds_differ),
];

const DRAW: &str = "[Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(8))]]";

fn draw(seed: Option<u64>) -> String {
    let spec = SandboxSpec { seed, ..SandboxSpec::new(tree()) };
    let mut sandbox = zygote().spawn(spec).expect("a sandbox can be forked");
    run(&mut sandbox, &Job::expression(DRAW)).json().to_owned()
}

fn differ() {
    let mut drawn: Vec<String> = (0..20).map(|_| draw(None)).collect();
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 20);
}

fn repeat() {
    assert_eq!(draw(Some(7)), draw(Some(7)));
}

fn seeds_differ() {
    assert_ne!(draw(Some(7)), draw(Some(8)));
}
