//! Many blocks at once, with a bound on how many are in memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::PushError;

/// How often `beat` is called while nothing is done.
const PAUSE: Duration = Duration::from_secs(10);

/// Does `work` for each number below `count`, `threads` at once, and tells `each` of what came out, in no certain
/// order. `beat` is called now and then. The first error ends it; what is under way is waited for.
///
/// # Errors
/// The first of `work`, `each` or `beat`.
pub(super) fn in_parallel<T: Send>(
    count: usize,
    threads: usize,
    work: &(dyn Fn(usize) -> Result<T, PushError> + Sync),
    each: &mut dyn FnMut(usize, T) -> Result<(), PushError>,
    beat: &mut dyn FnMut() -> Result<(), PushError>,
) -> Result<(), PushError> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (tell, told) = mpsc::sync_channel(threads.max(1));
        for _ in 0..threads.clamp(1, count.max(1)) {
            let (tell, next, stop) = (tell.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || tell.send((number, work(number))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        let done = gather(told, each, beat);
        stop.store(true, Ordering::Relaxed);
        done
    })
}

/// Takes the receiver, so that nobody waits for room in it once this has failed.
fn gather<T>(
    told: Receiver<(usize, Result<T, PushError>)>,
    each: &mut dyn FnMut(usize, T) -> Result<(), PushError>,
    beat: &mut dyn FnMut() -> Result<(), PushError>,
) -> Result<(), PushError> {
    loop {
        match told.recv_timeout(PAUSE) {
            Ok((number, outcome)) => each(number, outcome?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        beat()?;
    }
}
