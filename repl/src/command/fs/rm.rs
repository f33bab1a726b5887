//! `cowry fs rm`.

use clap::Args;
use cowry_shell_core::{VPathBuf, Vfs};
use serde_json::json;

use super::{path_now, seal};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs rm /out/old.json
  cowry -w site.cowry fs rm -r /cache         (`cowry restore latest~1 /cache` brings it back)";

/// Remove files; history keeps them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RmArgs {
    /// What to remove
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    /// Removes directories and everything below them
    #[arg(short, long)]
    recursive: bool,
}

/// Removes all of them or none, and commits.
pub fn run(context: &mut Context, args: &RmArgs) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let tree = workspace.fs();
    let mut paths = Vec::new();
    for text in &args.paths {
        paths.push(checked(&tree, text, args.recursive)?);
    }
    for path in &paths {
        // One path may lie below another that is gone by now.
        match tree.remove_all(path) {
            Err(error) if error.errno() == cowry_shell_core::Errno::ENOENT => {}
            other => other?,
        }
    }
    let names: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
    let revision = seal(context, &workspace, &format!("rm {}", names.join(" ")))?;
    if context.out.json {
        context.out.object(&json!({ "removed": names, "revision": revision }))?;
    }
    Ok(0)
}

fn checked(tree: &Vfs, text: &str, recursive: bool) -> Outcome<VPathBuf> {
    let path = path_now(text)?;
    if path.is_root() {
        return Err(Failure::new("/ cannot be removed: name what is in it"));
    }
    if tree.lstat(&path)?.is_dir() && !recursive {
        return Err(Failure::new(format!("{path} is a directory: -r removes it and everything below it")));
    }
    Ok(path)
}
