//! `cowry sql`: a statement over files, in a sandbox, that changes nothing.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use cowry_shell_core::transfer::replace;
use cowry_shell_core::{
    Event, InterruptHandle, OpenWorkspace, Outcome as RunOutcome, Program, Run, RunReport, SourceKind,
    Workspace,
};
use serde_json::json;

use super::run_args::{Bounds, Keeps, PolicyArgs};
use crate::context::Context;
use crate::failure::{Failure, Outcome, one_line};
use crate::output::Output;
use crate::render::{outcome_line, outcome_status};
use crate::{interrupt, policy, stdin};

const EXAMPLES: &str = "\
Examples:
  cowry -w shop.cowry sql \"select region, sum(qty*price) from '/data/sales.csv' group by 1\"
  cowry sql --mount /in=. \"select count(*) from '/in/log.ndjson' where level = 'error'\"
  cowry sql --mount /in=. \"select * from '/in/a.csv' a join '/in/b.json' b using (id)\" --to both.csv

Files stand where tables do, in single quotes: CSV, TSV, NDJSON and JSON, by their extensions. The
statement is one of SQLite's and can only read. Without a workspace there are only the mounts.";

/// The program that the sandbox runs.
const PROGRAM: &str = include_str!("sql.js");
/// The result may be long; it is passed on as it comes.
const OUTPUT_BYTES: u64 = 1 << 42;

/// Query CSV, TSV, NDJSON and JSON files with SQL
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SqlArgs {
    /// The statement, or - to read it from standard input
    #[arg(value_name = "STATEMENT")]
    pub statement: String,
    /// How to print the result [default: a table on a terminal, else csv; what FILE's name says]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Writes the result to a file of the host instead of printing it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub to: Option<PathBuf>,
    /// Mounts a host folder or a bucket (s3://bucket/prefix), read-only
    #[arg(long = "mount", value_name = "/PATH=SOURCE")]
    pub mounts: Vec<String>,
    #[command(flatten)]
    pub bounds: Bounds,
}

/// How a result is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Tsv,
    Json,
    Ndjson,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
        }
    }

    fn of(path: &Path) -> Option<Format> {
        Some(match path.extension()?.to_str()? {
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "json" => Format::Json,
            "ndjson" | "jsonl" => Format::Ndjson,
            _ => return None,
        })
    }
}

/// Runs the statement and passes its result on.
pub fn run(context: &mut Context, args: SqlArgs) -> Outcome {
    let format = format(&args, &context.out);
    let statement = match args.statement.as_str() {
        "-" => String::from_utf8(stdin::whole(&mut context.out)?)
            .map_err(|_| Failure::new("the statement on standard input is no UTF-8"))?,
        text => text.to_owned(),
    };
    let mut policy = policy::resolve(&policy_args(&args))?;
    if let Some(mount) = policy.mounts.iter().find(|mount| mount.is_writable()) {
        return Err(Failure::new(format!("SQL only reads: mount {} without :rw", mount.at)));
    }
    policy.limits.log = Some(OUTPUT_BYTES);
    let workspace = match context.workspace_file() {
        Some(_) => context.workspace_to_read()?,
        None => Workspace::scratch_with(&OpenWorkspace::default()),
    };
    let interrupter = InterruptHandle::default();
    let program = Program::Source { name: "sql".into(), code: PROGRAM.into(), kind: SourceKind::Module };
    let run = Run {
        policy,
        input: Some(json!({ "statement": statement, "format": format.name() }).to_string()),
        dry_run: true,
        interrupt: interrupter.clone(),
        ..Run::new(program)
    };
    let _guard = interrupt::to_program(interrupter);
    let out = &mut context.out;
    let ask = |out: &mut Output, file: Option<&File>| {
        let mut sink = Sink { out, file, held: Vec::new(), complaint: Vec::new(), failed: None };
        let report = workspace.run(&run, &mut |event| sink.event(event))?;
        sink.finish(&report)
    };
    let Some(to) = &args.to else { return ask(out, None) };
    replace(to, |file| ask(out, Some(file)))?;
    if out.json {
        out.object(&json!({ "to": to.to_string_lossy() }))?;
    }
    Ok(0)
}

/// What the options say, else what the file's name says; a table is for people.
fn format(args: &SqlArgs, out: &Output) -> Format {
    let by_name = || args.to.as_deref().and_then(Format::of);
    let by_place = match (out.json, out.out_is_terminal && args.to.is_none()) {
        (true, _) => Format::Json,
        (false, true) => Format::Table,
        (false, false) => Format::Csv,
    };
    if out.json && args.to.is_none() {
        return Format::Json;
    }
    args.format.or_else(by_name).unwrap_or(by_place)
}

/// The same options as those of a run, as far as there is anything to choose.
fn policy_args(args: &SqlArgs) -> PolicyArgs {
    PolicyArgs {
        policy: None,
        keeps: Keeps::default(),
        mounts: args.mounts.clone(),
        bounds: args.bounds,
        strict: false,
    }
}

/// Where the result goes.
struct Sink<'a> {
    out: &'a mut Output,
    /// The file that becomes the one that was asked for.
    file: Option<&'a File>,
    /// The result where it is to be part of one object.
    held: Vec<u8>,
    /// What the program says is wrong.
    complaint: Vec<u8>,
    /// Why the result could not be written.
    failed: Option<io::Error>,
}

impl Sink<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Stdout(bytes) => {
                if let Err(error) = self.take(&bytes) {
                    self.failed.get_or_insert(error);
                }
            }
            Event::Stderr(bytes) => self.complaint.extend(bytes),
            _ => {}
        }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None if self.out.json => self.held.write_all(bytes),
            None => self.out.raw(bytes),
        }
    }

    /// Tells how it ended.
    fn finish(mut self, report: &RunReport) -> Outcome {
        self.outcome(report)?;
        if self.out.json && self.file.is_none() {
            let rows = String::from_utf8_lossy(&self.held);
            self.out.text(&format!("{{\"rows\": {}}}", rows.trim_end()))?;
        }
        Ok(0)
    }

    fn outcome(&mut self, report: &RunReport) -> Outcome<()> {
        let record = &report.record;
        if let Some(error) = self.failed.take() {
            return Err(Failure::new(format!("cannot write the result: {error}")));
        }
        if !self.complaint.is_empty() {
            return Err(Failure::with_status(1, one_line(&String::from_utf8_lossy(&self.complaint))));
        }
        match &record.outcome {
            RunOutcome::Completed { exit_code: 0 } => Ok(()),
            outcome => {
                let line = outcome_line(outcome, &record.policy.limits).unwrap_or_default();
                Err(Failure::with_status(outcome_status(outcome), one_line(&line)))
            }
        }
    }
}
