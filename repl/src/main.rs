//! Cowry.
fn main() {}
