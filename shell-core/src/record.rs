//! What is remembered of every run, failed ones included.

use std::time::Duration;

use cowry_runtime::{Level, Limits, Lockdown, Outcome, Usage, Value};
use cowry_vfs::commit::Verdict;
use cowry_vfs::sqlite::Conflict;
use cowry_vfs::{Change, ChangeKind, FileType, Timestamp};
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::error::{Error, Result};
use crate::policy::{FileRules, Glob, Keep, Policy, Rule, When};
use crate::units::Span;

/// The most changes a record lists; more are counted.
pub const CHANGES_RECORDED: usize = 10_000;
/// The most bytes of log a record holds; more are counted.
pub const LOG_RECORDED: usize = 256 << 10;
/// The largest result a record holds, in bytes.
pub const RESULT_RECORDED: usize = 64 << 10;
/// The most bytes of each text in an outcome, such as the message of what was thrown; longer ones are cut.
pub const TEXT_RECORDED: usize = 64 << 10;
/// The most frames of a stack in an outcome.
pub const FRAMES_RECORDED: usize = 256;
/// The most bytes of the name of a function or file in such a frame.
pub const NAME_RECORDED: usize = 1 << 10;

/// Everything about one run but its files. Stored in the workspace as JSON.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// What names the run: eight letters and digits.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// When it had ended and was judged.
    pub ended: Timestamp,
    /// What ran.
    pub program: ProgramRecord,
    /// BLAKE3 of the input's JSON text, in hexadecimal.
    pub input_hash: Option<String>,
    /// The arguments.
    pub args: Vec<String>,
    /// The names of the environment's variables; the values may be secrets and are not kept.
    pub env_names: Vec<String>,
    /// The seed that made it repeatable.
    pub seed: Option<u64>,
    /// The message given with it.
    pub message: Option<String>,
    /// What it was allowed, and what of it would persist.
    pub policy: PolicyRecord,
    /// Whether it was to commit nothing.
    pub dry_run: bool,
    /// The revision it saw.
    pub base: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The result, if it is small enough.
    pub result: Option<Value>,
    /// What it used.
    pub usage: Usage,
    /// What it logged, up to a bound.
    pub logs: Vec<LogLine>,
    /// Bytes of log beyond that bound or the limit.
    pub logs_dropped: u64,
    /// What it changed, in path order, up to a bound.
    pub changes: Vec<ChangeRecord>,
    /// Changes beyond that bound.
    pub changes_omitted: u64,
    /// Which parts of the lockdown held.
    pub lockdown: Lockdown,
    /// What became of its files.
    pub fate: Fate,
    /// The paths on which others were first, if that is what became of them.
    pub conflicts: Vec<ConflictRecord>,
    /// Until when its changes are kept, if they are.
    pub kept_until: Option<Timestamp>,
    /// The mounts of which changes are kept, too, or were committed late.
    #[serde(default)]
    pub kept_mounts: Vec<String>,
    /// What it could not read because of a bucket, and what that said: the file, or the mount that it is in.
    #[serde(default)]
    pub unread: Vec<ConflictRecord>,
    /// What it wrote to mounts that is neither there nor kept, and why: some of it, or whole mounts.
    #[serde(default)]
    pub lost: Vec<ConflictRecord>,
    /// What it writes to buckets: one for each mount and for each bucket that files are promoted to.
    #[serde(default)]
    pub buckets: Vec<BucketRecord>,
}

/// What a run writes to one bucket after its commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BucketRecord {
    /// The address.
    pub address: String,
    /// The mount whose changes are written, or `None` where files are promoted.
    pub mount: Option<String>,
    /// Objects written or removed so far.
    pub done: u64,
    /// Those of them that were removed.
    #[serde(default)]
    pub removed: u64,
    /// Bytes written so far.
    pub bytes: u64,
    /// Objects that are still to be written or removed.
    pub left: u64,
    /// The addresses of some that were not written because somebody else had changed them.
    pub conflicts: Vec<String>,
    /// Why others are left, in one line.
    pub trouble: Option<String>,
}

impl BucketRecord {
    /// Whether everything is where it should be.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }
}

/// What ran.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProgramRecord {
    /// The file as it was named, or `[eval]`.
    pub name: String,
    /// BLAKE3 of its text, in hexadecimal.
    pub hash: String,
}

/// A policy as it was applied.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Whether what no rule matches persists.
    pub persist_by_default: bool,
    /// The rules in the order asked, the built-in one included.
    pub rules: Vec<RuleRecord>,
    /// The mounts.
    pub mounts: Vec<MountRecord>,
    /// Whether a missing part of the lockdown was to refuse it.
    pub strict: bool,
    /// The bounds that held.
    pub limits: Limits,
}

/// One rule of a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleRecord {
    /// The glob.
    pub glob: String,
    /// `persist`, `discard`, `expire` or `promote`.
    pub keep: String,
    /// `success` or `always`.
    pub when: String,
    /// How long an expiring path lasts.
    pub ttl: Option<Span>,
    /// Where a promoted file is copied to.
    #[serde(default)]
    pub to: Option<String>,
}

/// One mount of a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MountRecord {
    /// Where.
    pub at: String,
    /// What.
    pub source: String,
    /// Whether it could be written.
    pub writable: bool,
}

/// Something a run printed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LogLine {
    /// Through `console`.
    Console {
        /// How loud.
        level: Level,
        /// When.
        at: Timestamp,
        /// What, without a line end.
        text: String,
    },
    /// To `process.stdout`; bytes that are no UTF-8 are replaced.
    Stdout(String),
    /// To `process.stderr`; bytes that are no UTF-8 are replaced.
    Stderr(String),
}

