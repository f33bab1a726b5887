//! Looking at whole trees: find, walkTree, summarizeTree.

use cowry_vfs::{Errno, Stat, TraverseEntry};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::look::kind_of;
use super::wildcard::Pattern;
use super::{Args, Reply, State, StateError, StateResult, path};

/// Options of `find`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FindOptions {
    name: Option<String>,
    path_pattern: Option<String>,
    r#type: Option<OneOrMany>,
    min_depth: Option<usize>,
    max_depth: Option<usize>,
    empty: Option<bool>,
    size_min: Option<f64>,
    size_max: Option<f64>,
    /// Milliseconds since the epoch, as the next one: `state.js` reads dates.
    mtime_after: Option<f64>,
    mtime_before: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DepthOptions {
    max_depth: Option<usize>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found<'a> {
    path: &'a str,
    name: &'a str,
    r#type: &'static str,
    depth: usize,
    size: u64,
    mtime: f64,
}

/// What an entry has to be like.
struct Filter {
    options: FindOptions,
    name: Option<Pattern>,
    path: Option<Pattern>,
}

impl Filter {
    fn new(options: FindOptions) -> Result<Filter, StateError> {
        const TYPES: [&str; 3] = ["file", "directory", "symlink"];
        let unknown = options.r#type.as_ref().and_then(|types| types.iter().find(|t| !TYPES.contains(t)));
        if let Some(unknown) = unknown {
            let message = format!("state.find: there is no type \"{unknown}\": file, directory or symlink");
            return Err(StateError::usage(message));
        }
        let name = options.name.as_deref().map(Pattern::new);
        let path = options.path_pattern.as_deref().map(Pattern::new);
        Ok(Filter { options, name, path })
    }

    fn takes(&self, entry: &TraverseEntry) -> bool {
        let of = &self.options;
        let stat = &entry.stat;
        let size = size_of(stat) as f64;
        let mtime = stat.mtime.as_millis_f64();
        of.min_depth.is_none_or(|least| entry.depth >= least)
            && of.r#type.as_ref().is_none_or(|types| types.iter().any(|t| t == kind_of(stat)))
            && self.name.as_ref().is_none_or(|name| name.matches(path::name(entry.path.as_str())))
            && self.path.as_ref().is_none_or(|path| path.matches(entry.path.as_str()))
            && of.empty.is_none_or(|empty| empty == (size == 0.0))
            && of.size_min.is_none_or(|least| size >= least)
            && of.size_max.is_none_or(|most| size <= most)
            && of.mtime_after.is_none_or(|after| mtime > after)
            && of.mtime_before.is_none_or(|before| mtime < before)
    }
}

impl OneOrMany {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
        .iter()
        .map(String::as_str)
    }
}

/// A directory has no content, whatever a layer says.
fn size_of(stat: &Stat) -> u64 {
    if stat.is_dir() { 0 } else { stat.size }
}

impl State<'_> {
    /// Comes by everything at and below `path` down to a depth, directories before what they hold. A link at `path` is
    /// not followed.
    fn traverse(
        &self,
        path: &str,
        max_depth: Option<usize>,
        visit: &mut dyn FnMut(&TraverseEntry),
    ) -> Result<(), StateError> {
        let max_depth = max_depth.unwrap_or(usize::MAX);
        // Only a directory is walked; what else is there stands for itself.
        let only = self.vfs.lstat(path)?;
        if !only.is_dir() {
            let located = self.vfs.locate(path, cowry_vfs::Follow::No)?;
            visit(&TraverseEntry { path: located.path, depth: 0, mount: located.mount, stat: only });
            return Ok(());
        }
        let mut walk = self.vfs.walk_tree(path)?;
        while let Some(entry) = walk.next() {
            let entry = entry?;
            if entry.depth >= max_depth {
                walk.skip_below();
            }
            if entry.depth <= max_depth {
                visit(&entry);
            }
        }
        Ok(())
    }
}

/// An error of the start of a walk, as the reference says it.
fn missing(error: StateError, path: &str) -> StateError {
    let at_start = is_missing(&error) && error.path.as_deref() == Some(path);
    if at_start {
        StateError::coded(Errno::ENOENT, format!("no such file or directory: {path}"), path)
    } else {
        error
    }
}

pub(super) fn is_missing(error: &StateError) -> bool {
    error.is(Errno::ENOENT) || error.is(Errno::ENOTDIR)
}

pub(super) fn find(state: &State<'_>, args: &Args) -> StateResult {
    let path = args.path(0)?;
    let filter = Filter::new(args.options(1)?)?;
    let mut found = Vec::new();
    let walked = state.traverse(&path, filter.options.max_depth, &mut |entry| {
        if filter.takes(entry) {
            found.push(value(&Found {
                path: entry.path.as_str(),
                name: path::name(entry.path.as_str()),
                r#type: kind_of(&entry.stat),
                depth: entry.depth,
                size: size_of(&entry.stat),
                mtime: entry.stat.mtime.as_millis_f64(),
            }));
        }
    });
    match walked {
        Err(error) if is_missing(&error) && error.path.as_deref() == Some(&path) => {
            Reply::of(&Value::Array(Vec::new()))
        }
        walked => walked.map(|()| Reply::Json(Value::Array(found))),
    }
}

fn value(found: &Found<'_>) -> Value {
    serde_json::to_value(found).expect("text and numbers are JSON")
}

pub(super) fn summarize_tree(state: &State<'_>, args: &Args) -> StateResult {
    let path = args.path(0)?;
    let DepthOptions { max_depth } = args.options(1)?;
    let (mut files, mut directories, mut symlinks, mut bytes, mut deepest) = (0_u64, 0_u64, 0_u64, 0_u64, 0);
    let count = &mut |entry: &TraverseEntry| {
        deepest = deepest.max(entry.depth);
        match kind_of(&entry.stat) {
            "directory" => directories += 1,
            "symlink" => symlinks += 1,
            _ => {
                files += 1;
                bytes = bytes.saturating_add(entry.stat.size);
            }
        }
    };
    state.traverse(&path, max_depth, count).map_err(|error| missing(error, &path))?;
    Ok(Reply::Json(json!({
        "files": files, "directories": directories, "symlinks": symlinks, "totalBytes": bytes, "maxDepth": deepest,
    })))
}

pub(super) fn walk_tree(state: &State<'_>, args: &Args) -> StateResult {
    let path = args.path(0)?;
    let DepthOptions { max_depth } = args.options(1)?;
    let mut open = Branches(Vec::new());
    let add = &mut |entry: &TraverseEntry| {
        open.close(entry.depth);
        let path = entry.path.as_str();
        let mut node = json!({
            "path": path, "name": path::name(path), "type": kind_of(&entry.stat), "size": size_of(&entry.stat),
        });
        if entry.stat.is_dir() && max_depth.is_none_or(|most| entry.depth < most) {
            node["children"] = Value::Array(Vec::new());
        }
        open.0.push(node);
    };
    state.traverse(&path, max_depth, add).map_err(|error| missing(error, &path))?;
    open.close(1);
    Ok(Reply::Json(open.0.pop().unwrap_or_default()))
}

/// The nodes from the root to the one that came last.
struct Branches(Vec<Value>);

impl Branches {
    /// Puts what is as deep as this, or deeper, into what holds it.
    fn close(&mut self, depth: usize) {
        while self.0.len() > depth.max(1) {
            let done = self.0.pop().unwrap_or_default();
            let above =
                self.0.last_mut().and_then(|above| above.get_mut("children")).and_then(Value::as_array_mut);
            above.expect("only a directory with room for them has entries").push(done);
        }
    }
}
