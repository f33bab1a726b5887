//! `cowry fs put`.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use cowry_shell_core::transfer::put_file;
use cowry_shell_core::{VPathBuf, Vfs};
use serde_json::json;

use super::{path_now, seal};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs put report.csv /data/report.csv
  curl -s https://example.org/a.json | cowry -w site.cowry fs put - /data/a.json";

/// Copy a file of the host into the workspace
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PutArgs {
    /// The file, or - for standard input
    #[arg(value_name = "SOURCE", value_hint = ValueHint::FilePath)]
    source: PathBuf,
    /// Where to put it; a directory takes it under its own name [default: /]
    #[arg(value_name = "PATH", default_value = "/", hide_default_value = true)]
    path: String,
}

/// Copies, and commits.
pub fn run(context: &mut Context, args: &PutArgs) -> Outcome {
    let source = open_source(args)?;
    path_now(&args.path)?;
    let workspace = context.workspace_to_create(None)?;
    let tree = workspace.fs();
    let path = target(&tree, args)?;
    let source = match source {
        Some(file) if file.metadata().is_ok_and(|meta| meta.is_file()) => file,
        Some(mut pipe) => spooled(&mut pipe, args)?,
        None => spooled(&mut io::stdin().lock(), args)?,
    };
    let size = put_file(&source, &args.source, &tree, &path)?;
    let revision = seal(context, &workspace, &format!("put {path}"))?;
    if context.out.json {
        context.out.object(&json!({ "path": path.as_str(), "size": size, "revision": revision }))?;
    }
    Ok(0)
}

fn is_stdin(args: &PutArgs) -> bool {
    args.source.as_os_str() == "-"
}

/// Opens the source before the workspace, so that a misspelt name creates none. Standard input is open.
fn open_source(args: &PutArgs) -> Outcome<Option<File>> {
    if is_stdin(args) {
        return Ok(None);
    }
    let file = File::open(&args.source).map_err(|error| Failure::host("read", &args.source, &error))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        let path = args.source.display();
        return Err(Failure::new(format!("{path} is a directory: `cowry fs import` takes whole folders")));
    }
    Ok(Some(file))
}

/// The path of the new file: a directory takes it under the name it has on the host.
fn target(tree: &Vfs, args: &PutArgs) -> Outcome<VPathBuf> {
    let path = path_now(&args.path)?;
    if !args.path.ends_with('/') && !tree.stat(&path).is_ok_and(|stat| stat.is_dir()) {
        return Ok(path);
    }
    let name = args.source.file_name().filter(|_| !is_stdin(args)).and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| Failure::new("which name shall it have? Give the whole path: /data/a.json"))?;
    VPathBuf::parse(&format!("{path}/{name}")).map_err(|error| Failure::new(error.to_string()))
}

/// What comes through a pipe, in a nameless file first: the workspace is not kept from others while it comes.
fn spooled(source: &mut dyn Read, args: &PutArgs) -> Outcome<File> {
    let mut file =
        tempfile::tempfile().map_err(|error| Failure::host("write to", &std::env::temp_dir(), &error))?;
    io::copy(source, &mut file).map_err(|error| Failure::host("read", &args.source, &error))?;
    Ok(file)
}
