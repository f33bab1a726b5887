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

// What crosses the wire.
#[cfg(test)]
mod cases;
mod job;
mod spec;
mod wire;

// The trusted side.
mod supervisor;

// From the supervisor's program to a sandbox.
mod control;
mod delta;
mod dirt;
mod launcher;
mod mounts;
mod remote;
mod sandbox;
mod sys;
mod zygote;

// What runs in a sandbox.
mod data;
mod embedded;
mod engine;
mod host;
mod isolate;
mod js;
mod module;
mod ops;
pub mod state;
mod text;

/// The TypeScript declarations of `csv`, `ndjson` and `json`.
pub const DATA_TYPES: &str = include_str!("data/types.d.ts");

pub use engine::{CAPABILITIES, Capabilities};
pub use host::{Host, InterruptHandle};
pub use isolate::Isolate;
pub use job::{
    Event, Frame, Interrupt, Job, JobResult, Level, Member, MemberKind, Outcome, Program, Request, Show,
    SourceKind, Thrown, TimeLimit, Value,
};
pub use launcher::init;
pub use spec::{JobReport, Limits, Lockdown, Mount, SandboxSpec, Usage};
pub use supervisor::{Interrupter, RuntimeError, Sandbox, Zygote, ZygoteOptions};
