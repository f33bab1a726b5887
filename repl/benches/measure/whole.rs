//! Whole commands, ours and others', as somebody at a prompt waits for them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::table::time;

/// The best of three rounds of a whole command; `None` if the program is not on this machine.
pub fn best(folder: &Path, program: &str, arguments: &[&str]) -> Option<Duration> {
    let round = || {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env_remove("COWRY_WORKSPACE").stdin(Stdio::null());
        let (took, output) = time(|| command.output());
        let output = output.ok()?;
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Some(took)
    };
    (0..3).filter_map(|_| round()).min()
}

/// Seconds, or that there is no such program.
pub fn shown(took: Option<Duration>) -> String {
    took.map_or_else(|| "not on this machine".into(), |took| format!("{:.2} s", took.as_secs_f64()))
}
