//! `cowry durability`.

use clap::Args;
use cowry_shell_core::Durability;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Settings:
  fsync     a commit that was acknowledged survives a power failure (the default)
  relaxed   a power failure undoes the latest commits and damages nothing
  none      a power failure may destroy the workspace
None of them lets a crash of Cowry or a kill -9 lose or damage anything.

Examples:
  cowry -w site.cowry durability
  cowry -w site.cowry durability relaxed";

/// Show or set when a commit has reached the disk
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DurabilityArgs {
    /// fsync, relaxed or none; without it the setting is shown
    #[arg(value_name = "SETTING")]
    setting: Option<Durability>,
}

/// Shows the setting, or changes it.
pub fn run(context: &mut Context, args: &DurabilityArgs) -> Outcome {
    let setting = match args.setting {
        Some(setting) => {
            context.workspace_to_write()?.set_durability(setting)?;
            setting
        }
        None => context.workspace_to_read()?.durability()?,
    };
    if context.out.json {
        context.out.object(&json!({ "durability": setting.as_str() }))?;
    } else if args.setting.is_none() {
        context.out.lines([setting.to_string()])?;
    }
    Ok(0)
}
