//! `cowry diff`.

use clap::Args;
use cowry_shell_core::{Diff, Revision, VPathBuf, Workspace};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::{change_lines, diff_lines, json, stat_lines};
use crate::style::Style;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry diff                    what the latest revision changed
  cowry -w site.cowry diff 3                  what changed since revision 3
  cowry -w site.cowry diff 3 5 --stat -- /out";

/// Show what differs between two revisions
#[derive(Args, Debug, Clone)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// From this revision [default: latest~1]
    #[arg(value_name = "FROM")]
    pub from: Option<String>,
    /// To this one [default: latest]
    #[arg(value_name = "TO")]
    to: Option<String>,
    /// Only these paths and what is below them, after `--`
    #[arg(last = true, value_name = "PATHS")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub form: Form,
}

/// How much of a diff to show.
#[derive(Args, Debug, Clone, Copy)]
pub struct Form {
    /// Shows how many lines changed, not which
    #[arg(long, conflicts_with = "name_only")]
    pub stat: bool,
    /// Shows the paths alone
    #[arg(long)]
    pub name_only: bool,
}

/// Shows the difference.
pub fn run(context: &mut Context, args: &DiffArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let (from, to) = range(&workspace, args)?;
    let diff = workspace.diff(from, to)?;
    show(context, &only(diff, &paths(&args.paths)?), args.form)?;
    Ok(0)
}

/// None: what the latest revision changed; one: since then.
fn range(workspace: &Workspace, args: &DiffArgs) -> Outcome<(Revision, Revision)> {
    if args.from.is_none() && workspace.head()?.0 == 0 {
        return Err(Failure::new("the workspace has no revision yet: a run or `cowry fs put` makes one"));
    }
    let from = workspace.resolve(args.from.as_deref().unwrap_or("latest~1"))?;
    let to = workspace.resolve(args.to.as_deref().unwrap_or("latest"))?;
    Ok((from, to))
}

/// The paths as absolute ones.
pub fn paths(given: &[String]) -> Outcome<Vec<VPathBuf>> {
    let parse = |text: &String| {
        VPathBuf::parse(&format!("/{text}")).map_err(|error| Failure::new(format!("{error}: {text}")))
    };
    given.iter().map(parse).collect()
}

/// The part of a diff that is about these paths; all of it where there are none.
pub fn only(diff: Diff, paths: &[VPathBuf]) -> Diff {
    if paths.is_empty() {
        return diff;
    }
    let within = |path: &VPathBuf| paths.iter().any(|wanted| path.is_within(wanted));
    let wanted = diff.changes.iter().filter(|c| within(&c.path) || c.from.as_ref().is_some_and(within));
    Diff::new(wanted.cloned().collect(), diff.before().clone(), diff.after().clone())
}

/// Shows a diff in the form that was asked for.
pub fn show(context: &mut Context, diff: &Diff, form: Form) -> Outcome<()> {
    let out = &mut context.out;
    if out.json {
        return out.object(&json::diff(diff, !form.stat && !form.name_only)?);
    }
    if diff.is_empty() {
        out.note("no changes");
        return Ok(());
    }
    let lines = lines(diff, form, out.style)?;
    Ok(out.lines(lines)?)
}

/// A diff in the form that was asked for.
pub fn lines(diff: &Diff, form: Form, style: Style) -> Outcome<Vec<String>> {
    Ok(match form {
        Form { name_only: true, .. } => change_lines(&diff.changes, style),
        Form { stat: true, .. } => stat_lines(diff, style)?,
        _ => diff_lines(diff, style)?,
    })
}
