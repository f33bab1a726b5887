//! What is asked of a sandbox and what it answers: plain data that crosses the wire.

use std::fmt;

use cowry_vfs::Timestamp;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// One program to run, with everything that is handed to it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// What to run.
    pub program: Program,
    /// The input as JSON text; the program sees the parsed value.
    pub input: Option<String>,
    /// What fills `process.argv` after the program's own path.
    pub args: Vec<String>,
    /// What fills `process.env`. Nothing of the host's environment is added.
    pub env: Vec<(String, String)>,
    /// The working directory, a path in the tree of mounts.
    pub cwd: String,
    /// What `process.stdin` reads.
    #[serde(with = "crate::wire::blob")]
    pub stdin: Vec<u8>,
    /// Whether the result is wanted the way an inspector prints it, too.
    pub render: bool,
    /// In which way, if the program is an entry.
    pub show: Show,
    /// A request for a program that is a worker (an object or class with a `fetch` method).
    pub request: Option<Request>,
}

impl Job {
    /// A job with nothing but its program: no input, no arguments, an empty environment, in `/`.
    pub fn new(program: Program) -> Job {
        Job {
            program,
            input: None,
            args: Vec::new(),
            env: Vec::new(),
            cwd: "/".into(),
            stdin: Vec::new(),
            render: false,
            show: Show::default(),
            request: None,
        }
    }

    /// A job that evaluates `code` as `-e` does: the value of its last expression is the result.
    pub fn expression(code: impl Into<String>) -> Job {
        Job::new(Program::Source { name: "[eval]".into(), code: code.into(), kind: SourceKind::Expression })
    }
}

/// The code to run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Program {
    /// A file in the tree of mounts, or below `/program` for a file of the program's own folder.
    File {
        /// Its absolute path.
        path: String,
    },
    /// Source text that is in no file.
    Source {
        /// What stack traces call it.
        name: String,
        /// The text, JavaScript or TypeScript.
        code: String,
        /// How to read it.
        kind: SourceKind,
    },
    /// One entry of a REPL: JavaScript or TypeScript, top-level await, declarations stay for later entries.
    Entry {
        /// The text.
        code: String,
    },
}

/// How the value of an entry is shown to people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Show {
    /// As Node's inspector prints it. Of more than 32 bytes in a buffer the first 256 are dumped.
    #[default]
    Plain,
    /// The same with colours.
    Coloured,
    /// As `console.table` prints it.
    Table,
    /// Its bytes, 16 to a line, no more than 64 KiB of them: of a buffer, or of text as UTF-8.
    Bytes,
}

/// A property, as completion offers it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Member {
    /// Its name: an identifier.
    pub name: String,
    /// What is behind it.
    pub kind: MemberKind,
}

/// What is behind a property.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum MemberKind {
    Function,
    Class,
    /// Whatever its getter answers, which was not called.
    Accessor,
    Value,
}

impl Member {
    /// The longest name that is offered.
    pub(crate) const NAME_MAX: usize = 200;

    /// Reads what a sandbox answered: a letter and a name on each line. What is anything else is left out, so that
    /// whatever comes is fit to be shown.
    pub(crate) fn read(answer: &str, most: usize) -> Vec<Member> {
        let mut members: Vec<Member> = answer.lines().filter_map(Member::parse).take(most).collect();
        members.sort();
        members.dedup_by(|a, b| a.name == b.name);
        members
    }

    fn parse(line: &str) -> Option<Member> {
        let kind = match line.as_bytes().first()? {
            b'f' => MemberKind::Function,
            b'c' => MemberKind::Class,
            b'a' => MemberKind::Accessor,
            b'v' => MemberKind::Value,
            _ => return None,
        };
        let name = line.get(1..).filter(|name| is_identifier(name) && name.len() <= Member::NAME_MAX)?;
        Some(Member { name: name.into(), kind })
    }
}

/// Whether it can stand after a dot.
fn is_identifier(name: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_alphanumeric())
}

/// How source text is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SourceKind {
    /// An ES module.
    Module,
    /// A CommonJS module.
    CommonJs,
    /// As `-e`: the value of the last expression is the result; a function there is called.
    Expression,
}

/// An HTTP request for a worker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Header names and values in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How a job ended, and what came of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JobResult {
    /// How it ended.
    pub outcome: Outcome,
    /// The result, if the program has one and completed.
    pub value: Option<Value>,
}

impl From<Outcome> for JobResult {
    fn from(outcome: Outcome) -> Self {
        JobResult { outcome, value: None }
    }
}

/// A result in the forms it can be shown in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Value {
    /// A string result as it is.
    pub text: Option<String>,
    /// The result as JSON text, if it can be written so.
    pub json: Option<String>,
    /// The result as an inspector prints it, if the job asked for it.
    pub rendered: Option<String>,
}

/// How a job ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// It came to its end, or called `process.exit`.
    Completed {
        /// 0 unless the program said otherwise.
        exit_code: i32,
    },
    /// An exception or rejection that nothing caught.
    Threw(Thrown),
    /// Program and job do not fit together, such as a worker without a request.
    Misused {
        /// What to do about it, in one line.
        message: String,
    },
    /// It used up its time.
    TimedOut(TimeLimit),
    /// It used up its memory.
    OutOfMemory,
    /// The supervisor interrupted it on behalf of its user; the sandbox goes on.
    Interrupted,
    /// The supervisor killed it, or something else on the host did.
    Killed {
        /// Why.
        reason: String,
    },
    /// The sandbox process died by itself, or broke the protocol.
    Crashed {
        /// The signal that ended it, if one did.
        signal: Option<i32>,
        /// What it last wrote on its stderr, or what was wrong with what it sent. Bounded.
        stderr: String,
    },
}

