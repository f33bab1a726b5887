//! Globs over paths of a workspace, and what can be proved about a whole subtree.

use std::fmt;

use cowry_vfs::VPathBuf;
use globset::{GlobBuilder, GlobMatcher};

/// A pattern over absolute paths: `*` and `?` within a name, `**` over any number of names, `{a,b}`, `[a-z]`.
///
/// `/out/**` stands for `/out` itself and everything below it, so that a rule about a directory is one rule.
#[derive(Clone, Debug)]
pub struct Glob {
    text: String,
    whole: GlobMatcher,
    /// The part before a final `/**`; what it matches is covered with everything below.
    tree: Option<Tree>,
    /// One per component, or nothing where a brace group spans components.
    segments: Option<Vec<Segment>>,
}

#[derive(Clone, Debug)]
enum Tree {
    Root,
    Below(GlobMatcher),
}

#[derive(Clone, Debug)]
enum Segment {
    AnyDepth,
    Name(GlobMatcher),
}

/// How a glob relates to a path and everything below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coverage {
    /// Nothing there can match.
    None,
    /// Something there may match.
    Some,
    /// Everything there matches.
    All,
}

/// A glob that cannot be used. The message quotes it and says what is wrong where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("bad glob \"{glob}\": {problem}")]
pub struct GlobError {
    /// The glob as written.
    pub glob: String,
    /// What is wrong with it, and what to write.
    pub problem: String,
}

impl Glob {
    /// Checks and compiles a glob. It begins with `/`, or with `**/` for any directory.
    ///
    /// # Errors
    /// If it is relative, malformed, or has `**` beside other letters.
    pub fn new(text: &str) -> Result<Glob, GlobError> {
        let bad = |problem: String| GlobError { glob: text.into(), problem };
        let absolute = match text {
            "" => return Err(bad("it is empty; write \"/**\" for everything".into())),
            "**" => "/**".to_owned(),
            _ if text.starts_with("**/") => format!("/{text}"),
            _ if text.starts_with('/') => text.to_owned(),
            _ => {
                let rest = text.strip_prefix("./").unwrap_or(text);
                return Err(bad(format!(
                    "it must begin with \"/\"; write \"/{rest}\", or \"**/{rest}\" for any directory"
                )));
            }
        };
        let absolute = match absolute.strip_suffix('/') {
            Some(dir) => format!("{dir}/**"),
            None => absolute,
        };
        let parts = split(&absolute);
        if let Some(part) = parts.iter().flatten().copied().find(|part| part.contains("**") && *part != "**")
        {
            return Err(bad(format!("\"**\" must stand alone between slashes, not in \"{part}\"")));
        }
        if let Some(part) =
            parts.iter().flatten().copied().find(|part| *part == "." || *part == ".." || part.is_empty())
        {
            return Err(bad(format!("it has the component \"{part}\", which no path of a workspace has")));
        }
        Ok(Glob {
            text: text.to_owned(),
            whole: compile(&absolute).map_err(bad)?,
            tree: tree(&absolute).map_err(bad)?,
            segments: segments(parts).map_err(bad)?,
        })
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The directory that everything it matches is in, as far as it is written out: `/out` for `/out/**` and for
    /// `/out/*.csv`, nothing for `**/*.csv`.
    pub(super) fn base(&self) -> String {
        let text = self.text.strip_suffix('/').map_or_else(|| self.text.clone(), |dir| format!("{dir}/**"));
        let is_plain = |part: &&str| !part.contains(['*', '?', '[', '{', '\\', '}']);
        let parts: Vec<&str> = text.split('/').collect();
        let directories = &parts[..parts.len() - 1];
        directories.iter().copied().take_while(is_plain).collect::<Vec<_>>().join("/")
    }

    /// Whether `path` matches.
    pub fn matches(&self, path: &VPathBuf) -> bool {
        self.whole.is_match(path.as_str()) || self.is_tree_root(path)
    }

    /// What is certain about `path` and everything that is or could be below it.
    pub(super) fn coverage(&self, path: &VPathBuf) -> Coverage {
        let mut at = Some(path.clone());
        while let Some(here) = at {
            if self.is_tree_root(&here) {
                return Coverage::All;
            }
            at = here.parent();
        }
        if self.may_match_within(path) { Coverage::Some } else { Coverage::None }
    }

    fn is_tree_root(&self, path: &VPathBuf) -> bool {
        match &self.tree {
            None => false,
            Some(Tree::Root) => path.is_root(),
            Some(Tree::Below(prefix)) => prefix.is_match(path.as_str()),
        }
    }

    /// Compares component by component; a false "may" costs time, a false "cannot" would be wrong.
    fn may_match_within(&self, path: &VPathBuf) -> bool {
        let Some(segments) = &self.segments else { return true };
        let mut segments = segments.iter();
        for name in path.components() {
            match segments.next() {
                None => return false,
                Some(Segment::AnyDepth) => return true,
                Some(Segment::Name(matcher)) if !matcher.is_match(name.as_str()) => return false,
                Some(Segment::Name(_)) => {}
            }
        }
        true
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn compile(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .empty_alternates(true)
        .backslash_escape(true)
        .build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

fn tree(pattern: &str) -> Result<Option<Tree>, String> {
    match pattern.strip_suffix("/**") {
        None => Ok(None),
        Some("") => Ok(Some(Tree::Root)),
        // A brace group that is cut in two by the suffix was no suffix of the whole pattern.
        Some(prefix) => Ok(compile(prefix).ok().map(Tree::Below)),
    }
}

/// The components of a pattern, or `None` if a brace group or a class holds a slash.
fn split(pattern: &str) -> Option<Vec<&str>> {
    let (mut depth, mut class, mut escaped) = (0usize, false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if !class => class = true,
            ']' => class = false,
            '{' if !class => depth += 1,
            '}' if !class => depth = depth.saturating_sub(1),
            '/' if class || depth > 0 => return None,
            _ => {}
        }
    }
    Some(pattern[1..].split('/').collect())
}

fn segments(parts: Option<Vec<&str>>) -> Result<Option<Vec<Segment>>, String> {
    let Some(parts) = parts else { return Ok(None) };
    let compiled = parts.into_iter().map(|part| match part {
        "**" => Ok(Segment::AnyDepth),
        part => compile(part).map(Segment::Name),
    });
    compiled.collect::<Result<Vec<_>, String>>().map(Some)
}
