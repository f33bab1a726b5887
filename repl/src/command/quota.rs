//! `cowry quota`.

use clap::Args;
use cowry_shell_core::units::{Size, format_size};
use cowry_shell_core::{Quota, Workspace};
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry quota
  cowry -w site.cowry quota --bytes 1GiB --files 100000
  cowry -w site.cowry quota --none";

/// Show what a workspace's tree takes up, or bound it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct QuotaArgs {
    /// The most bytes of content; what history keeps and holes do not count
    #[arg(long, value_name = "SIZE")]
    bytes: Option<Size>,
    /// The most files, directories and links
    #[arg(long, value_name = "NUMBER")]
    files: Option<u64>,
    /// Lift both bounds
    #[arg(long, conflicts_with_all = ["bytes", "files"])]
    none: bool,
}

impl QuotaArgs {
    /// The quota asked for, if one is: what is not named stays.
    fn wanted(&self, now: Quota) -> Option<Quota> {
        let bytes = self.bytes.map(|size| size.0);
        match (bytes, self.files) {
            (None, None) => self.none.then(Quota::default),
            (bytes, files) => Some(Quota { bytes: bytes.or(now.bytes), inodes: files.or(now.inodes) }),
        }
    }
}

/// Sets and shows.
pub fn run(context: &mut Context, args: &QuotaArgs) -> Outcome {
    let changes = args.none || args.bytes.is_some() || args.files.is_some();
    let workspace = if changes { context.workspace_to_write()? } else { context.workspace_to_read()? };
    if let Some(quota) = args.wanted(workspace.quota()?) {
        workspace.set_quota(quota)?;
    }
    show(context, &workspace)
}

fn show(context: &mut Context, workspace: &Workspace) -> Outcome {
    let quota = workspace.quota()?;
    let used = workspace.fs().statfs("/")?;
    if context.out.json {
        context.out.object(&json!({
            "usedBytes": used.used_bytes, "bytes": quota.bytes, "usedFiles": used.used_inodes, "files": quota.inodes,
        }))?;
        return Ok(0);
    }
    let of = |used: String, max: Option<String>| match max {
        Some(max) => format!("{used} of {max}"),
        None => format!("{used}, no bound"),
    };
    let bytes = of(format_size(used.used_bytes), quota.bytes.map(format_size));
    let files = of(used.used_inodes.to_string(), quota.inodes.map(|max| max.to_string()));
    context.out.lines([format!("bytes  {bytes}"), format!("files  {files}")])?;
    Ok(0)
}
