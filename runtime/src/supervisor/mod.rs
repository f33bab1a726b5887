//! The side that is trusted: starts the zygote, asks it for sandboxes, feeds, bounds and judges them.

mod bell;
mod birth;
mod error;
mod line;
mod link;
mod patience;
mod sandbox;
mod slow;
mod verdict;
mod zygote;

pub use error::RuntimeError;
pub use sandbox::{Interrupter, Sandbox};
pub use zygote::{Zygote, ZygoteOptions};
