//! Paths by pattern: `*`, `?`, `[…]` and `{…}` within a component, `**` across them. Names that begin with a dot match
//! like others. Files, directories and links match; nothing matches through a link.

use std::iter::Peekable;
use std::str::Chars;

use cowry_vfs::{Errno, TraverseEntry, Vfs};

use super::pattern::Budget;
use super::{State, StateError};

/// The longest pattern, in bytes: as long as a path.
const LENGTH_MAX: usize = cowry_vfs::PATH_MAX;
/// The deepest braces.
const DEPTH_MAX: usize = 50;

/// A pattern, compiled.
#[derive(Debug)]
pub(crate) struct Glob {
    matcher: Matcher,
    /// The directory that everything it matches is in.
    start: String,
    /// The most components of what it matches, if there is a most.
    depth: Option<usize>,
}

#[derive(Debug)]
enum Matcher {
    Text(String),
    Pattern(Box<regex::Regex>),
}

impl State<'_> {
    /// The paths that a pattern names, sorted.
    ///
    /// # Errors
    /// Those of [`Glob::new`] and [`Glob::visit`]; a clear one if there are more than 64 MiB of them.
    pub(crate) fn glob(&self, pattern: &str) -> Result<Vec<String>, StateError> {
        let (mut found, mut budget) = (Vec::new(), Budget::default());
        Glob::new(pattern)?.visit(self.vfs, &mut |entry| {
            budget.take(entry.path.len() + size_of::<String>())?;
            found.push(entry.path.as_str().to_owned());
            Ok(())
        })?;
        found.sort_unstable();
        Ok(found)
    }
}

impl Glob {
    /// A pattern for whole paths; one without a leading slash begins at the root.
    ///
    /// # Errors
    /// If it cannot be read: a class that ends before it begins, or braces too deep.
    pub(crate) fn new(pattern: &str) -> Result<Glob, StateError> {
        let pattern = normalised(pattern);
        let special = pattern.find(['*', '?', '[', '{', '\\']);
        let start = match special {
            None => pattern.as_str(),
            Some(at) => &pattern[..pattern[..at].rfind('/').unwrap_or(0)],
        };
        Ok(Glob {
            matcher: Matcher::new(&pattern)?,
            start: if start.is_empty() { "/".into() } else { start.into() },
            depth: (!pattern.contains("**")).then(|| pattern.matches('/').count()),
        })
    }

    /// A pattern for a name, or for whatever text is matched.
    ///
    /// # Errors
    /// As [`Glob::new`].
    #[cfg(test)]
    pub(crate) fn of_text(pattern: &str) -> Result<Glob, StateError> {
        Ok(Glob { matcher: Matcher::new(pattern)?, start: "/".into(), depth: None })
    }

    /// Whether it matches all of a text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Text(own) => own == text,
            Matcher::Pattern(regex) => regex.is_match(text),
        }
    }

    /// Calls `found` for everything in a tree that it names, as a walk comes by.
    ///
    /// # Errors
    /// Those of the walk and of `found`; what is not there matches nothing.
    pub(crate) fn visit(
        &self,
        vfs: &Vfs,
        found: &mut dyn FnMut(TraverseEntry) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        if let Matcher::Text(path) = &self.matcher {
            return visit_one(vfs, path, found);
        }
        // A walk follows a link that it begins at.
        if self.start != "/" && !is_reached(vfs, &self.start)? {
            return Ok(());
        }
        let mut walk = vfs.walk_tree(&self.start)?;
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let components = if entry.path.is_root() { 0 } else { entry.path.matches('/').count() };
            if self.depth.is_some_and(|depth| components >= depth) {
                walk.skip_below();
            }
            if components > 0 && self.matches(&entry.path) {
                found(entry)?;
            }
        }
        Ok(())
    }
}

/// What is at one path, if its directory is reached without a link.
fn visit_one(
    vfs: &Vfs,
    path: &str,
    found: &mut dyn FnMut(TraverseEntry) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let parent = &path[..path.rfind('/').unwrap_or(0)];
    if !parent.is_empty() && !is_reached(vfs, parent)? {
        return Ok(());
    }
    match vfs.locate(path, cowry_vfs::Follow::No) {
        Ok(at) => found(TraverseEntry { path: at.path, depth: 0, mount: at.mount, stat: at.stat }),
        Err(error) => absent(&error).then_some(()).ok_or_else(|| error.into()),
    }
}

