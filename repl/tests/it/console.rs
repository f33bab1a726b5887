//! Transcripts: lines that begin with `$ ` are run by a shell in a fresh directory with the built command on
//! its path, and what follows each is what it must print.
//!
//! Standard error follows standard output, each line behind `! `, and a status other than 0 stands last as
//! `[exit status: n]`. In what is expected `[..]` and `…` stand for anything within a line, and a line that
//! is `…` alone for any lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory of its own, with a home in it, in which commands run.
pub struct Place {
    folder: tempfile::TempDir,
    merged: bool,
    variables: Vec<(String, String)>,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(folder.path().join("home")).expect("made");
        fs::create_dir(folder.path().join("work")).expect("made");
        Place { folder, merged: false, variables: Vec::new() }
    }

    /// Standard error goes where standard output goes, as on a terminal.
    pub fn merged() -> Place {
        Place { merged: true, ..Place::new() }
    }

    /// With more variables in the environment of commands.
    pub fn with(variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Place {
        Place::new().having(variables)
    }

    /// The same place with more variables.
    pub fn having(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Place {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Where commands run.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Puts a file there.
    pub fn write(&self, name: &str, content: &str) -> &Place {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("below the place")).expect("made");
        fs::write(path, content).expect("written");
        self
    }

    /// A program with the environment of this place.
    fn program(&self, program: &str) -> Command {
        let built = Path::new(env!("CARGO_BIN_EXE_cowry")).parent().expect("in a folder");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", built.display());
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear().env("PATH", path).env("TZ", "UTC");
        command.env("HOME", self.folder.path().join("home"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// The command itself, to be started and watched.
    #[cfg(feature = "object")]
    pub fn cowry(&self, words: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_cowry"));
        command.args(words);
        command
    }

    /// Runs one line and returns what it printed, in the form of a transcript.
    pub fn run(&self, line: &str) -> String {
        let line = if self.merged { format!("{{ {line}\n}} 2>&1") } else { line.to_owned() };
        transcript(&self.program("/bin/sh").args(["-c", &line]).output().expect("a shell"))
    }

    /// Runs a transcript and compares.
    pub fn check(&self, transcript: &str) {
        let mut actual = String::new();
        let mut same = true;
        for step in steps(transcript) {
            let printed = self.run(&step.line);
            same &= matches(&step.expected, &printed);
            actual.push_str(&format!("$ {}\n{printed}", step.line));
        }
        assert!(same, "\n--- expected\n{}\n--- actual\n{actual}", transcript.trim());
    }
}

/// What a command printed and how it ended, in the form of a transcript.
pub fn transcript(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("! {line}\n"));
    }
    match output.status.code() {
        Some(0) => text,
        Some(code) => format!("{text}[exit status: {code}]\n"),
        None => format!("{text}[ended by a signal]\n"),
    }
}

/// Runs a transcript in a fresh place.
pub fn check(transcript: &str) {
    Place::new().check(transcript);
}

/// One command and what it must print.
pub struct Step {
    pub line: String,
    pub expected: String,
}

/// The commands of a transcript. A line that ends in a backslash goes on, as does a here-document: lines
/// that begin with `> ` belong to the command before them.
pub fn steps(transcript: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_command = false;
    for line in transcript.trim_matches('\n').lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: command.into(), expected: String::new() });
            in_command = true;
            continue;
        }
        let step = steps.last_mut().expect("a transcript begins with a command");
        match line.strip_prefix("> ") {
            Some(more) if in_command => step.line.push_str(&format!("\n{more}")),
            _ if in_command && step.line.ends_with('\\') => step.line.push_str(&format!("\n{line}")),
            _ => {
                in_command = false;
                step.expected.push_str(&format!("{line}\n"));
            }
        }
    }
    steps
}

/// Whether `actual` is what `expected` says, wildcards considered.
pub fn matches(expected: &str, actual: &str) -> bool {
    let expected: Vec<&str> = expected.trim_end().lines().collect();
    let actual: Vec<&str> = actual.trim_end().lines().collect();
    lines_match(&expected, &actual)
}

fn lines_match(expected: &[&str], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((&"…", rest)) => (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..])),
        Some((line, rest)) => match actual.split_first() {
            Some((first, others)) => line_matches(line, first) && lines_match(rest, others),
            None => false,
        },
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let expected = expected.trim_end().replace("[..]", "…");
    let actual = actual.trim_end();
    let Some((start, rest)) = expected.split_once('…') else { return expected == actual };
    let Some(mut actual) = actual.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('…').collect();
    let end = parts.pop().expect("splitting yields a part");
    for part in parts {
        let Some(at) = actual.find(part) else { return false };
        actual = &actual[at + part.len()..];
    }
    actual.ends_with(end)
}

#[test]
fn wildcards_stand_for_anything_within_a_line() {
    assert!(line_matches("took [..] ms", "took 12 ms"));
    assert!(line_matches("a…c…e", "abcde"));
    assert!(!line_matches("a…c", "abd"));
    assert!(!line_matches("took [..] ms", "took 12 s"));
}

#[test]
fn a_lone_ellipsis_stands_for_any_lines() {
    assert!(matches("a\n…\nd", "a\nb\nc\nd\n"));
    assert!(matches("a\n…", "a\n"));
    assert!(!matches("a\n…\nd", "a\nb\n"));
    assert!(!matches("a", "a\nb\n"));
}

#[test]
fn a_transcript_tells_commands_from_what_they_print() {
    let steps = steps("$ cat <<E\n> hello\n> E\nhello\n$ true\n$ a \\\n  b\nc");
    let told: Vec<_> = steps.iter().map(|step| (step.line.as_str(), step.expected.as_str())).collect();
    assert_eq!(told, [("cat <<E\nhello\nE", "hello\n"), ("true", ""), ("a \\\n  b", "c\n")]);
}
