//! Cowry.
