//! Workspaces, runs as transactions, policies, sessions.
//!
//! A [`Workspace`] is a durable tree of files with its history. A [`Run`] is one program — JavaScript or TypeScript —
//! that works on it from inside a locked-down sandbox process. What the program wrote is committed as one revision
//! when it ends, or forgotten, path by path, as a [`Policy`] says. Every run leaves a [`RunRecord`].
//!
//! This crate knows no terminal: it prints nothing, asks nothing and renders nothing. Processes and engines are in
//! `cowry_runtime`, filesystems in `cowry_vfs`.
//!
//! # Embedding Cowry
//!
//! ```no_run
//! use cowry_shell_core::{OpenWorkspace, Run, Workspace};
//!
//! fn main() -> cowry_shell_core::Result<()> {
//!     cowry_shell_core::init();
//!     let workspace = Workspace::open("notes.cowry", &OpenWorkspace::or_create())?;
//!     let run = Run::expression("require('fs').writeFileSync('/hello.txt', 'hello'); 6 * 7");
//!     let report = workspace.run(&run, &mut |event| drop(event))?;
//!     println!("{:?} in revision {:?}", report.value, report.record.revision());
//!     println!("{}", workspace.fs().read_to_string("/hello.txt")?);
//!     Ok(())
//! }
//! ```
//!
//! [`init`] comes first in `main`, since sandboxes are forks of this very program executed once more.
//!
//! # What holds
//!
//! - A run sees the tree as it was sealed when it began, and nobody sees what it writes before it has ended.
//! - What persists of a run is committed at once or not at all. Writes to host directories that are mounted to be
//!   written are applied after that, entry by entry, under a journal: they are finished after a crash, not atomic.
//! - What a failed run wrote persists only through a rule that says `when = "always"`.
//! - A run that conflicts with what others committed since its base commits nothing; its changes are kept a day.
//!
//! # Modules
//!
//! | module | what it knows |
//! |---|---|
//! | [`policy`] | `cowry.toml`: rules, limits, mounts |
//! | [`record`] | what is remembered of a run |
//! | [`diff`] | what differs between two trees |
//! | `kernel` | a workspace mounted for any program (feature `fuse`, Linux) |
//! | `push` | workspaces in a bucket, pushed and pulled (feature `object`) |
//! | [`transfer`] | host folders and tar archives in and out |
//! | [`units`] | sizes and durations with their units |
//! | [`vfs`] | filesystems, re-exported |

#![forbid(unsafe_code)]

mod address;
mod cache;
pub mod content;
pub mod diff;
mod error;
mod history;
mod id;
mod interrupt;
#[cfg(all(feature = "fuse", target_os = "linux"))]
pub mod kernel;
mod merge;
mod mount;
pub mod policy;
#[cfg(feature = "object")]
pub mod push;
pub mod record;
mod revision;
mod run;
mod runtime;
mod salvage;
mod session;
pub mod transfer;
pub mod units;
mod watch;
mod workspace;
mod writing;

pub use address::Address;
pub use cowry_runtime::DATA_TYPES;
pub use cowry_runtime::state;
pub use cowry_runtime::{
    Event, Frame, Level, Limits, Lockdown, Member, MemberKind, Outcome, RuntimeError, Show, SourceKind,
    Thrown, TimeLimit, Usage, Value, init,
};
pub use cowry_vfs as vfs;
pub use cowry_vfs::commit::Verdict;
pub use cowry_vfs::merge::{MergeConflict, MergeConflictKind, Method as MergeMethod, Resolution};
pub use cowry_vfs::sqlite::BaseOwner;
#[cfg(feature = "object")]
pub use cowry_vfs::sqlite::{BucketReport, MoveReport, SweepReport};
pub use cowry_vfs::sqlite::{
    CheckReport, Durability, FlattenReport, ForkInfo, GcReport, KeptFor, NameTaken, Parent, PruneReport,
    PruneRequest, Quota, RepairReport, Revision, RevisionFilter, RevisionInfo, RevisionKind, RevisionName,
    SalvageReport, WorkspaceId,
};
pub use cowry_vfs::sqlite::{ContentForm, ContentHome, ContentTier, ContentUse};
pub use cowry_vfs::{
    Change, ChangeKind, Clock, DirEntry, Errno, Error as FsError, File, FileType, ManualClock, Name,
    OpenOptions, Stat, SystemClock, Timestamp, VPathBuf, Vfs,
};
pub use diff::{ContentDiff, Diff, DiffSummary};
pub use error::{Error, ErrorKind, Result};
pub use history::ForkThere;
pub use interrupt::{InterruptHandle, Interrupted};
pub use merge::{CsvKey, CsvKeyError, MergeOptions, MergeReport, MergeVersion, VersionContent};
pub use mount::{Mount, MountError, MountMode, MountSource};
pub use policy::{FileRules, Glob, GlobError, Keep, LimitSettings, Policy, PolicyError, Rule, When};
pub use record::{
    BucketRecord, ChangeRecord, ConflictRecord, Fate, LogLine, MountRecord, PolicyRecord, ProgramRecord,
    RuleRecord, RunRecord, VerdictRecord,
};
pub use revision::{RevisionError, RevisionPath, RevisionSpec};
pub use run::{Finish, Program, Run, RunReport, Side};
pub use runtime::Runtime;
pub use salvage::{Salvaged, salvage};
pub use session::{EntryReport, Session, SessionCommit, SessionOptions};
pub use units::UnitError;
pub use watch::RevisionWatch;
pub use workspace::{OpenWorkspace, Workspace};
pub use writing::BucketProgress;
