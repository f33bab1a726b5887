//! Finding paths by pattern.

use globset::{GlobBuilder, GlobMatcher};

use crate::errno::{Errno, Error, NodeError, Result};
use crate::fs::{GlobOptions, Traverse, Vfs};
use crate::path::VPathBuf;

impl Vfs {
    /// The paths that match a pattern, sorted as a walk comes by them. `*`, `?` and `[…]` stay within a
    /// component, `**` spans any number of them, `{a,b}` is either. A pattern is absolute or relative to the
    /// working directory; the paths are absolute. Links are matched, not followed.
    ///
    /// # Errors
    /// `EINVAL` for a pattern that cannot be read; errors of the walk, for the operation `scandir`.
    /// A directory that is not there matches nothing.
    pub fn glob(&self, pattern: &str, options: GlobOptions) -> Result<Vec<VPathBuf>> {
        const OP: &str = "glob";
        let pattern = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("{}/{pattern}", escape(self.cwd().trim_end_matches('/')))
        };
        if pattern.trim_end_matches('/').is_empty() {
            return Ok(vec![VPathBuf::root()]);
        }
        let matcher = compile(&pattern)
            .map_err(|error| Error::at(OP, &pattern, NodeError::with_source(Errno::EINVAL, error)))?;
        let hidden =
            options.hidden || pattern.contains("/.") || pattern.contains("{.") || pattern.contains(",.");
        let tree = match self.walk_tree(&literal_prefix(&pattern)) {
            Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR) => return Ok(Vec::new()),
            tree => tree?,
        };
        let levels = if pattern.contains("**") { usize::MAX } else { pattern.matches('/').count() };
        matching(tree, &matcher, hidden, levels)
    }
}

/// `levels` is how many components a match can have at most.
fn matching(mut tree: Traverse, matcher: &GlobMatcher, hidden: bool, levels: usize) -> Result<Vec<VPathBuf>> {
    let mut found = Vec::new();
    while let Some(entry) = tree.next() {
        let entry = entry?;
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        if entry.depth > 0 && name.starts_with('.') && !hidden {
            tree.skip_below();
            continue;
        }
        if entry.path.components().count() >= levels {
            tree.skip_below();
        }
        // `/*` is what is in the root, not the root.
        if !entry.path.is_root() && matcher.is_match(entry.path.as_str()) {
            found.push(entry.path);
        }
    }
    Ok(found)
}

fn compile(pattern: &str) -> std::result::Result<GlobMatcher, globset::Error> {
    let pattern = if pattern.len() > 1 { pattern.trim_end_matches('/') } else { pattern };
    let mut builder = GlobBuilder::new(pattern);
    builder.literal_separator(true).backslash_escape(true).empty_alternates(true);
    Ok(builder.build()?.compile_matcher())
}

/// The directories before the first component with anything special in it: where the walk starts.
fn literal_prefix(pattern: &str) -> String {
    let special = pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len());
    let cut = if special == pattern.len() { special } else { pattern[..special].rfind('/').unwrap_or(0) };
    if cut == 0 { "/".into() } else { pattern[..cut].into() }
}

/// A path that stands for itself in a pattern.
fn escape(path: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ',');
    path.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