/// One path that a run changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// Where.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
    /// Where it was before, if it was renamed.
    pub from: Option<String>,
    /// What kind of node it is (of a removal: was).
    pub node: FileType,
    /// Bytes before.
    pub before: Option<u64>,
    /// Bytes now.
    pub after: Option<u64>,
    /// What the policy said of it.
    pub verdict: VerdictRecord,
}

/// What a policy said of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum VerdictRecord {
    /// To be committed.
    Persist,
    /// To be forgotten.
    Discard,
    /// To be committed and removed after this time.
    Expire(Span),
}

/// A path with which something is wrong: a run and somebody else collided on it, it is not kept, or cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConflictRecord {
    /// Where.
    pub path: String,
    /// How.
    pub what: String,
}

/// What became of the files of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fate {
    /// Nothing that would persist was changed.
    Unchanged,
    /// Committed as this revision.
    Committed {
        /// The revision.
        revision: u64,
    },
    /// Not committed, because the run was to commit nothing.
    DryRun,
    /// Not committed, because the run failed.
    Failed,
    /// Not committed, because others were first.
    Conflict,
    /// Not committed, because there was no workspace to commit to.
    Scratch,
    /// Not committed, because the workspace failed.
    CommitFailed {
        /// What it said.
        reason: String,
    },
    /// Dropped on request.
    Dropped,
}

impl RunRecord {
    /// The revision that its files are in.
    pub fn revision(&self) -> Option<u64> {
        match self.fate {
            Fate::Committed { revision } => Some(revision),
            _ => None,
        }
    }

    /// Reads a stored record.
    pub(crate) fn decode(bytes: &[u8]) -> Result<RunRecord> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::Usage(format!("a run record is from another version of cowry: {error}")))
    }

    /// Whether its changes can still be committed or looked at in full, at the time `now`.
    pub fn is_kept(&self, now: Timestamp) -> bool {
        self.kept_until.is_some_and(|until| now < until)
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.ended.0.saturating_sub(self.started.0)).unwrap_or(0))
    }
}

impl PolicyRecord {
    /// What to remember of a policy.
    pub fn of(policy: &Policy) -> PolicyRecord {
        let mounts = policy.mounts.iter().map(|mount| MountRecord {
            at: mount.at.to_string(),
            source: mount.source.to_string(),
            writable: mount.is_writable(),
        });
        PolicyRecord {
            persist_by_default: policy.files.persist_by_default,
            rules: policy.files.rules().map(RuleRecord::of).collect(),
            mounts: mounts.collect(),
            strict: policy.strict,
            limits: policy.limits.resolve(),
        }
    }
}

impl PolicyRecord {
    /// The rules as they can be applied again.
    pub(crate) fn rules(&self) -> Result<FileRules> {
        let mut files = FileRules::with_default(self.persist_by_default);
        // The built-in rule, which is last, is there already.
        let listed = self.rules.len().saturating_sub(1);
        for rule in &self.rules[..listed] {
            files.push(rule.rule()?);
        }
        Ok(files)
    }
}

impl RuleRecord {
    fn rule(&self) -> Result<Rule> {
        let damaged = || Error::Usage(format!("the run's rule for {} is from another version", self.glob));
        let keep = match (self.keep.as_str(), self.ttl, &self.to) {
            ("persist", ..) => Keep::Persist,
            ("discard", ..) => Keep::Discard,
            ("expire", Some(ttl), _) => Keep::Expire(ttl.0),
            ("promote", _, Some(to)) => Keep::Promote(Address::parse(to).map_err(Error::Usage)?),
            _ => return Err(damaged()),
        };
        let when = if self.when == "always" { When::Always } else { When::Success };
        Ok(Rule { glob: Glob::new(&self.glob).map_err(|_| damaged())?, keep, when })
    }

    fn of(rule: &Rule) -> RuleRecord {
        let (keep, ttl, to) = match &rule.keep {
            Keep::Persist => ("persist", None, None),
            Keep::Discard => ("discard", None, None),
            Keep::Expire(ttl) => ("expire", Some(Span(*ttl)), None),
            Keep::Promote(to) => ("promote", None, Some(to.to_string())),
        };
        let when = match rule.when {
            When::Success => "success",
            When::Always => "always",
        };
        RuleRecord { glob: rule.glob.as_str().into(), keep: keep.into(), when: when.into(), ttl, to }
    }
}

impl ChangeRecord {
    /// What to remember of a change.
    pub fn of(change: &Change, verdict: Verdict) -> ChangeRecord {
        let stat = change.after.or(change.before);
        ChangeRecord {
            path: change.path.to_string(),
            kind: change.kind,
            from: change.from.as_ref().map(ToString::to_string),
            node: stat.map_or(FileType::Regular, |stat| stat.kind),
            before: change.before.map(|stat| stat.size),
            after: change.after.map(|stat| stat.size),
            verdict: verdict.into(),
        }
    }
}

impl ConflictRecord {
    pub(crate) fn of(conflict: &Conflict) -> ConflictRecord {
        ConflictRecord { path: conflict.path.to_string(), what: conflict.what.to_string() }
    }
}

impl From<Verdict> for VerdictRecord {
    fn from(verdict: Verdict) -> VerdictRecord {
        match verdict {
            Verdict::Persist => VerdictRecord::Persist,
            Verdict::Discard => VerdictRecord::Discard,
            Verdict::Expire(ttl) => VerdictRecord::Expire(Span(ttl)),
        }
    }
}
