//! What the tests share: one zygote, sandboxes over memory, short ways to say what is expected.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cowry_runtime::{
    Event, Job, JobReport, JobResult, Limits, Outcome, Sandbox, SandboxSpec, Zygote, ZygoteOptions,
};
use cowry_vfs::{Layer, MemoryLayer};
use libtest_mimic::Trial;

/// A name that states the rule, and the test of it.
pub type Case = (&'static str, fn());

pub fn trial((name, test): Case) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// The zygote that the tests share.
pub fn zygote() -> &'static Zygote {
    static ZYGOTE: OnceLock<Zygote> = OnceLock::new();
    ZYGOTE.get_or_init(|| Zygote::start(&ZygoteOptions::default()).expect("the test binary calls init()"))
}

/// Time that no busy machine uses up, for what is not about time.
pub fn plenty() -> Limits {
    let plenty = Duration::from_secs(600);
    Limits { cpu: plenty, wall: plenty, ..Limits::default() }
}

/// An empty tree.
pub fn tree() -> Arc<dyn Layer> {
    Arc::new(MemoryLayer::new())
}

pub fn sandbox(limits: Limits) -> Sandbox {
    let spec = SandboxSpec { limits, ..SandboxSpec::new(tree()) };
    zygote().spawn(spec).expect("a sandbox can be forked")
}

/// What a job did: its report and its log.
pub struct Done {
    pub report: JobReport,
    pub events: Vec<Event>,
}

impl Done {
    pub fn outcome(&self) -> &Outcome {
        &self.report.result.outcome
    }

    /// The result as JSON.
    pub fn json(&self) -> &str {
        match &self.report.result {
            JobResult { outcome: Outcome::Completed { .. }, value: Some(value) } => {
                value.json.as_deref().expect("a result that JSON can express")
            }
            other => panic!("expected a result, got {other:?}"),
        }
    }
}

pub fn run(sandbox: &mut Sandbox, job: &Job) -> Done {
    let mut events = Vec::new();
    let report = sandbox.run(job, &mut |event| events.push(event)).expect("the sandbox takes a job");
    Done { report, events }
}

/// Evaluates code in a sandbox of its own with the usual limits of space.
pub fn eval(code: &str) -> Done {
    eval_within(plenty(), code)
}

pub fn eval_within(limits: Limits, code: &str) -> Done {
    run(&mut sandbox(limits), &Job::expression(code))
}
