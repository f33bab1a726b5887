//! What differs between two trees: which paths at once, the lines of one file when asked.

use cowry_vfs::{Change, FileType, OpenOptions, Vfs};
use similar::TextDiff;

use crate::error::Result;

/// The largest file whose lines are compared, in bytes.
pub const TEXT_MAX: u64 = 4 << 20;

/// How long a comparison of lines may look for the smallest difference before it settles for a correct one.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
/// Texts of fewer bytes are compared to the end: that takes no time, and what comes out does not depend on how busy the
/// machine is.
const SMALL: usize = 64 << 10;

/// The paths that differ between two states of a tree, in the order of a tree walk.
#[derive(Clone, Debug)]
pub struct Diff {
    /// Which paths, and how.
    pub changes: Vec<Change>,
    before: Vfs,
    after: Vfs,
}

/// How the content at one path differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContentDiff {
    /// Not at all: only attributes, the name or a directory changed.
    Same,
    /// Line by line.
    Text {
        /// Hunks with three lines of context, `--- a/…` and `+++ b/…` included.
        unified: String,
        /// Lines only there now.
        added: usize,
        /// Lines only there before.
        removed: usize,
    },
    /// Bytes that are no text.
    Binary {
        /// Bytes before, if there was a file.
        before: Option<u64>,
        /// Bytes now, if there is a file.
        after: Option<u64>,
    },
    /// Text or not, more than [`TEXT_MAX`] of it.
    TooLarge {
        /// Bytes before, if there was a file.
        before: Option<u64>,
        /// Bytes now, if there is a file.
        after: Option<u64>,
    },
    /// The target of a symbolic link.
    Link {
        /// The target before.
        before: Option<String>,
        /// The target now.
        after: Option<String>,
    },
}

/// Sums over a whole diff.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DiffSummary {
    /// Paths that are there now and were not.
    pub added: usize,
    /// Paths that were there and are not.
    pub removed: usize,
    /// Paths whose content or attributes differ.
    pub modified: usize,
    /// Paths that were elsewhere.
    pub renamed: usize,
}

impl Diff {
    /// A diff of these changes between these trees.
    pub fn new(changes: Vec<Change>, before: Vfs, after: Vfs) -> Diff {
        Diff { changes, before, after }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many paths differ, by kind.
    pub fn summary(&self) -> DiffSummary {
        use cowry_vfs::ChangeKind::{Added, Modified, Removed, Renamed};
        let count = |kind| self.changes.iter().filter(|change| change.kind == kind).count();
        DiffSummary {
            added: count(Added),
            removed: count(Removed),
            modified: count(Modified),
            renamed: count(Renamed),
        }
    }

    /// How the content at a changed path differs. Reads at most [`TEXT_MAX`] bytes of either side.
    ///
    /// # Errors
    /// If one of the trees cannot be read.
    pub fn content(&self, change: &Change) -> Result<ContentDiff> {
        let kind = change.after.or(change.before).map(|stat| stat.kind);
        if !change.content {
            return Ok(ContentDiff::Same);
        }
        match kind {
            Some(FileType::Regular) => self.file(change),
            Some(FileType::Symlink) => self.link(change),
            _ => Ok(ContentDiff::Same),
        }
    }

    /// The tree before.
    pub fn before(&self) -> &Vfs {
        &self.before
    }

    /// The tree now.
    pub fn after(&self) -> &Vfs {
        &self.after
    }

    fn link(&self, change: &Change) -> Result<ContentDiff> {
        let old = change.from.as_ref().unwrap_or(&change.path);
        let is_link = |stat: &Option<cowry_vfs::Stat>| stat.is_some_and(|stat| stat.is_symlink());
        let before = is_link(&change.before).then(|| self.before.readlink(old)).transpose()?;
        let after = is_link(&change.after).then(|| self.after.readlink(&change.path)).transpose()?;
        Ok(ContentDiff::Link { before, after })
    }

    fn file(&self, change: &Change) -> Result<ContentDiff> {
        let size = |stat: &Option<cowry_vfs::Stat>| stat.filter(|stat| stat.is_file()).map(|stat| stat.size);
        let (before, after) = (size(&change.before), size(&change.after));
        if before.unwrap_or(0).max(after.unwrap_or(0)) > TEXT_MAX {
            return Ok(ContentDiff::TooLarge { before, after });
        }
        let old_path = change.from.as_ref().unwrap_or(&change.path);
        let old = before.map(|size| read(&self.before, old_path, size)).transpose()?;
        let new = after.map(|size| read(&self.after, &change.path, size)).transpose()?;
        match (text(&old), text(&new)) {
            (Some(old_text), Some(new_text)) => {
                let from = old.as_ref().map(|_| old_path.as_str());
                let to = new.as_ref().map(|_| change.path.as_str());
                Ok(lines(old_text, new_text, from, to))
            }
            _ => Ok(ContentDiff::Binary { before, after }),
        }
    }
}

/// Reads a file without following a symbolic link that stands in its place by now.
fn read(tree: &Vfs, path: &str, size: u64) -> Result<Vec<u8>> {
    let file = tree.open(path, OpenOptions { no_follow: true, ..OpenOptions::read() })?;
    let mut content = Vec::new();
    while (content.len() as u64) < size {
        let missing = size - content.len() as u64;
        let piece = file.read_bytes_at(content.len() as u64, missing as usize)?;
        if piece.is_empty() {
            break;
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

/// The bytes as text, unless there is a NUL among them or they are no UTF-8. No file counts as empty text.
fn text(content: &Option<Vec<u8>>) -> Option<&str> {
    let bytes = content.as_deref().unwrap_or_default();
    if bytes.contains(&0) { None } else { std::str::from_utf8(bytes).ok() }
}

/// Compares lines; a missing side is named `/dev/null`, as `diff` and `git` do.
pub fn lines(old: &str, new: &str, from: Option<&str>, to: Option<&str>) -> ContentDiff {
    let mut compare = TextDiff::configure();
    if old.len() + new.len() > SMALL {
        compare.timeout(PATIENCE);
    }
    let diff = compare.diff_lines(old, new);
    let (mut added, mut removed) = (0, 0);
    for change in diff.iter_all_changes() {
        match change.tag() {
            similar::ChangeTag::Insert => added += 1,
            similar::ChangeTag::Delete => removed += 1,
            similar::ChangeTag::Equal => {}
        }
    }
    let from = from.map_or("/dev/null".into(), |path| format!("a{path}"));
    let to = to.map_or("/dev/null".into(), |path| format!("b{path}"));
    let unified = diff.unified_diff().context_radius(3).header(&from, &to).to_string();
    ContentDiff::Text { unified, added, removed }
}

#[cfg(test)]
mod tests {
    use super::{ContentDiff, lines};

    #[test]
    fn hunks_and_counts() {
        let ContentDiff::Text { unified, added, removed } =
            lines("a\nb\nc\n", "a\nB\nc\nd\n", Some("/x"), Some("/x"))
        else {
            panic!("text differs as text");
        };
        assert_eq!((added, removed), (2, 1));
        assert_eq!(unified, "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n");
    }

    #[test]
    fn a_new_file_comes_from_nowhere() {
        let ContentDiff::Text { unified, .. } = lines("", "a\n", None, Some("/x")) else {
            panic!("text differs as text");
        };
        assert_eq!(unified, "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
    }

    #[test]
    fn a_missing_line_end_is_said() {
        let ContentDiff::Text { unified, .. } = lines("a", "b", Some("/x"), Some("/x")) else {
            panic!("text differs as text");
        };
        assert!(unified.contains("\\ No newline at end of file"), "{unified}");
    }
}
