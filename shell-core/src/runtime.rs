//! The zygote, started when it is first needed and shared by whoever holds the handle.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cowry_runtime::{RuntimeError, Zygote, ZygoteOptions};

/// A handle to the processes that runs are made of. Cheap to clone; all clones share one zygote.
///
/// The zygote is this very program, executed once more, unless another is named; either way that program's `main`
/// begins with [`init`](crate::init). It ends with the last clone.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    program: Option<PathBuf>,
    is_for_one: bool,
    zygote: Mutex<Option<Arc<Zygote>>>,
}

impl Runtime {
    /// A runtime that starts with its first run.
    pub fn new() -> Runtime {
        Runtime::default()
    }

    /// A runtime whose zygote is another program, for hosts that cannot call [`init`](crate::init) themselves.
    pub fn with_program(program: impl Into<PathBuf>) -> Runtime {
        Runtime { inner: Arc::new(Inner { program: Some(program.into()), ..Inner::default() }) }
    }

    /// A runtime for a host that makes one run and ends: nothing is got ready for a second one, which is slower then.
    pub fn for_one_run() -> Runtime {
        Runtime { inner: Arc::new(Inner { is_for_one: true, ..Inner::default() }) }
    }

    /// Starts the zygote, which boots in the background while the caller opens its workspace.
    ///
    /// # Errors
    /// If its program cannot be executed.
    pub fn start(&self) -> Result<(), RuntimeError> {
        self.zygote().map(drop)
    }

    /// The zygote; starts it if it is not running yet.
    pub(crate) fn zygote(&self) -> Result<Arc<Zygote>, RuntimeError> {
        let mut slot = self.inner.zygote.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zygote) = &*slot {
            return Ok(zygote.clone());
        }
        let mut options = ZygoteOptions::default();
        options.program.clone_from(&self.inner.program);
        options.is_for_one = self.inner.is_for_one;
        let zygote = Arc::new(Zygote::start(&options)?);
        *slot = Some(zygote.clone());
        Ok(zygote)
    }

    /// Gives up a zygote that died, so that the next run starts another.
    pub(crate) fn forget(&self, dead: &Arc<Zygote>) {
        let mut slot = self.inner.zygote.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|zygote| Arc::ptr_eq(zygote, dead)) {
            *slot = None;
        }
    }
}
