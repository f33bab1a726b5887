//! Commands that show files of the session.

use cowry_shell_core::{OpenOptions, Vfs};

use super::Evaluating;
use crate::command::diff::{DiffArgs, lines, only, paths};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::render::preview;
use crate::session::dot::{CatArgs, Dot};

/// The most of a file that is looked at for a preview, in bytes.
const PREVIEW_MOST: u64 = 256 << 10;
/// The most of a file that is shown at all, or edited.
const SHOWN_MOST: u64 = 16 << 20;

impl Evaluating {
    /// What is not committed, or the difference of revisions where they are named.
    pub(super) fn diff(&mut self, args: &DiffArgs, out: &mut Output) -> Outcome<()> {
        if args.from.is_some() {
            return self.history(&Dot::Diff(args.clone()), out);
        }
        let diff = only(self.session().diff()?, &paths(&args.paths)?);
        if diff.is_empty() {
            out.note("no changes");
            return self.show(out, "");
        }
        let lines = lines(&diff, args.form, out.style)?;
        self.show_lines(out, lines)
    }

    /// A file as it is in the session.
    pub(super) fn cat(&mut self, args: &CatArgs, out: &mut Output) -> Outcome<()> {
        let tree = self.session().fs()?;
        let most = if args.all { SHOWN_MOST } else { PREVIEW_MOST };
        let (bytes, size) = beginning(&tree, &args.path, most)?;
        if args.all && size > SHOWN_MOST {
            return Err(Failure::new(format!(
                "{} is too large to show: `cowry fs get` copies it",
                args.path
            )));
        }
        let text = if args.all { preview::whole(&bytes) } else { preview::of(&args.path, &bytes, size) };
        self.show(out, &text)
    }
}

/// What a file begins with, and how long it is.
fn beginning(tree: &Vfs, path: &str, most: u64) -> Outcome<(Vec<u8>, u64)> {
    let absolute = format!("/{}", path.trim_start_matches('/'));
    let file = tree.open(&absolute, OpenOptions::read())?;
    let stat = file.stat()?;
    if stat.is_dir() {
        return Err(Failure::new(format!("{path} is a directory: name a file in it")));
    }
    let wanted = stat.size.min(most);
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < wanted {
        let piece = file.read_bytes_at(bytes.len() as u64, (wanted - bytes.len() as u64) as usize)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, stat.size))
}

/// All of a text file, empty where there is none.
pub(super) fn text_of(tree: &Vfs, path: &str) -> Outcome<String> {
    let absolute = format!("/{}", path.trim_start_matches('/'));
    if tree.stat(&absolute).is_err_and(|error| error.errno() == cowry_shell_core::Errno::ENOENT) {
        return Ok(String::new());
    }
    let (bytes, size) = beginning(tree, path, SHOWN_MOST)?;
    if size > SHOWN_MOST {
        return Err(Failure::new(format!("{path} is too large to edit")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("{path} is no text in UTF-8")))
}
