//! Sandboxed JavaScript: a zygote that is forked, the lockdown of its children, the wire between.
//!
//! The process that uses this crate is the *supervisor*. It starts a *zygote*, a process with an isolate ready,
//! and asks it for *sandboxes*: forks that see nothing of the host but the trees they are given. The zygote is the
//! supervisor's own program, executed once more, so a program that uses this crate calls [`init`] before anything
//! else:
//!
//! ```no_run
//! use std::sync::Arc;
//! use cowry_runtime::{Job, SandboxSpec, Zygote, ZygoteOptions};
//!
//! # fn tree() -> Arc<dyn cowry_vfs::Layer> { unimplemented!() }
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     cowry_runtime::init();
//!     let zygote = Zygote::start(&ZygoteOptions::default())?;
//!     let mut sandbox = zygote.spawn(SandboxSpec::new(tree()))?;
//!     let report = sandbox.run(&Job::expression("1 + 1"), &mut |event| drop(event))?;
//!     println!("{:?}", report.result);
//!     Ok(())
//! }
//! ```

mod engine;
mod host;
mod isolate;
mod job;
mod js;
mod module;
mod ops;
mod spec;

mod supervisor;

pub use engine::{CAPABILITIES, Capabilities};
pub use host::{Host, InterruptHandle};
pub use isolate::Isolate;
pub use job::{
    Event, Frame, Interrupt, Job, JobResult, Level, Outcome, Program, Request, SourceKind, Thrown, TimeLimit,
    Value,
};
pub use spec::{JobReport, Limits, Lockdown, Mount, SandboxSpec, Usage};
pub use supervisor::{Interrupter, RuntimeError, Sandbox, Zygote, ZygoteOptions};

/// Becomes the launcher and zygote if this process was executed to be that, and never returns then.
///
/// Call it first thing in `main`, before anything opens files or starts threads.
pub fn init() {}
