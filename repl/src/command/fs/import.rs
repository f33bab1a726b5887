//! `cowry fs import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use cowry_shell_core::Vfs;
use cowry_shell_core::transfer::{Totals, import_folder, import_tar, recognise};

use super::{path_now, seal, totals};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs import ./data /data
  cowry -w site.cowry fs import backup.tar
  git archive HEAD | cowry -w site.cowry fs import - /src";

/// Copy a host folder or a tar archive into the workspace
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// A folder, a tar archive, or - for an archive on standard input
    #[arg(value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    source: PathBuf,
    /// The directory that takes it; files that are there already are replaced
    #[arg(value_name = "PATH", default_value = "/")]
    path: String,
}

/// What is imported, opened before the workspace, so that a misspelt name creates none.
enum Source {
    Folder(PathBuf),
    Archive { bytes: Box<dyn Read>, length: Option<u64> },
}

/// Copies, and commits.
pub fn run(context: &mut Context, args: &ImportArgs) -> Outcome {
    let (source, path) = (source(args)?, path_now(&args.path)?);
    let workspace = context.workspace_to_create(None)?;
    let done = copy(context, source, &workspace.fs(), &path)?;
    totals::tell_skipped(&mut context.out, &done);
    let what = format!("import {} into {}", args.source.display(), args.path);
    let revision = seal(context, &workspace, &what)?;
    context.out.note(&format!("{}, {}", counted(done.files, "file"), totals::size(&done)));
    if context.out.json {
        let mut object = totals::object(&done);
        object["revision"] = revision.into();
        context.out.object(&object)?;
    }
    Ok(totals::status(&done))
}

fn source(args: &ImportArgs) -> Outcome<Source> {
    if args.source.as_os_str() == "-" {
        return Ok(Source::Archive { bytes: Box::new(io::stdin().lock()), length: None });
    }
    let host = |error: io::Error| Failure::host("read", &args.source, &error);
    let meta = std::fs::metadata(&args.source).map_err(host)?;
    if meta.is_dir() {
        return Ok(Source::Folder(args.source.clone()));
    }
    let file = File::open(&args.source).map_err(host)?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    if meta.is_file() {
        recognise(reader.fill_buf().map_err(host)?)?;
    }
    Ok(Source::Archive { bytes: Box::new(reader), length: Some(meta.len()) })
}

fn copy(context: &Context, source: Source, tree: &Vfs, path: &str) -> Outcome<Totals> {
    let mut progress = Progress::new(&context.out, "importing");
    Ok(match source {
        Source::Folder(folder) => {
            import_folder(&folder, tree, path, &mut |at| progress.at(at.entries, at.bytes, None))?
        }
        Source::Archive { mut bytes, length } => {
            import_tar(&mut *bytes, tree, path, &mut |at| progress.at(at.entries, at.bytes, length))?
        }
    })
}
