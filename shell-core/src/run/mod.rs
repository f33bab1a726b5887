//! A run: one program on one workspace, as one transaction.

#[cfg(feature = "object")]
pub(crate) mod bucket;
#[cfg(not(feature = "object"))]
#[path = "no_bucket.rs"]
pub(crate) mod bucket;
mod collect;
mod execute;
mod finish;
mod frozen;
pub(crate) mod host;
mod kept;
mod late;
mod modules;
mod noted;
pub(crate) mod outside;
mod program;
pub(crate) mod steps;
pub(crate) mod trees;

use std::path::PathBuf;

use cowry_runtime::{SourceKind, Value};
use cowry_vfs::VPathBuf;
use cowry_vfs::commit::Verdict;

pub(crate) use self::execute::execute;
pub(crate) use self::host::finish_host_writes;
pub use self::kept::Side;
pub(crate) use self::kept::{
    Kept, Late, Uncommitted, after_all, commit_kept, diff_kept, drop_kept, find, load,
};
pub use self::late::Finish;
pub(crate) use self::late::finish;
use crate::diff::Diff;
use crate::interrupt::InterruptHandle;
use crate::policy::Policy;
use crate::record::{BucketRecord, Fate, RunRecord};

/// The code of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// A file of the host. Modules of its own folder can be imported; `fs` never sees that folder.
    HostFile(PathBuf),
    /// A file in the workspace or a mount.
    File(VPathBuf),
    /// As `-e`: the value of the last expression is the result. Markdown fences round it are taken off.
    Expression(String),
    /// Source text under a name that stack traces show.
    Source {
        /// The name.
        name: String,
        /// The text, JavaScript or TypeScript.
        code: String,
        /// How to read it.
        kind: SourceKind,
    },
}

/// One program and everything that is handed to it.
///
/// ```no_run
/// # fn main() -> cowry_shell_core::Result<()> {
/// use cowry_shell_core::{Run, Workspace};
///
/// let workspace = Workspace::scratch();
/// let run = Run { args: vec!["--fast".into()], ..Run::expression("process.argv.length") };
/// let report = workspace.run(&run, &mut |event| drop(event))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    /// What to run.
    pub program: Program,
    /// What it may use and what of its files persists.
    pub policy: Policy,
    /// The input as JSON text.
    pub input: Option<String>,
    /// What follows the program in `process.argv`.
    pub args: Vec<String>,
    /// What fills `process.env`; nothing of the host's environment is added.
    pub env: Vec<(String, String)>,
    /// What `process.stdin` reads.
    pub stdin: Vec<u8>,
    /// The working directory in the tree of mounts.
    pub cwd: String,
    /// Whether to show what would change and commit nothing.
    pub dry_run: bool,
    /// Makes everything random repeatable.
    pub seed: Option<u64>,
    /// What the revision's log says.
    pub message: Option<String>,
    /// Whether the result is wanted as an inspector prints it, too.
    pub render: bool,
    /// What interrupts it from another thread: keep a clone.
    pub interrupt: InterruptHandle,
}

impl Run {
    /// A run of this program with the default policy and nothing else.
    pub fn new(program: Program) -> Run {
        Run {
            program,
            policy: Policy::default(),
            input: None,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            cwd: "/".into(),
            dry_run: false,
            seed: None,
            message: None,
            render: false,
            interrupt: InterruptHandle::default(),
        }
    }

    /// A run of a file of the host.
    pub fn host_file(path: impl Into<PathBuf>) -> Run {
        Run::new(Program::HostFile(path.into()))
    }

    /// A run of code as `-e` takes it.
    pub fn expression(code: impl Into<String>) -> Run {
        Run::new(Program::Expression(code.into()))
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// What the workspace remembers of it.
    pub record: RunRecord,
    /// The whole result, however large.
    pub value: Option<Value>,
    /// Every path it changed, whether or not it persists; mounts included.
    pub diff: Diff,
    /// What the policy said of each change of the diff, in the same order.
    pub verdicts: Vec<Verdict>,
}

impl RunReport {
    /// Whether the program succeeded and nothing kept its files from being committed and written to buckets.
    pub fn is_success(&self) -> bool {
        let stuck = matches!(self.record.fate, Fate::Conflict | Fate::CommitFailed { .. });
        let written = self.record.dry_run || self.record.buckets.iter().all(BucketRecord::is_done);
        self.record.outcome.is_success() && !stuck && written
    }
}
