//! `cowry fs ls`.

use clap::Args;
use cowry_shell_core::{DirEntry, FileType, Name, Vfs};
use serde_json::json;

use super::Place;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::{Table, entry_name, iso, join, json as object};
use crate::style::Style;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs ls
  cowry -w site.cowry fs ls -l latest~1:/out";

/// List a directory
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LsArgs {
    /// The directory, or a file
    #[arg(value_name = "[REV:]PATH", default_value = "/")]
    path: Place,
    /// Shows mode, owner, size and time as well
    #[arg(short, long)]
    long: bool,
}

/// Lists.
pub fn run(context: &mut Context, args: &LsArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let tree = args.path.tree(&workspace)?;
    let path = args.path.path().as_str();
    let listed = list(&tree, path)?;
    if context.out.json {
        let entries: Vec<_> = listed.iter().map(|(entry, path)| object::entry(&tree, entry, path)).collect();
        context.out.object(&json!({ "path": path, "entries": entries }))?;
        return Ok(0);
    }
    let style = context.out.style;
    let names = listed.iter().map(|(entry, path)| entry_name(&tree, entry, path, style));
    let lines = if args.long { long(&listed, names, style) } else { names.collect() };
    context.out.lines(lines)?;
    Ok(0)
}

/// The entries of a directory, or the one entry that a file is, each with its path.
fn list(tree: &Vfs, path: &str) -> Outcome<Vec<(DirEntry, String)>> {
    let stat = tree.stat(path)?;
    if stat.is_dir() {
        let entries = tree.read_dir(path)?;
        return Ok(entries
            .into_iter()
            .map(|entry| (join(path, &entry.name), entry))
            .map(|(p, e)| (e, p))
            .collect());
    }
    let last = path.rsplit('/').next().unwrap_or(path);
    let name = Name::new(last).map_err(|error| Failure::new(error.to_string()))?;
    Ok(vec![(DirEntry { name, stat }, path.to_owned())])
}

fn long(listed: &[(DirEntry, String)], names: impl Iterator<Item = String>, style: Style) -> Vec<String> {
    let mut table = Table::new(&[1, 3]);
    for ((entry, _), name) in listed.iter().zip(names) {
        let stat = &entry.stat;
        table.row([
            mode_text(stat.kind, stat.mode),
            stat.nlink.to_string(),
            format!("{}:{}", stat.uid, stat.gid),
            stat.size.to_string(),
            iso(stat.mtime),
            name,
        ]);
    }
    table.lines(|_, column, cell| if column == 4 { style.faint(cell) } else { cell.to_owned() })
}

/// A mode as `ls` writes it: `drwxr-xr-x`.
fn mode_text(kind: FileType, mode: u32) -> String {
    let first = match kind {
        FileType::Regular => '-',
        FileType::Directory => 'd',
        FileType::Symlink => 'l',
        FileType::Fifo => 'p',
        FileType::CharDevice => 'c',
        FileType::BlockDevice => 'b',
        FileType::Socket => 's',
    };
    let bit = |mask: u32, letter: char| if mode & mask == 0 { '-' } else { letter };
    let exec =
        |mask: u32, special: u32, both: char, alone: char| match (mode & mask != 0, mode & special != 0) {
            (true, true) => both,
            (false, true) => alone,
            (true, false) => 'x',
            (false, false) => '-',
        };
    [
        first,
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        exec(0o100, 0o4000, 's', 'S'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        exec(0o010, 0o2000, 's', 'S'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        exec(0o001, 0o1000, 't', 'T'),
    ]
    .iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{FileType, mode_text};

    #[test]
    fn modes_are_written_as_ls_does() {
        assert_eq!(mode_text(FileType::Regular, 0o644), "-rw-r--r--");
        assert_eq!(mode_text(FileType::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(mode_text(FileType::Symlink, 0o777), "lrwxrwxrwx");
        assert_eq!(mode_text(FileType::Regular, 0o4644), "-rwSr--r--");
    }
}
