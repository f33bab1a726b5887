//! What the tests of several targets share: judges that work on any filesystem.
//!
//! [`exercise`] does random things to files and compares every byte with a model in memory. [`differ`] does the
//! same list of operations to two filesystems and compares what each of them says.

pub mod chance;
pub mod differ;
pub mod exercise;
#[cfg(target_os = "linux")]
pub mod mounted;
