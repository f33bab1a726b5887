//! `cowry name`.

use clap::Args;
use cowry_shell_core::{NameTaken, Revision, RevisionName};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::{Table, shown};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry name latest before-cleanup     call the latest revision that
  cowry -w site.cowry name latest stable --force     move a name
  cowry -w site.cowry diff before-cleanup            a name stands wherever REV does
  cowry -w site.cowry name                           list the names
  cowry -w site.cowry name --delete before-cleanup";

/// Give a revision a name, list names, take one away
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct NameArgs {
    /// The revision to name
    #[arg(value_name = "REV", requires = "name")]
    revision: Option<String>,
    /// Its name: a letter, then letters, digits, - _ and single dots
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Moves the name if another revision has it
    #[arg(long, requires = "name")]
    force: bool,
    /// Lists the names
    #[arg(long, conflicts_with_all = ["revision", "delete"])]
    list: bool,
    /// Takes a name away
    #[arg(long, value_name = "NAME", conflicts_with = "revision")]
    delete: Option<String>,
}

/// Names, takes a name away, or lists.
pub fn run(context: &mut Context, args: &NameArgs) -> Outcome {
    match (&args.revision, &args.name, &args.delete) {
        (Some(revision), Some(name), _) => give(context, revision, name, args.force),
        (_, _, Some(name)) => take(context, name),
        _ => list(context),
    }
}

fn give(context: &mut Context, revision: &str, name: &str, force: bool) -> Outcome {
    let name = parse(name)?;
    let workspace = context.workspace_to_write()?;
    let revision = workspace.resolve(revision)?;
    let taken = if force { NameTaken::Move } else { NameTaken::Refuse };
    let before = workspace.name(revision, &name, taken)?.filter(|before| *before != revision);
    let moved = before.map_or(String::new(), |before| format!(", no longer {}", before.0));
    context.out.note(&format!("{name} is revision {}{moved}", revision.0));
    if context.out.json {
        let before = before.map(|before| before.0);
        context.out.object(&json!({ "name": &*name, "revision": revision.0, "before": before }))?;
    }
    Ok(0)
}

fn take(context: &mut Context, name: &str) -> Outcome {
    let name = parse(name)?;
    let workspace = context.workspace_to_write()?;
    let had = workspace.drop_name(&name)?;
    context.out.note(&format!("revision {} is not called {name} any more", had.0));
    if context.out.json {
        context.out.object(&json!({ "name": &*name, "revision": Value::Null, "before": had.0 }))?;
    }
    Ok(0)
}

fn list(context: &mut Context) -> Outcome {
    let names = context.workspace_to_read()?.names()?;
    if context.out.json {
        let object = |(name, rev): &(RevisionName, Revision)| json!({ "name": &**name, "revision": rev.0 });
        let names: Vec<Value> = names.iter().map(object).collect();
        context.out.object(&json!({ "names": names }))?;
        return Ok(0);
    }
    if names.is_empty() {
        context.out.note("no revision has a name");
    }
    let mut table = Table::new(&[1]);
    for (name, revision) in &names {
        table.row([shown(name), revision.0.to_string()]);
    }
    let style = context.out.style;
    let painted = |_: usize, column: usize, cell: &str| match column {
        0 => style.strong(cell),
        _ => cell.to_owned(),
    };
    context.out.lines(table.lines(painted))?;
    Ok(0)
}

fn parse(name: &str) -> Outcome<RevisionName> {
    name.parse()
        .map_err(|error: cowry_shell_core::vfs::sqlite::RevisionNameError| Failure::new(error.to_string()))
}
