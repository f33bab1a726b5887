//! What a sandbox is made of and bounded by, and what is known of it afterwards.

use std::sync::Arc;
use std::time::Duration;

use cowry_vfs::{Layer, Overlay};
use serde::{Deserialize, Serialize};

use crate::job::JobResult;

/// What to make a sandbox of.
#[derive(Clone, Debug)]
pub struct SandboxSpec {
    /// The trees it sees. The first is at `/`; each other one is at a path below.
    pub mounts: Vec<Mount>,
    /// The program's own folder: only the module loader reads it, below `/program`.
    pub program: Option<Arc<dyn Layer>>,
    /// The bounds of each job.
    pub limits: Limits,
    /// Makes everything random in the sandbox repeatable.
    pub seed: Option<u64>,
    /// Whether to refuse where the kernel lacks a part of the lockdown.
    pub strict: bool,
}

impl SandboxSpec {
    /// A sandbox that sees `root` at `/`, writable, with default limits.
    pub fn new(root: Arc<dyn Layer>) -> SandboxSpec {
        SandboxSpec {
            mounts: vec![Mount { at: "/".into(), layer: root, writable: true, written: None }],
            program: None,
            limits: Limits::default(),
            seed: None,
            strict: false,
        }
    }
}

/// One tree in a sandbox.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where: an absolute path.
    pub at: String,
    /// The tree. It is only ever read.
    pub layer: Arc<dyn Layer>,
    /// Whether the sandbox may write: into an overlay, never into `layer`.
    pub writable: bool,
    /// What was written to it already, over this same `layer`: a session goes on after its sandbox was killed.
    /// Only for writable trees; the sandbox begins with it.
    pub written: Option<Arc<Overlay>>,
}

/// The bounds of a job. Times and the log are per job, the rest is the sandbox's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of engine heap and array buffers.
    pub memory_bytes: u64,
    /// Processor time.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
    /// Bytes of written content that are held in memory; more spills to an unlinked file.
    pub scratch_memory_bytes: u64,
    /// Bytes of written content in all; past it a write is `EDQUOT`.
    pub scratch_bytes: u64,
    /// Files and directories that can be made.
    pub files: u64,
    /// Bytes of log that are kept; more is counted.
    pub log_bytes: u64,
    /// Bytes of the result; a longer one throws.
    pub result_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory_bytes: 128 << 20,
            cpu: Duration::from_secs(30),
            wall: Duration::from_secs(60),
            scratch_memory_bytes: 64 << 20,
            scratch_bytes: 1 << 30,
            files: 100_000,
            log_bytes: 1 << 20,
            result_bytes: 16 << 20,
        }
    }
}

/// What came of a job.
#[derive(Clone, PartialEq, Debug)]
pub struct JobReport {
    /// How it ended, and its result.
    pub result: JobResult,
    /// What it used.
    pub usage: Usage,
}

/// What a job used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time of the sandbox during the job.
    pub cpu: Duration,
    /// Time from the job's dispatch to its end.
    pub wall: Duration,
    /// The most memory the sandbox process has had resident, pages shared with the zygote included. Bytes.
    pub peak_memory_bytes: u64,
    /// Bytes on the engine's heap at the end; 0 if the sandbox did not live to say.
    pub heap_bytes: u64,
    /// Requests the sandbox made of the trees behind its mounts.
    pub fs_requests: u64,
    /// Bytes it was answered.
    pub fs_bytes: u64,
    /// Bytes of log it wrote, those dropped included.
    pub log_bytes: u64,
}

/// Which parts of the lockdown hold, and which the kernel did not grant.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lockdown {
    /// Parts in force, in the order they were applied.
    pub applied: Vec<String>,
    /// Parts not in force, each with what the kernel said: `landlock: function not implemented`.
    pub missing: Vec<String>,
}

impl Lockdown {
    /// Whether everything is in force.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}
