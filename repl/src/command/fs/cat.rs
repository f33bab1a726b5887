//! `cowry fs cat`.

use clap::Args;
use cowry_shell_core::OpenOptions;
use serde_json::json;

use super::Place;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs cat /out/summary.json
  cowry -w site.cowry fs cat latest~1:/out/summary.json";

/// Bytes read at a time.
const PIECE: usize = 1 << 20;
/// The largest file that fits into an object of `--json`.
const JSON_MOST: u64 = 64 << 20;

/// Print files
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CatArgs {
    /// The files
    #[arg(value_name = "[REV:]PATH", required = true)]
    paths: Vec<Place>,
}

/// Prints them one after the other.
pub fn run(context: &mut Context, args: &CatArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let mut files = Vec::new();
    for path in &args.paths {
        let tree = path.tree(&workspace)?;
        let file = tree.open(path.path(), OpenOptions::read())?;
        let stat = file.stat()?;
        if stat.is_dir() {
            return Err(Failure::new(format!("{} is a directory: `cowry fs ls` lists it", path.path())));
        }
        if context.out.json {
            if stat.size > JSON_MOST {
                return Err(Failure::new(format!(
                    "{} is too large for --json: use `cowry fs get`",
                    path.path()
                )));
            }
            // Bytes that are no text cannot be a JSON string; `cowry fs get` brings them as they are.
            let bytes = file.read_all()?;
            let text = std::str::from_utf8(&bytes).ok();
            files.push(json!({ "path": path.path().as_str(), "size": bytes.len(), "text": text }));
            continue;
        }
        let mut at = 0;
        loop {
            let piece = file.read_bytes_at(at, PIECE)?;
            if piece.is_empty() {
                break;
            }
            context.out.raw(&piece)?;
            at += piece.len() as u64;
        }
    }
    if context.out.json {
        context.out.object(&json!({ "files": files }))?;
    }
    Ok(0)
}
