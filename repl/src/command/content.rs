//! `cowry content`.

use clap::Args;
use cowry_shell_core::units::{Size, format_size};
use cowry_shell_core::{ContentForm, ContentTier, ContentUse, Workspace};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::policy;
use crate::progress::Progress;
use crate::render::{counted, shown};

const EXAMPLES: &str = "\
Keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE)
and are never kept in the workspace.

Examples:
  cowry -w site.cowry content
  cowry -w site.cowry content s3://bucket/prefix              from now on
  cowry -w site.cowry content s3://bucket/prefix --move       and what is there
  cowry -w site.cowry content --compress zstd --above 256KiB
  cowry -w site.cowry content --local --move                  all of it back into the file";

/// Show or set where content is kept: in the file, or in a bucket
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ContentArgs {
    /// A bucket and a prefix that new content goes to: s3://, gs://, az:// or file:///
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
    /// Keep pieces shorter than this in the file
    #[arg(long, value_name = "SIZE")]
    above: Option<Size>,
    /// Compress what goes to the bucket: none or zstd
    #[arg(long, value_name = "HOW")]
    compress: Option<ContentForm>,
    /// New content goes into the file
    #[arg(long, conflicts_with_all = ["address", "above", "compress"])]
    local: bool,
    /// Move the content that is there to where new content goes; a call that was interrupted is resumed
    #[arg(long = "move")]
    moves: bool,
}

impl ContentArgs {
    fn changes(&self) -> bool {
        self.local || self.address.is_some() || self.above.is_some() || self.compress.is_some()
    }

    /// The setting asked for: what is not named stays.
    fn wanted(&self, now: Option<ContentTier>) -> Outcome<Option<ContentTier>> {
        if self.local {
            return Ok(None);
        }
        self.address.as_deref().map_or(Ok(()), policy::remembers)?;
        let mut tier = match (&self.address, now) {
            (Some(address), Some(now)) => ContentTier { address: address.clone(), ..now },
            (Some(address), None) => ContentTier::at(address),
            (None, Some(now)) => now,
            (None, None) => {
                return Err(Failure::new("content is kept in the file: name a bucket, s3://bucket/prefix"));
            }
        };
        tier.above = self.above.map_or(tier.above, |size| size.0);
        tier.form = self.compress.unwrap_or(tier.form);
        Ok(Some(tier))
    }
}

/// Sets, moves and shows.
pub fn run(context: &mut Context, args: &ContentArgs) -> Outcome {
    let writes = args.changes() || args.moves;
    let workspace = if writes { context.workspace_to_write()? } else { context.workspace_to_read()? };
    if args.changes() {
        let wanted = args.wanted(workspace.content_tier()?)?;
        workspace.set_content_tier(wanted.as_ref())?;
    }
    let status = if args.moves { move_all(context, &workspace)? } else { 0 };
    show(context, &workspace)?;
    Ok(status)
}

/// Moves what can be moved; what is lost is told, and status 125.
fn move_all(context: &mut Context, workspace: &Workspace) -> Outcome {
    let mut progress = Progress::new(&context.out, "moving");
    let moved = workspace.move_content(&mut |done| {
        progress.at(
            done.to_bucket.chunks + done.to_file.chunks,
            done.to_bucket.bytes + done.to_file.bytes,
            None,
        );
    })?;
    drop(progress);
    for (what, where_to) in [(moved.to_bucket, "to the bucket"), (moved.to_file, "into the file")] {
        if what.chunks > 0 {
            let pieces = counted(what.chunks, "piece");
            context.out.note(&format!("moved {pieces} ({}) {where_to}", format_size(what.bytes)));
        }
    }
    Ok(tell_lost(context, &moved.lost))
}

fn tell_lost(context: &mut Context, lost: &[String]) -> u8 {
    const NAMED: usize = 10;
    if lost.is_empty() {
        return 0;
    }
    lost.iter().take(NAMED).for_each(|lost| context.out.say(&format!("lost: {}", shown(lost))));
    let pieces = counted(lost.len() as u64, "piece");
    context.out.fail_entry(&Failure::new(format!(
        "{pieces} could not be moved, since what held them is missing or damaged: `cowry check --deep` names the files"
    )))
}

fn show(context: &mut Context, workspace: &Workspace) -> Outcome {
    let (tier, found) = (workspace.content_tier()?, workspace.content_use()?);
    if context.out.json {
        let homes = found.homes.iter().map(|home| {
            json!({ "address": home.address, "own": home.own, "objects": home.objects, "bytes": home.bytes })
        });
        context.out.object(&json!({
            "address": tier.as_ref().map(|tier| &tier.address),
            "above": tier.as_ref().map(|tier| tier.above),
            "compress": tier.as_ref().map(|tier| tier.form.to_string()),
            "pieces": found.here, "bytes": found.here_bytes,
            "waiting": found.waiting, "waitingBytes": found.waiting_bytes,
            "unreferenced": found.strays,
            "places": homes.collect::<Vec<_>>(),
        }))?;
        return Ok(0);
    }
    context.out.lines(lines(tier.as_ref(), &found))?;
    Ok(0)
}

fn lines(tier: Option<&ContentTier>, found: &ContentUse) -> Vec<String> {
    let mut lines = vec![match tier {
        None => "new content goes into the file".to_owned(),
        Some(ContentTier { address, above, form }) => {
            let packed = if *form == ContentForm::Raw { "" } else { ", compressed" };
            format!("new content goes to {address}: pieces of {} and more{packed}", format_size(*above))
        }
    }];
    let waiting = match found.waiting {
        0 => String::new(),
        waiting => format!(", of which {waiting} ({}) wait to be moved", format_size(found.waiting_bytes)),
    };
    lines.push(format!(
        "in the file: {} ({}){waiting}",
        counted(found.here, "piece"),
        format_size(found.here_bytes)
    ));
    for home in &found.homes {
        let whose = if home.own { "" } else { ", written by a file that this is a copy of" };
        let size = format_size(home.bytes);
        lines.push(format!("in {}: {} ({size}){whose}", home.address, counted(home.objects, "piece")));
    }
    if found.strays > 0 {
        lines.push(format!(
            "in buckets and no longer needed: {}, which `cowry gc` deletes",
            counted(found.strays, "object")
        ));
    }
    lines
}
