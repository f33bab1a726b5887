//! The built `cowry` command, from outside: what people type and what they see.

#[cfg(feature = "object")]
mod anywhere;
#[cfg(feature = "object")]
mod buckets;
mod console;
#[cfg(feature = "object")]
mod content;
mod embedding;
mod files;
mod history;
mod json;
#[cfg(feature = "object")]
mod killed;
#[cfg(feature = "object")]
mod lost;
mod merge;
mod mistakes;
#[cfg(all(feature = "fuse", target_os = "linux"))]
mod mount;
mod output;
mod prompt;
mod pty;
mod published;
#[cfg(feature = "object")]
mod push;
mod quota;
mod runs;
#[cfg(feature = "object")]
mod scene;
mod sql;
#[cfg(feature = "object")]
mod stalling;
mod strict;
mod terminal;
mod tour;
#[cfg(feature = "object")]
mod uploads;
#[cfg(all(feature = "object", unix))]
mod waiting;
mod watch;
mod weather;
#[cfg(feature = "object")]
mod wire;
