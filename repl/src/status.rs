//! The exit statuses, in one place.

/// The program threw.
pub const THREW: u8 = 1;
/// Something was left out of an import or an export; the rest arrived.
pub const SKIPPED: u8 = 1;
/// What a run wrote conflicts with what was committed meanwhile.
pub const CONFLICT: u8 = 122;
/// The policy refuses the run.
pub const REFUSED: u8 = 123;
/// A limit on time ended the run.
pub const TIMED_OUT: u8 = 124;
/// Cowry itself could not: usage, a workspace, the host.
pub const COWRY: u8 = 125;
/// An interrupt ended the run, as shells report SIGINT.
pub const INTERRUPTED: u8 = 130;
/// The sandbox crashed.
pub const CRASHED: u8 = 134;
/// Out of memory, or killed.
pub const KILLED: u8 = 137;
