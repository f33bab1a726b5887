//! Clocks as code sees them: no finer than 100 µs.

use std::sync::Arc;
use std::time::Instant;

use cowry_vfs::{Clock, Timestamp};
use deno_core::{OpDecl, OpState, op2};

const STEP_NANOS: u64 = 100_000;

/// When the sandbox began, on both clocks.
pub(crate) struct Epoch {
    clock: Arc<dyn Clock>,
    wall: Timestamp,
    monotonic: Instant,
}

impl Epoch {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Epoch {
        let wall = coarse(clock.now());
        Epoch { clock, wall, monotonic: Instant::now() }
    }

    /// The wall clock, coarsened.
    pub(crate) fn now(&self) -> Timestamp {
        coarse(self.clock.now())
    }

    fn elapsed_nanos(&self) -> u64 {
        let nanos = u64::try_from(self.monotonic.elapsed().as_nanos()).unwrap_or(u64::MAX);
        nanos - nanos % STEP_NANOS
    }
}

/// The time rounded down to what code may see.
fn coarse(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0.rem_euclid(STEP_NANOS as i64))
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![op_cowry_hrtime()]
}

/// Seconds and nanoseconds since the sandbox began, as the web platform's own operation writes them.
#[op2(fast)]
pub(crate) fn op_cowry_now(state: &mut OpState, #[buffer] out: &mut [u8]) {
    expose(state.borrow::<Epoch>().elapsed_nanos(), out);
}

/// Seconds and nanoseconds from the Unix epoch to the beginning of the sandbox.
#[op2(fast)]
pub(crate) fn op_cowry_time_origin(state: &mut OpState, #[buffer] out: &mut [u8]) {
    expose(u64::try_from(state.borrow::<Epoch>().wall.0).unwrap_or(0), out);
}

/// Nanoseconds since the sandbox began: exact in a double for over a hundred days.
#[op2(fast)]
fn op_cowry_hrtime(state: &mut OpState) -> f64 {
    state.borrow::<Epoch>().elapsed_nanos() as f64
}

fn expose(nanos: u64, out: &mut [u8]) {
    if out.len() >= 8 {
        out[..4].copy_from_slice(&((nanos / 1_000_000_000) as u32).to_ne_bytes());
        out[4..8].copy_from_slice(&((nanos % 1_000_000_000) as u32).to_ne_bytes());
    }
}
