//! A tree of directories as lines of a tree.

use cowry_shell_core::{DirEntry, Vfs};

use super::changes::shown;
use crate::failure::Outcome;
use crate::style::Style;

/// What a walk has met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Met {
    pub dirs: u64,
    pub files: u64,
}

/// The tree below `path`, at most `depth` levels of it.
pub fn tree_lines(tree: &Vfs, path: &str, depth: usize, style: Style) -> Outcome<(Vec<String>, Met)> {
    let mut walk = Walk { tree, style, lines: vec![style.place(&shown(path))], met: Met::default() };
    walk.below(path, "", depth)?;
    Ok((walk.lines, walk.met))
}

struct Walk<'a> {
    tree: &'a Vfs,
    style: Style,
    lines: Vec<String>,
    met: Met,
}

impl Walk<'_> {
    fn below(&mut self, path: &str, indent: &str, depth: usize) -> Outcome<()> {
        if depth == 0 {
            return Ok(());
        }
        let entries = self.tree.read_dir(path)?;
        let count = entries.len();
        for (at, entry) in entries.iter().enumerate() {
            let (branch, deeper) =
                if at + 1 == count { ("└── ", "    ") } else { ("├── ", "│   ") };
            let child = join(path, &entry.name);
            self.lines.push(format!("{indent}{branch}{}", entry_name(self.tree, entry, &child, self.style)));
            if entry.stat.is_dir() {
                self.met.dirs += 1;
                self.below(&child, &format!("{indent}{deeper}"), depth - 1)?;
            } else {
                self.met.files += 1;
            }
        }
        Ok(())
    }
}

/// A path and one more component.
pub fn join(dir: &str, name: &str) -> String {
    if dir.ends_with('/') { format!("{dir}{name}") } else { format!("{dir}/{name}") }
}

/// A name as lists show it: a slash behind directories, the target behind links.
pub fn entry_name(tree: &Vfs, entry: &DirEntry, path: &str, style: Style) -> String {
    let name = shown(&entry.name);
    if entry.stat.is_dir() {
        style.place(&format!("{name}/"))
    } else if entry.stat.is_symlink() {
        let target = tree.readlink(path).map(|target| shown(&target)).unwrap_or_else(|_| "?".into());
        format!("{name} -> {target}")
    } else {
        name
    }
}
