//! `cowry run`: one program, one transaction.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use cowry_shell_core::{InterruptHandle, OpenWorkspace, Program, Run, Runtime, VPathBuf, Workspace};

use super::run_args::{HandedArgs, PolicyArgs};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::stream::Stream;
use crate::{input, interrupt, policy, report, stdin};

const EXAMPLES: &str = "\
Examples:
  cowry run -e '[1, 2, 3].map(n => n * n)'
  cowry -w site.cowry run job.ts --input '{\"year\": 2015}' -- --verbose
  cowry -w site.cowry run job.ts --dry-run               show the changes, commit nothing
  cowry -w site.cowry run job.ts --discard '/cache/**' --mount /data=./data

A policy file (--policy, else cowry.toml in the current directory if it is there) bounds the run
and says what is kept; options on the command line come before it. Without a workspace (-w) the
run works in scratch and everything is discarded.";

/// Run a program in a sandbox; commit what it wrote, or nothing
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// The program: JavaScript or TypeScript
    #[arg(
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        required_unless_present = "code",
        conflicts_with = "code"
    )]
    pub file: Option<PathBuf>,
    /// Runs this code instead; the value of its last expression is the result
    #[arg(short = 'e', long = "eval", value_name = "CODE", allow_hyphen_values = true)]
    pub code: Option<String>,
    /// Arguments of the program, after `--`
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
    /// The program's input: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub input: Option<String>,
    /// Shows what would change and commits nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What the revision is said to be about
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    #[command(flatten)]
    pub handed: HandedArgs,
    #[command(flatten)]
    pub policy: PolicyArgs,
}

/// Runs the program and returns the exit status that tells how it ended.
pub fn run(context: &mut Context, args: RunArgs) -> Outcome {
    let policy = policy::resolve(&args.policy)?;
    let input = args.input.as_deref().map(|input| input::read(input, &mut context.out)).transpose()?;
    let stdin = if args.input.as_deref() == Some("-") {
        Vec::new()
    } else {
        stdin::unless_terminal(&mut context.out)?
    };
    let program = program(context, &args)?;
    let runtime = Runtime::for_one_run();
    runtime.start().map_err(cowry_shell_core::Error::from)?;
    let workspace = open(context, &args, runtime)?;
    report::unfinished(&mut context.out, &workspace)?;
    let interrupter = InterruptHandle::default();
    let run = Run {
        policy,
        input,
        args: args.args,
        env: args.handed.env,
        stdin,
        dry_run: args.dry_run,
        seed: args.handed.seed,
        message: args.message,
        render: true,
        interrupt: interrupter.clone(),
        ..Run::new(program)
    };
    let _guard = interrupt::to_program(interrupter);
    let mut stream = Stream::new(&mut context.out);
    let report = workspace.run(&run, &mut |event| stream.event(&event))?;
    report::tell(&mut context.out, &report)
}

/// The program: code, a file of the host, or else one of the workspace. What is not there is told before a
/// workspace is made for it.
fn program(context: &Context, args: &RunArgs) -> Outcome<Program> {
    if let Some(code) = &args.code {
        return Ok(Program::Expression(code.clone()));
    }
    let file = args.file.clone().expect("clap requires it where there is no code");
    if file.is_file() {
        return Ok(Program::HostFile(file));
    }
    let inside =
        file.to_str().filter(|path| path.starts_with('/')).and_then(|path| VPathBuf::parse(path).ok());
    let has_workspace = context.workspace_file().is_some_and(std::path::Path::exists);
    match inside {
        Some(path) if has_workspace && !file.exists() => Ok(Program::File(path)),
        _ if file.is_dir() => {
            Err(Failure::new(format!("{} is a directory: name the file in it to run", file.display())))
        }
        _ => Err(Failure::new(format!("no such file: {}; -e runs code itself", file.display()))),
    }
}

/// The workspace that was named, or a scratch one. What is only tried out leaves no file behind.
fn open(context: &mut Context, args: &RunArgs, runtime: Runtime) -> Outcome<Workspace> {
    let missing = context.workspace_file().is_some_and(|file| !file.exists());
    if args.dry_run && missing && !context.global.no_create {
        return Ok(Workspace::scratch_with(&OpenWorkspace {
            runtime: Some(runtime),
            ..OpenWorkspace::default()
        }));
    }
    context.workspace_or_scratch(runtime)
}
