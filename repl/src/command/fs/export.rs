//! `cowry fs export`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use cowry_shell_core::Vfs;
use cowry_shell_core::transfer::{Totals, export_folder, export_tar, replace};

use super::{Place, totals};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs export /out ./out
  cowry -w site.cowry fs export latest~1:/ before.tar
  cowry -w site.cowry fs export / - | ssh host tar x";

/// Copy a directory of the workspace into a host folder or a tar archive
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// The directory
    #[arg(value_name = "[REV:]PATH")]
    path: Place,
    /// A folder, a name ending in .tar, or - for an archive on standard output
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    target: PathBuf,
}

/// Copies.
pub fn run(context: &mut Context, args: &ExportArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let tree = args.path.tree(&workspace)?;
    let done = copy(context, args, &tree)?;
    totals::tell_skipped(&mut context.out, &done);
    let target = args.target.display();
    context.out.note(&format!("wrote {target}: {}, {}", counted(done.files, "file"), totals::size(&done)));
    if context.out.json && args.target.as_os_str() != "-" {
        let mut object = totals::object(&done);
        object["target"] = target.to_string().into();
        context.out.object(&object)?;
    }
    Ok(totals::status(&done))
}

fn copy(context: &Context, args: &ExportArgs, tree: &Vfs) -> Outcome<Totals> {
    let mut progress = Progress::new(&context.out, "exporting");
    let mut at = |at: cowry_shell_core::transfer::Progress| progress.at(at.entries, at.bytes, None);
    let (path, target) = (args.path.path(), &args.target);
    let to_stdout = target.as_os_str() == "-";
    if !to_stdout && target.extension().is_none_or(|extension| extension != "tar") {
        return Ok(export_folder(tree, path, target, &mut at)?);
    }
    if to_stdout && context.out.out_is_terminal {
        return Err(Failure::new(
            "an archive is not for a terminal: redirect standard output, or name a file",
        ));
    }
    // Looked up first: a misspelt path shall not leave an empty archive behind where it cannot be replaced.
    tree.read_dir_page(path, None, 1)?;
    let mut pack = |archive: &mut dyn Write| -> Outcome<Totals> {
        let mut archive = BufWriter::with_capacity(1 << 20, archive);
        let done = export_tar(tree, path, &mut archive, &mut at)?;
        archive.flush().map_err(|error| Failure::host("write", target, &error))?;
        Ok(done)
    };
    if to_stdout { pack(&mut io::stdout()) } else { replace(target, |mut file| pack(&mut file)) }
}
