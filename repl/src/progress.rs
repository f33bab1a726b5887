//! A bar for what takes long: on a terminal's standard error only, and only once it has taken half a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cowry_shell_core::Workspace;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

const SILENT_FOR: Duration = Duration::from_millis(500);

/// Shows how far a transfer is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
    wanted: bool,
}

impl Progress {
    /// A bar that names what goes on: `importing`.
    pub fn new(out: &Output, doing: &'static str) -> Progress {
        Progress::begin(is_wanted(out), doing)
    }

    fn begin(wanted: bool, doing: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_message(doing);
        Progress { bar, began: Instant::now(), shown: false, wanted }
    }

    /// So many files and bytes are done, of so many bytes if that is known.
    pub fn at(&mut self, files: u64, bytes: u64, of_bytes: Option<u64>) {
        if !self.wanted {
            return;
        }
        if !self.shown && self.began.elapsed() >= SILENT_FOR {
            self.show(of_bytes.is_some());
        }
        if let Some(of_bytes) = of_bytes {
            self.bar.set_length(of_bytes);
        }
        self.bar.set_position(bytes);
        self.bar.set_prefix(format!("{files} files"));
    }

    /// It is about something else now, and so far.
    #[cfg(feature = "object")]
    pub fn stage(&mut self, doing: &'static str, bytes: u64, of_bytes: u64) {
        if self.bar.message() != doing {
            self.bar.set_message(doing);
            self.bar.reset_eta();
        }
        self.at(0, bytes, Some(of_bytes));
        self.bar.set_prefix("");
    }

    fn show(&mut self, bounded: bool) {
        self.shown = true;
        let template = match bounded {
            true => {
                "{msg} [{bar:30}] {binary_bytes}/{binary_total_bytes} {prefix} {binary_bytes_per_sec} {eta}"
            }
            false => "{msg} {spinner} {binary_bytes} {prefix} {binary_bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template).expect("the templates are well formed");
        self.bar.set_style(style.progress_chars("=> "));
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn is_wanted(out: &Output) -> bool {
    out.err_is_terminal && !out.quiet && !out.json
}

/// Shows how far writes to buckets are, whenever this workspace makes any. An interrupt then ends Cowry: the program has
/// ended, and what is not written yet is journalled.
pub fn of_bucket_writes(out: &Output, workspace: &Workspace) {
    let (wanted, shown) = (is_wanted(out), Mutex::new(None));
    workspace.on_bucket_writes(move |at| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = at else { return *shown = None };
        let progress = shown.get_or_insert_with(|| Progress::begin(wanted, "writing to the bucket"));
        progress.at(at.objects, at.bytes, Some(at.of_bytes));
    });
}
