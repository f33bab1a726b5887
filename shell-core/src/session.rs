//! A session: one sandbox that stays, entry after entry, over one base.

mod change;
mod commit;
mod names;

use std::sync::Arc;

use cowry_runtime::{
    Event, Job, JobReport, Outcome, Program, RuntimeError, Sandbox, SandboxSpec, Show, Usage, Value, Zygote,
};
use cowry_vfs::Overlay;
use cowry_vfs::commit::InoMap;
use cowry_vfs::sqlite::Revision;

use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::interrupt::{Doing, InterruptHandle};
use crate::policy::Policy;
use crate::record::BucketRecord;
use crate::run::trees::Trees;
use crate::workspace::Workspace;

/// How a session is set up.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// What it may use, and what of its files a commit persists. Limits are per entry.
    pub policy: Policy,
    /// What fills `process.argv`.
    pub args: Vec<String>,
    /// What fills `process.env`.
    pub env: Vec<(String, String)>,
    /// Makes everything random repeatable.
    pub seed: Option<u64>,
}

/// What came of one entry.
#[derive(Clone, PartialEq, Debug)]
pub struct EntryReport {
    /// How it ended. Anything but a completed entry leaves the globals as they were at that point.
    pub outcome: Outcome,
    /// The value, in the forms it can be shown in; an inspector's included.
    pub value: Option<Value>,
    /// What it used.
    pub usage: Usage,
    /// Whether the sandbox ended with it: the next entry starts without globals, but with all files.
    pub restarted: bool,
}

/// What a commit of a session did.
#[derive(Clone, Debug)]
pub struct SessionCommit {
    /// The new revision; `None` if nothing that persists is new.
    pub revision: Option<Revision>,
    /// What was new, persisted or not.
    pub diff: Diff,
    /// What names it where something could not be written to a bucket: [`Workspace::run_finish`] takes it.
    pub id: Option<String>,
    /// What it wrote to buckets.
    pub buckets: Vec<BucketRecord>,
}

/// A sandbox that stays, on a workspace.
///
/// Entries share globals and files. Nothing reaches the workspace before [`commit`](Session::commit); what the
/// policy discards stays visible in the session. A sandbox that is killed loses its globals and not its files.
#[derive(Debug)]
pub struct Session {
    workspace: Workspace,
    options: SessionOptions,
    zygote: Arc<Zygote>,
    base: Revision,
    trees: Trees,
    sandbox: Option<Sandbox>,
    /// What was written since the base, up to the last entry that the sandbox survived.
    written: Vec<Option<Overlay>>,
    /// The state of `written` at the last commit; empty before the first.
    committed: Vec<Option<Overlay>>,
    /// Which nodes of the workspace earlier commits made of the session's.
    nodes: InoMap,
    own: Vec<Revision>,
    /// The run as which the last commit is kept that met a conflict.
    kept: Option<String>,
    handle: InterruptHandle,
    /// Whether each entry since the last commit, in this sandbox, has written anything, if only a time of access.
    wrote: Vec<bool>,
}

impl Session {
    /// Makes the sandbox over the workspace's latest revision; direct writes are sealed first.
    pub(crate) fn begin(workspace: &Workspace, options: SessionOptions) -> Result<Session> {
        // Boots while the base is sealed.
        let zygote = workspace.runtime().zygote()?;
        let (base, root) = workspace.base()?;
        let trees = Trees::open(root, &options.policy.mounts, workspace.clock())?;
        if !workspace.is_scratch() {
            crate::run::outside::check(workspace, &options.policy.files)?;
        }
        let mut session = Session {
            workspace: workspace.clone(),
            zygote,
            base,
            trees,
            sandbox: None,
            written: Vec::new(),
            committed: Vec::new(),
            nodes: InoMap::default(),
            own: Vec::new(),
            kept: None,
            handle: InterruptHandle::default(),
            wrote: Vec::new(),
            options,
        };
        session.spawn()?;
        Ok(session)
    }

    /// Evaluates one entry and hands on what it prints as it happens.
    ///
    /// An entry that throws is no error: the report says so.
    ///
    /// # Errors
    /// If there is no sandbox and none can be made.
    pub fn eval(&mut self, code: &str, on_event: &mut dyn FnMut(Event)) -> Result<EntryReport> {
        self.eval_shown(code, Show::Plain, on_event)
    }

