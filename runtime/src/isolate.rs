//! One isolate: booted once in the zygote, adopted by one sandbox, run for one job after another.

mod boot;
mod drive;
mod warm;

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::{JsRuntime, v8};

use crate::engine;
use crate::host::{Host, InterruptHandle, InterruptState};
use crate::job::{Job, JobResult};
use crate::module::Loader;
use crate::ops::{self, job::Progress};
use crate::sys;

/// The functions of the bootstrap that are called from here.
struct Hooks {
    /// Prepares the globals of a sandbox.
    adopt: v8::Global<v8::Function>,
    /// Forgets what was run in the zygote.
    forget: v8::Global<v8::Function>,
    /// Begins a job.
    start: v8::Global<v8::Function>,
    /// Nothing is left to do: the last chance to say otherwise.
    before_exit: v8::Global<v8::Function>,
    /// Ends the timers of a job that was cut off.
    end_timers: v8::Global<v8::Function>,
    /// The end of the job; answers with the exit code.
    exit: v8::Global<v8::Function>,
    /// Names the members of what a chain of names stands for, without running anything of the program's.
    members: v8::Global<v8::Function>,
}

/// A JavaScript isolate with everything user code can see, and nothing else.
///
/// A process has one, on its main thread, and never drops it: it ends by `_exit`.
pub struct Isolate {
    js: JsRuntime,
    hooks: Hooks,
    loader: Rc<Loader>,
    interrupts: Arc<InterruptState>,
    memory_limit: Option<u64>,
    /// Whether the last job was an entry of a session.
    entered: bool,
}

impl fmt::Debug for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Isolate")
    }
}

impl Isolate {
    /// Builds the isolate, loads and touches everything, and takes the host's hooks out of reach. Forks of the
    /// process share what this made.
    pub fn boot() -> Isolate {
        boot::boot()
    }

    /// Makes what forks allocate go into pages of their own, and not between what they share. To be called last
    /// before the first fork.
    pub(crate) fn fill_gaps(&mut self) {
        let end = sys::fill_gaps();
        engine::fill_gaps(&mut self.js, end);
        sys::fill_gaps();
    }

    /// Gives the isolate to a sandbox. To be called once, in the forked process, before any user code.
    pub fn adopt(&mut self, host: Host) {
        {
            let state = self.js.op_state();
            let mut state = state.borrow_mut();
            state.put(ops::Random::new(host.seed));
            state.put(ops::Epoch::new(host.clock.clone()));
            state.put(ops::Files::default());
            state.put(ops::Readers::default());
            state.put(ops::Replacements::default());
            state.put(ops::Savepoints::default());
            state.put(ops::Trees::default());
            state.put(Progress::default());
            state.put(ops::Queries::default());
            state.put(self.interrupts.clone());
            self.loader.adopt(&host);
            state.put(host);
        }
        boot::call(&mut self.js, &self.hooks.adopt);
    }

    /// Runs a job to its end on `rt`, a current-thread runtime made in this process.
    ///
    /// A session calls it again and again: what entries declared stays, interrupted or not.
    pub fn run(&mut self, rt: &tokio::runtime::Runtime, job: &Job) -> JobResult {
        drive::run(self, rt, job)
    }

    /// Names the members of what the chain of names stands for that begin with `prefix`, a letter and a name on
    /// each line of the answer's text. No code of the program's runs: getters and proxies are left alone.
    pub fn members(&mut self, path: &[String], prefix: &str, most: u32) -> JobResult {
        drive::members(self, path, prefix, most)
    }

    /// The directory that the program is in.
    pub fn cwd(&mut self) -> JobResult {
        drive::cwd(self)
    }

    /// Removes what programs of the zygote's own left.
    fn forget_warming(&mut self) {
        boot::call(&mut self.js, &self.hooks.forget);
        self.entered = false;
        // Here and not in a fork, which would copy every page that it frees something in.
        self.loader.forget();
        let state = self.js.op_state();
        let mut state = state.borrow_mut();
        state.take::<Host>();
        state.put(Progress::default());
    }

    /// What stops the running code from another thread.
    pub fn interrupt_handle(&mut self) -> InterruptHandle {
        let isolate = self.js.v8_isolate().thread_safe_handle();
        InterruptHandle { state: self.interrupts.clone(), isolate }
    }

    /// Bounds the heap from now on. A program that goes over ends with `OutOfMemory`.
    pub fn set_memory_limit(&mut self, bytes: u64) {
        self.memory_limit = Some(bytes);
        self.js.op_state().borrow_mut().put(ops::MemoryBytes(bytes));
        engine::set_memory_limit(&mut self.js, usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// Frees every unreachable cycle.
    pub fn collect_garbage(&mut self) {
        engine::collect_garbage(&mut self.js);
    }

    /// Bytes the heap holds, array buffers included.
    pub fn heap_bytes(&mut self) -> u64 {
        engine::heap_bytes(&mut self.js)
    }
}
