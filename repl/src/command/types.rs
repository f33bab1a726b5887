//! `cowry types`: the TypeScript declarations of `state` and of the data verbs, or a prompt that teaches a model to use it.

use clap::Args;
use cowry_shell_core::{DATA_TYPES, state};
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  cowry types > state.d.ts                 for an editor
  cowry types --prompt                     for the system prompt of a model";

/// Print the TypeScript declarations of state, csv, ndjson, json and sql
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TypesArgs {
    /// Print a system prompt that ends with them
    #[arg(long)]
    pub prompt: bool,
}

/// Prints them.
pub fn run(context: &mut Context, args: &TypesArgs) -> Outcome {
    let (name, text) = match args.prompt {
        true => ("prompt", state::prompt()),
        false => ("types", format!("{}\n{DATA_TYPES}", state::declarations())),
    };
    if context.out.json {
        context.out.object(&json!({ name: text }))?;
    } else {
        context.out.text(&text)?;
    }
    Ok(0)
}