    /// The same; the value's inspector form is what `show` says.
    ///
    /// # Errors
    /// As [`eval`](Session::eval).
    pub fn eval_shown(
        &mut self,
        code: &str,
        show: Show,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<EntryReport> {
        let job = Job {
            args: self.options.args.clone(),
            env: self.options.env.clone(),
            render: true,
            show,
            ..Job::new(Program::Entry { code: code.into() })
        };
        let sandbox = self.sandbox()?;
        let (before, interrupter) = (stamps(sandbox), sandbox.interrupter());
        let running = self.handle.during(Doing::Program(interrupter));
        let sandbox = self.sandbox.as_mut().expect("it was just made");
        let done = sandbox.run(&job, on_event);
        let after = stamps(sandbox);
        drop(running);
        let restarted = self.settle();
        if !restarted {
            self.wrote.push(before != after);
        }
        let JobReport { result, usage } = done?;
        Ok(EntryReport { outcome: result.outcome, value: result.value, usage, restarted })
    }

    /// Forgets what was written since the last commit and starts a new sandbox; globals are lost.
    ///
    /// # Errors
    /// If the sandbox cannot be made.
    pub fn discard(&mut self) -> Result<()> {
        let revision = self.own.last().copied().unwrap_or(self.base);
        self.move_to(revision)
    }

    /// Takes others' commits: starts a new sandbox over the latest revision; globals are lost.
    ///
    /// # Errors
    /// If there is something to commit or discard first, or the sandbox cannot be made.
    pub fn refresh(&mut self) -> Result<()> {
        if !self.diff()?.is_empty() {
            return Err(Error::Usage("there are changes: commit or discard them first".into()));
        }
        let (latest, _) = self.workspace.base()?;
        self.move_to(latest)
    }

    /// What is new since the last commit, whether or not it would persist.
    ///
    /// # Errors
    /// If the workspace cannot be read.
    pub fn diff(&self) -> Result<Diff> {
        self.trees.diff_since(&self.committed, &self.written)
    }

    /// The session's tree as it is after the last entry.
    ///
    /// # Errors
    /// If the mounts cannot be put together.
    pub fn fs(&self) -> Result<cowry_vfs::Vfs> {
        self.trees.after(&self.written)
    }

    /// The revision it started from, or moved to.
    pub fn base(&self) -> Revision {
        self.base
    }

    /// A handle that interrupts the running entry from any thread. It outlives restarts of the sandbox.
    pub fn interrupter(&self) -> InterruptHandle {
        self.handle.clone()
    }

    /// Takes over what the sandbox wrote, if it lives; says whether it does not.
    fn settle(&mut self) -> bool {
        match &self.sandbox {
            Some(sandbox) if sandbox.is_alive() => {
                self.written = fork_all(sandbox.overlays());
                false
            }
            _ => {
                self.sandbox = None;
                true
            }
        }
    }

    /// The sandbox, made anew if it has ended.
    fn sandbox(&mut self) -> Result<&mut Sandbox> {
        if self.sandbox.is_none() {
            self.spawn()?;
        }
        Ok(self.sandbox.as_mut().expect("it was just made"))
    }

    /// A new sandbox with the files of this one.
    fn restart(&mut self) -> Result<()> {
        self.sandbox = None;
        self.spawn()
    }

    fn spawn(&mut self) -> Result<()> {
        self.wrote.clear();
        let mut mounts = self.trees.for_sandbox();
        for (mount, written) in mounts.iter_mut().zip(&self.written) {
            mount.written = written.as_ref().map(|overlay| Arc::new(overlay.fork()));
        }
        let spec = SandboxSpec {
            mounts,
            program: None,
            limits: self.options.policy.limits.resolve(),
            seed: self.options.seed,
            strict: self.options.policy.strict,
        };
        let sandbox = match self.zygote.spawn(spec.clone()) {
            Err(RuntimeError::ZygoteDied { .. }) => {
                self.workspace.runtime().forget(&self.zygote);
                self.zygote = self.workspace.runtime().zygote()?;
                self.zygote.spawn(spec)?
            }
            spawned => spawned?,
        };
        self.written = fork_all(sandbox.overlays());
        self.sandbox = Some(sandbox);
        Ok(())
    }

    fn move_to(&mut self, revision: Revision) -> Result<()> {
        let root = self.workspace.layer_at(revision)?;
        self.sandbox = None;
        self.trees = Trees::open(root, &self.options.policy.mounts, self.workspace.clock())?;
        self.base = revision;
        self.written.clear();
        self.committed.clear();
        self.nodes = InoMap::default();
        self.own.clear();
        self.kept = None;
        self.spawn()
    }
}

/// What tells whether anything was written.
fn stamps(sandbox: &Sandbox) -> Vec<Option<u64>> {
    sandbox.overlays().iter().map(|overlay| overlay.as_ref().map(Overlay::stamp)).collect()
}

pub(crate) fn fork_all(overlays: &[Option<Overlay>]) -> Vec<Option<Overlay>> {
    overlays.iter().map(|overlay| overlay.as_ref().map(Overlay::fork)).collect()
}
