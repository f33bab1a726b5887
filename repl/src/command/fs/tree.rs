//! `cowry fs tree`.

use clap::Args;
use cowry_shell_core::Vfs;
use serde_json::{Value, json};

use super::Place;
use crate::context::Context;
use crate::failure::Outcome;
use crate::render::{counted, join, json as object, tree_lines};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs tree
  cowry -w site.cowry fs tree --depth 2 latest~1:/out";

/// Show a directory and everything below it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TreeArgs {
    /// The directory
    #[arg(value_name = "[REV:]PATH", default_value = "/")]
    path: Place,
    /// How many levels to show
    #[arg(long, value_name = "LEVELS", default_value_t = usize::MAX, hide_default_value = true)]
    depth: usize,
}

/// Shows it.
pub fn run(context: &mut Context, args: &TreeArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let tree = args.path.tree(&workspace)?;
    let path = args.path.path().as_str();
    if context.out.json {
        let entries = nested(&tree, path, args.depth)?;
        context.out.object(&json!({ "path": path, "entries": entries }))?;
        return Ok(0);
    }
    let (mut lines, met) = tree_lines(&tree, path, args.depth, context.out.style)?;
    let dirs = if met.dirs == 1 { "1 directory".to_owned() } else { format!("{} directories", met.dirs) };
    lines.extend([String::new(), format!("{dirs}, {}", counted(met.files, "file"))]);
    context.out.lines(lines)?;
    Ok(0)
}

fn nested(tree: &Vfs, path: &str, depth: usize) -> Outcome<Vec<Value>> {
    let mut entries = Vec::new();
    for entry in tree.read_dir(path)? {
        let child = join(path, &entry.name);
        let mut value = object::entry(tree, &entry, &child);
        if entry.stat.is_dir() && depth > 1 {
            value["entries"] = Value::Array(nested(tree, &child, depth - 1)?);
        }
        entries.push(value);
    }
    Ok(entries)
}
