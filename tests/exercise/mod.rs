//! Random operations on a few files, compared with bytes in memory after each: in the manner of fsx.
//!
//! Reads, writes, appends, truncation up and down, punched and zeroed and reserved ranges, copies of ranges, maps
//! of holes, several handles on one file, files that are removed or renamed over while open, and closing and
//! opening the whole filesystem again. A run follows from its seed. Where something differs, the message has the
//! seed and the last operations on the file it happened to.
//!
//! `COWRY_OPS=1000000` makes a run longer, `COWRY_SEED=…` repeats one.

mod kernel;
mod model;
mod op;
mod over_vfs;
mod run;
mod target;

pub use kernel::KernelTarget;
pub use over_vfs::VfsTarget;
pub use run::exercise;
pub use target::{Abilities, Answer, How, SLOTS, Target};
