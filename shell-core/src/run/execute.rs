//! The steps of a run, in order.

use cowry_runtime::{Event, Job, JobReport, Lockdown, RuntimeError, SandboxSpec, Value};
use cowry_vfs::commit::{Judge, Verdict};
use cowry_vfs::{Overlay, Timestamp};

use super::collect::{Log, bounded};
use super::finish::Ending;
use super::outside;
use super::program::{self, Prepared};
use super::trees::Trees;
use super::{Run, RunReport};
use crate::error::{Error, Result};
use crate::interrupt::Doing;
use crate::record::{
    CHANGES_RECORDED, ChangeRecord, Fate, PolicyRecord, ProgramRecord, RESULT_RECORDED, RunRecord,
};
use crate::workspace::Workspace;

/// Runs a program on a workspace: base, sandbox, judgement, commit, record.
pub(crate) fn execute(
    workspace: &Workspace,
    run: &Run,
    on_event: &mut dyn FnMut(Event),
) -> Result<RunReport> {
    check(workspace, run)?;
    // Boots while the base is sealed and the program read.
    workspace.runtime().start()?;
    let (base, root) = workspace.base()?;
    let trees = Trees::open(root, &run.policy.mounts, workspace.clock())?;
    let prepared = program::prepare(&run.program, &trees.before()?)?;
    let started = workspace.clock().now();
    let mut log = Log::default();
    let done = sandboxed(workspace, run, &trees, &prepared, &mut |event| {
        log.note(&event);
        on_event(event);
    })?;
    let _ending = (!workspace.is_scratch()).then(|| run.interrupt.during(Doing::Committing));
    let diff = trees.diff(&done.overlays)?;
    let judge = run.policy.files.judge(done.report.result.outcome.is_success());
    let verdicts: Vec<Verdict> = diff.changes.iter().map(|change| judge.verdict(&change.path)).collect();
    let ended = workspace.clock().now();
    let changes = diff.changes.iter().zip(&verdicts).take(CHANGES_RECORDED);
    let record = RunRecord {
        id: crate::id::fresh(ended),
        started,
        ended,
        program: prepared.record,
        base: base.0,
        logs: log.lines,
        logs_dropped: log.dropped,
        unread: trees.unread()?,
        changes: changes.map(|(change, verdict)| ChangeRecord::of(change, *verdict)).collect(),
        changes_omitted: diff.changes.len().saturating_sub(CHANGES_RECORDED) as u64,
        ..blank(run, &done)
    };
    let record = Ending { workspace, run, trees: &trees, overlays: &done.overlays, diff: &diff, judge }
        .finish(record)?;
    Ok(RunReport { record, value: done.report.result.value, diff, verdicts })
}

/// What is left when the sandbox is gone.
struct Done {
    report: JobReport,
    overlays: Vec<Option<Overlay>>,
    lockdown: Lockdown,
}

/// Refuses what cannot come to anything, before any process is made.
fn check(workspace: &Workspace, run: &Run) -> Result<()> {
    if let Some(input) = &run.input
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(input)
    {
        return Err(Error::Usage(format!(
            "the input is no JSON: {error}; text needs quotes, as in '\"text\"'"
        )));
    }
    if workspace.is_read_only() && !run.dry_run {
        return Err(Error::ReadOnly { what: "run on it, or make it a dry run" });
    }
    if !run.cwd.starts_with('/') {
        return Err(Error::Usage(format!("the working directory {} is relative: begin it with /", run.cwd)));
    }
    if run.dry_run { Ok(()) } else { outside::check(workspace, &run.policy.files) }
}

fn sandboxed(
    workspace: &Workspace,
    run: &Run,
    trees: &Trees,
    prepared: &Prepared,
    on_event: &mut dyn FnMut(Event),
) -> Result<Done> {
    let zygote = workspace.runtime().zygote()?;
    let spec = SandboxSpec {
        mounts: trees.for_sandbox(),
        program: prepared.folder.clone(),
        limits: run.policy.limits.resolve(),
        seed: run.seed,
        strict: run.policy.strict,
    };
    let job = Job {
        program: prepared.job.clone(),
        input: run.input.clone(),
        args: run.args.clone(),
        env: run.env.clone(),
        cwd: run.cwd.clone(),
        stdin: run.stdin.clone(),
        render: run.render,
        show: cowry_runtime::Show::default(),
        request: None,
    };
    let mut attempt = || -> std::result::Result<Done, RuntimeError> {
        let mut sandbox = zygote.spawn(spec.clone())?;
        let running = run.interrupt.during(Doing::Program(sandbox.interrupter()));
        let report = sandbox.run(&job, on_event);
        drop(running);
        let report = report?;
        let overlays = sandbox.overlays().iter().map(|o| o.as_ref().map(Overlay::fork)).collect();
        // What this very sandbox said, not what the trial found.
        Ok(Done { report, overlays, lockdown: sandbox.lockdown().clone() })
    };
    attempt().map_err(|error| {
        if matches!(error, RuntimeError::ZygoteDied { .. }) {
            workspace.runtime().forget(&zygote);
        }
        Error::Runtime(error)
    })
}

/// A record of what was asked for and how it went, and of nothing that came of it yet.
fn blank(run: &Run, done: &Done) -> RunRecord {
    let result = done.report.result.value.clone().filter(|value| size(value) <= RESULT_RECORDED);
    RunRecord {
        id: String::new(),
        started: Timestamp::default(),
        ended: Timestamp::default(),
        program: ProgramRecord { name: String::new(), hash: String::new() },
        input_hash: run.input.as_ref().map(|input| blake3::hash(input.as_bytes()).to_hex().to_string()),
        args: run.args.clone(),
        env_names: run.env.iter().map(|(name, _)| name.clone()).collect(),
        seed: run.seed,
        message: run.message.clone(),
        policy: PolicyRecord::of(&run.policy),
        dry_run: run.dry_run,
        base: 0,
        outcome: bounded(done.report.result.outcome.clone()),
        result,
        usage: done.report.usage,
        logs: Vec::new(),
        logs_dropped: 0,
        changes: Vec::new(),
        changes_omitted: 0,
        lockdown: done.lockdown.clone(),
        fate: Fate::Unchanged,
        conflicts: Vec::new(),
        kept_until: None,
        kept_mounts: Vec::new(),
        lost: Vec::new(),
        unread: Vec::new(),
        buckets: Vec::new(),
    }
}

fn size(value: &Value) -> usize {
    [&value.text, &value.json, &value.rendered].into_iter().flatten().map(String::len).sum()
}
