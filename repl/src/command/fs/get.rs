//! `cowry fs get`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use cowry_shell_core::OpenOptions;
use cowry_shell_core::transfer::replace;
use serde_json::json;

use super::{Place, holes};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::shown;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs get /out/summary.json
  cowry -w site.cowry fs get latest~1:/out/summary.json before.json";

/// Copy a file of the workspace to the host
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct GetArgs {
    /// The file
    #[arg(value_name = "[REV:]PATH")]
    path: Place,
    /// Where to put it: a file, a folder, or - for standard output [default: the current directory]
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    target: Option<PathBuf>,
}

/// Copies.
pub fn run(context: &mut Context, args: &GetArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let tree = args.path.tree(&workspace)?;
    let path = args.path.path();
    let file = tree.open(path, OpenOptions::read())?;
    if file.stat()?.is_dir() {
        return Err(Failure::new(format!(
            "{path} is a directory: `cowry fs export` takes whole directories"
        )));
    }
    let target = target(args);
    let size = copy(&file, &target)?;
    if target.as_os_str() == "-" {
        return Ok(0);
    }
    if context.out.json {
        let target = target.display().to_string();
        context.out.object(&json!({ "path": path.as_str(), "target": target, "size": size }))?;
    } else {
        context.out.note(&format!("wrote {}", target.display()));
    }
    Ok(0)
}

fn copy(file: &cowry_shell_core::File, target: &Path) -> Outcome<u64> {
    if target.as_os_str() == "-" {
        return stream(file, &mut io::stdout(), target);
    }
    replace(target, |mut host| match host.metadata() {
        Ok(meta) if meta.is_file() => holes::to_host(file, host, target),
        _ => stream(file, &mut host, target),
    })
}

/// Everything in order, for what cannot skip.
fn stream(file: &cowry_shell_core::File, sink: &mut dyn Write, target: &Path) -> Outcome<u64> {
    let mut size = 0;
    loop {
        let piece = file.read_bytes_at(size, 1 << 20)?;
        if piece.is_empty() {
            break;
        }
        sink.write_all(&piece).map_err(|error| written(target, error))?;
        size += piece.len() as u64;
    }
    sink.flush().map_err(|error| written(target, error))?;
    Ok(size)
}

fn written(target: &Path, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::host("write", target, &error),
    }
}

/// The file on the host: a folder takes it under the name it has in the workspace.
fn target(args: &GetArgs) -> PathBuf {
    let name = args.path.path().rsplit('/').next().filter(|name| !name.is_empty());
    let name = PathBuf::from(name.map(shown).unwrap_or_default());
    match &args.target {
        None => name,
        Some(target) if target.is_dir() => target.join(name),
        Some(target) => target.clone(),
    }
}
