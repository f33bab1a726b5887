//! A word that something goes on, on a terminal's standard error, once it has taken half a second.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

const SILENT_FOR: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// Shows for as long as it lives that an entry runs. What the entry prints takes its place.
#[derive(Debug)]
pub struct Busy {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Busy {
    /// Where nobody watches, nothing is shown.
    pub fn new(out: &Output, watched: bool) -> Busy {
        let wanted = watched && out.err_is_terminal && out.err_style.is_coloured() && !out.quiet && !out.json;
        let running = wanted.then(|| {
            let (stop, stopped) = mpsc::channel();
            (stop, thread::spawn(move || wait_and_show(&stopped)))
        });
        Busy { running }
    }

    /// Takes the word away, for good: something is printed now, which says as much.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // It only draws; if it could not there is nothing to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn wait_and_show(stopped: &mpsc::Receiver<()>) {
    if !matches!(stopped.recv_timeout(SILENT_FOR), Err(RecvTimeoutError::Timeout)) {
        return;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} running for {elapsed}, Ctrl-C interrupts");
    bar.set_style(style.expect("the template is well formed"));
    while matches!(stopped.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
        bar.tick();
    }
    bar.finish_and_clear();
}
