//! Long output a screen at a time, on a terminal only.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::interrupt;
use crate::output::Output;

/// Prints text; where it is longer than the screen of whoever reads it, through a pager.
pub fn show(out: &mut Output, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let rows = rows().filter(|_| out.out_is_terminal && out.err_is_terminal);
    let long = rows.is_some_and(|rows| text.lines().count() >= rows);
    if long && page(&pager(), text) { Ok(()) } else { out.text(text) }
}

/// The height of the screen; none on a dumb terminal, on which no pager works.
fn rows() -> Option<usize> {
    if env::var_os("TERM").is_none_or(|term| term == "dumb") {
        return None;
    }
    terminal_size::terminal_size().map(|(_, height)| usize::from(height.0)).filter(|rows| *rows > 1)
}

/// What the user wants to page with.
fn pager() -> String {
    env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty()).unwrap_or_else(|| "less".into())
}

/// Whether the pager could be had. What it thinks of the text, or that it is left early, is no matter of ours.
fn page(pager: &str, text: &str) -> bool {
    let found = Command::new("/bin/sh")
        .args(["-c", &format!("command -v -- {} >/dev/null", pager.split(' ').next().unwrap_or(pager))])
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        return false;
    }
    let less = env::var("LESS").unwrap_or_else(|_| "FRX".into());
    let started = Command::new("/bin/sh").args(["-c", pager]).env("LESS", less).stdin(Stdio::piped()).spawn();
    let Ok(mut child) = started else { return false };
    let _guard = interrupt::to_other();
    if let Some(mut input) = child.stdin.take() {
        // A pager ends no line that the text does not end, and the prompt would stand behind the last one.
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let _ = input.write_all(text.as_bytes()).and_then(|()| input.write_all(end.as_bytes()));
    }
    let _ = child.wait();
    true
}

#[cfg(test)]
mod tests {
    use super::{page, show};
    use crate::output::{Captured, Output};

    #[test]
    fn nothing_is_paged_where_no_terminal_is() {
        let (out, err) = (Captured::default(), Captured::default());
        let text = "line\n".repeat(10_000);
        show(&mut Output::captured(&out, &err), &text).expect("printed");
        assert_eq!(out.text(), text);
    }

    #[test]
    fn a_pager_that_is_not_there_is_told() {
        assert!(!page("no-pager-is-called-this", "text"));
        assert!(page("cat >/dev/null", "text"));
    }

    #[test]
    fn the_last_line_is_ended_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("paged");
        for text in ["a\nb", "a\nb\n"] {
            assert!(page(&format!("cat >'{}'", file.display()), text));
            assert_eq!(std::fs::read_to_string(&file).expect("paged"), "a\nb\n", "{text:?}");
        }
    }
}