impl Outcome {
    /// Whether it completed with exit code 0.
    pub fn is_success(&self) -> bool {
        matches!(self, Outcome::Completed { exit_code: 0 })
    }

    /// Cuts every text in it to what is kept of it.
    pub(crate) fn cut(&mut self) {
        match self {
            Outcome::Threw(thrown) => thrown.cut(),
            Outcome::Misused { message: text }
            | Outcome::Killed { reason: text }
            | Outcome::Crashed { stderr: text, .. } => cut(text),
            Outcome::Completed { .. }
            | Outcome::TimedOut(_)
            | Outcome::OutOfMemory
            | Outcome::Interrupted => {}
        }
    }
}

/// An exception that nothing caught.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Thrown {
    /// The `name` of the error, such as `TypeError`; empty if what was thrown is no error.
    pub name: String,
    /// The `message` of the error, or what was thrown as text.
    pub message: String,
    /// What Node prints: name, message and stack with the positions of the source as written.
    pub text: String,
    /// The stack, innermost first.
    #[serde(deserialize_with = "few_frames")]
    pub frames: Vec<Frame>,
}

impl Thrown {
    /// Cuts it to what is kept of it.
    pub(crate) fn cut(&mut self) {
        [&mut self.name, &mut self.message, &mut self.text].into_iter().for_each(cut);
        self.frames.truncate(FRAMES_MAX);
        for Frame { function, file, .. } in &mut self.frames {
            function.iter_mut().chain([file]).for_each(|name| cut_to(name, NAME_MAX));
        }
    }
}

/// The most lines of a stack.
const FRAMES_MAX: usize = 256;
/// The longest name of a function or file in a stack.
const NAME_MAX: usize = 4 << 10;
/// The longest text of an outcome.
const TEXT_MAX: usize = 64 << 10;

fn cut(text: &mut String) {
    cut_to(text, TEXT_MAX);
}

fn cut_to(text: &mut String, len: usize) {
    if text.len() > len {
        text.truncate(text.floor_char_boundary(len));
        text.shrink_to_fit();
    }
}

/// A stack as it arrives. In a frame of the wire a line may take a few bytes, in memory it takes many times that.
fn few_frames<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Frame>, D::Error> {
    struct Few;
    impl<'de> Visitor<'de> for Few {
        type Value = Vec<Frame>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no more than {FRAMES_MAX} lines")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Vec<Frame>, A::Error> {
            let mut frames = Vec::new();
            while let Some(frame) = lines.next_element()? {
                if frames.len() == FRAMES_MAX {
                    return Err(A::Error::invalid_length(FRAMES_MAX + 1, &self));
                }
                frames.push(frame);
            }
            Ok(frames)
        }
    }
    from.deserialize_seq(Few)
}

/// One line of a stack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// The function, if it has a name.
    pub function: Option<String>,
    /// The file as written in the program.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// Which clock ran out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TimeLimit {
    /// Processor time.
    Cpu,
    /// Time on the wall.
    Wall,
}

/// Why running code is being interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupt {
    /// A clock ran out: the outcome is [`Outcome::TimedOut`].
    Time(TimeLimit),
    /// The user asked for it: the outcome is [`Outcome::Interrupted`].
    Requested,
}

/// Something that happens while a job runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// A call of `console`.
    Console {
        /// How loud.
        level: Level,
        /// When.
        at: Timestamp,
        /// The formatted arguments, without a line end.
        text: String,
    },
    /// Bytes written to `process.stdout`.
    Stdout(#[serde(with = "crate::wire::blob")] Vec<u8>),
    /// Bytes written to `process.stderr`.
    Stderr(#[serde(with = "crate::wire::blob")] Vec<u8>),
    /// The log was full; this many bytes more were counted and not kept. Sent once, at the end of a job.
    LogsDropped {
        /// Bytes since the job began.
        bytes: u64,
    },
}

impl Event {
    /// What an event counts in the bound of a log beside its text, so that empty lines have an end, too.
    pub(crate) const COST: u64 = 16;

    /// Bytes of text.
    pub(crate) fn text_len(&self) -> u64 {
        let len = match self {
            Event::Console { text, .. } => text.len(),
            Event::Stdout(bytes) | Event::Stderr(bytes) => bytes.len(),
            Event::LogsDropped { .. } => 0,
        };
        len as u64
    }
}

/// The methods of `console`, by what they say of the message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Log,
    Info,
    Warn,
    Error,
}

#[cfg(test)]
mod tests {
    use super::{Member, MemberKind};

    #[test]
    fn members_are_sorted_and_each_is_there_once() {
        let members = Member::read("vb\nfa\nfb\ncZ\n", 10);
        let told: Vec<_> = members.iter().map(|member| (member.name.as_str(), member.kind)).collect();
        assert_eq!(
            told,
            [("Z", MemberKind::Class), ("a", MemberKind::Function), ("b", MemberKind::Function)]
        );
    }

    #[test]
    fn what_is_no_member_is_left_out() {
        let long = format!("v{}", "x".repeat(Member::NAME_MAX + 1));
        for line in ["", "v", "xa", "va b", "v1", "v\x1b[2J", "va-b", "é", &long] {
            assert_eq!(Member::read(line, 10), [], "{line:?}");
        }
        assert_eq!(Member::read("va\nvb\nvc", 2).len(), 2);
    }
}
