//! Places between the steps of an operation where a test lets it fail, or looks at what is on the disk by then.
//!
//! Without the feature `failpoints` there are none. With it a thread says what to do at each place it passes; other
//! threads pass undisturbed.

use crate::errno::NodeResult;

/// Passes a place; `Err` if a test wants the operation to fail here.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn pass(_place: &'static str) -> NodeResult<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub(crate) use self::hook::pass;
#[cfg(feature = "failpoints")]
pub use self::hook::with_failpoints;

#[cfg(feature = "failpoints")]
mod hook {
    use std::cell::RefCell;

    use super::NodeResult;

    type Hook = Box<dyn FnMut(&'static str) -> NodeResult<()>>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    pub(crate) fn pass(place: &'static str) -> NodeResult<()> {
        // Taken out while it runs, so that it may use layers itself.
        let Some(mut hook) = HOOK.take() else { return Ok(()) };
        let result = hook(place);
        HOOK.set(Some(hook));
        result
    }

    /// Runs `work`; `hook` is called with the name of each place this thread passes, and its error is the operation's.
    pub fn with_failpoints<T>(
        hook: impl FnMut(&'static str) -> NodeResult<()> + 'static,
        work: impl FnOnce() -> T,
    ) -> T {
        HOOK.set(Some(Box::new(hook)));
        let result = work();
        HOOK.set(None);
        result
    }
}