/// Whether there is a directory at a path, without a link on the way.
fn is_reached(vfs: &Vfs, path: &str) -> Result<bool, StateError> {
    match vfs.locate(path, cowry_vfs::Follow::No) {
        Ok(found) => Ok(found.stat.is_dir() && found.path.as_str() == path),
        Err(error) => absent(&error).then_some(false).ok_or_else(|| error.into()),
    }
}

fn absent(error: &cowry_vfs::Error) -> bool {
    matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG)
}

/// An absolute pattern without empty components, `.` and `..`, where they are not within braces.
fn normalised(pattern: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let (mut part, mut depth, mut is_escaped) = (String::new(), 0usize, false);
    for c in pattern.chars().chain(['/']) {
        match c {
            '/' if depth == 0 || !pattern.contains('}') => {
                match part.as_str() {
                    "" | "." => {}
                    ".." => drop(parts.pop()),
                    _ => parts.push(std::mem::take(&mut part)),
                }
                part.clear();
                is_escaped = false;
                continue;
            }
            '{' if !is_escaped => depth += 1,
            '}' if !is_escaped => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
        part.push(c);
    }
    // A brace that nothing closes holds the last slash.
    let rest = part.trim_end_matches('/');
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    format!("/{}", parts.join("/"))
}

impl Matcher {
    fn new(pattern: &str) -> Result<Matcher, StateError> {
        let invalid = |why: &str| StateError::new(format!("Invalid glob pattern: {pattern}: {why}"));
        if pattern.len() > LENGTH_MAX {
            let start: String = pattern.chars().take(40).collect();
            return Err(StateError::new(format!(
                "Invalid glob pattern: {start}…: it is longer than {LENGTH_MAX} bytes"
            )));
        }
        if !pattern.contains(['*', '?', '[', '{', '\\']) {
            return Ok(Matcher::Text(pattern.to_owned()));
        }
        let mut out = String::from("^");
        translate(pattern, &mut out).map_err(|why| invalid(&why))?;
        out.push('$');
        let built = regex::RegexBuilder::new(&out).size_limit(4 << 20).build();
        built.map(|regex| Matcher::Pattern(Box::new(regex))).map_err(|_| invalid("it is too large"))
    }
}

/// Writes a pattern as a regular expression.
fn translate(pattern: &str, out: &mut String) -> Result<(), String> {
    let mut depth = 0;
    let mut chars = pattern.chars().peekable();
    // Braces that nothing closes stand for themselves.
    let mut closing = closing_braces(pattern);
    while let Some(c) = chars.next() {
        match c {
            '*' => star(&mut chars, out),
            '?' => out.push_str("[^/]"),
            '[' => class(&mut chars, out)?,
            '{' if closing.next() == Some(true) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(format!("its braces are nested more than {DEPTH_MAX} deep"));
                }
                out.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '\\' => literal(chars.next().unwrap_or('\\'), out),
            c => literal(c, out),
        }
    }
    Ok(())
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// `**/` is any directories or none, `**` anything, `*` anything within a component.
fn star(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    if chars.next_if_eq(&'*').is_none() {
        return out.push_str("[^/]*");
    }
    while chars.next_if_eq(&'*').is_some() {}
    let directories = chars.next_if_eq(&'/').is_some();
    out.push_str(if directories { "(?:(?s:.+)/)?" } else { "(?s:.*)" });
}

/// For each opening brace outside classes, whether one closes it.
fn closing_braces(pattern: &str) -> std::vec::IntoIter<bool> {
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => drop(class(&mut chars, &mut String::new())),
            '{' => {
                open.push(closed.len());
                closed.push(false);
            }
            '}' => {
                if let Some(last) = open.pop() {
                    closed[last] = true;
                }
            }
            _ => {}
        }
    }
    closed.into_iter()
}

/// `[a-z]`, `[!a-z]`, `[^a-z]`: one character, never a slash. A bracket that nothing closes stands for itself.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let mut ahead = chars.clone();
    let negated = ahead.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut inside: Vec<char> = Vec::new();
    let closed = loop {
        match ahead.next() {
            None => break false,
            Some(']') if !inside.is_empty() => break true,
            Some('\\') => inside.extend(ahead.next()),
            Some(c) => inside.push(c),
        }
    };
    if !closed {
        literal('[', out);
        return Ok(());
    }
    *chars = ahead;
    out.push_str(if negated { "[^/" } else { "[" });
    let mut rest = inside.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let last = match after {
            ['-', last, beyond @ ..] => {
                rest = beyond;
                last
            }
            _ => first,
        };
        if first > last {
            return Err(format!("the range {first}-{last} is out of order"));
        }
        out.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", *first as u32, *last as u32));
    }
    out.push_str(if negated { "]" } else { "&&[^/]]" });
    Ok(())
}
