//! `cowry check`.

use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;
use crate::render::shown;
use crate::status;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry check";

/// Read the whole workspace and look for damage
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {}

/// Checks; damage is status 125.
pub fn run(context: &mut Context, _args: &CheckArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let problems = workspace.check()?.problems;
    if context.out.json {
        context.out.object(&json!({ "sound": problems.is_empty(), "problems": problems }))?;
    } else if problems.is_empty() {
        context.out.note("no damage found");
    } else {
        context.out.lines(problems.iter().map(|problem| shown(problem)))?;
    }
    Ok(if problems.is_empty() { 0 } else { status::COWRY })
}
