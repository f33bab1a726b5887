//! Layers around layers: one policy each.

mod readonly;

pub use readonly::ReadOnly;
