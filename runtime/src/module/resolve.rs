//! From a specifier to a file: relative and absolute paths, packages, what bundlers add.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::error::ResolveError;
use super::trees::Trees;
use crate::js::{ABSENT_MODULES, BUILTIN_MODULES};

/// What the importing side speaks; it decides about a package's conditions and how errors are worded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    Import,
    Require,
}

/// What a specifier leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// A module of the runtime's own, such as `node:fs`.
    Builtin(&'static str),
    /// A file, by its real path.
    File(String),
}

/// What is tried when a path names no file.
const EXTENSIONS: &[&str] = &[".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"];

/// What TypeScript writes for a file that is compiled later: the extension of the output.
const COMPILED: &[(&str, &[&str])] =
    &[(".js", &[".ts", ".tsx"]), (".mjs", &[".mts"]), (".cjs", &[".cts"]), (".jsx", &[".tsx"])];

/// Resolves specifiers, and remembers the package files it read.
#[derive(Default)]
pub(super) struct Resolver {
    packages: HashMap<String, Option<Rc<Value>>>,
}

impl Resolver {
    /// Resolves `specifier` as written in `from`, a file.
    pub(super) fn resolve(
        &mut self,
        trees: &Trees,
        specifier: &str,
        from: &str,
        manner: Manner,
    ) -> Result<Target, ResolveError> {
        if let Some(builtin) = builtin(specifier) {
            return Ok(Target::Builtin(builtin));
        }
        if let Some(name) = specifier.strip_prefix("node:") {
            return Err(ResolveError::unknown_builtin(name));
        }
        if let Some((scheme, _)) = specifier.split_once("://").filter(|(scheme, _)| *scheme != "file") {
            return Err(ResolveError::scheme(scheme, specifier));
        }
        let path = self.find(trees, specifier, from, manner)?;
        let path = path.ok_or_else(|| match ABSENT_MODULES.contains(&specifier) {
            true => ResolveError::unknown_builtin(specifier),
            false => ResolveError::not_found(specifier, from, manner),
        })?;
        Ok(Target::File(trees.real(&path)))
    }

    fn find(
        &mut self,
        trees: &Trees,
        specifier: &str,
        from: &str,
        manner: Manner,
    ) -> Result<Option<String>, ResolveError> {
        let dir = parent(from);
        let is_path = |s: &str| s == "." || s == ".." || s.starts_with("./") || s.starts_with("../");
        if specifier.starts_with('/') {
            return Ok(self.file_or_dir(trees, &normalize("/", specifier)));
        }
        if is_path(specifier) {
            return Ok(self.file_or_dir(trees, &normalize(dir, specifier)));
        }
        if specifier.starts_with('#') {
            return self.package_import(trees, specifier, dir, manner);
        }
        self.package(trees, specifier, dir, manner)
    }

    /// The file a path means: itself, itself with an extension, or what a directory holds.
    pub(super) fn file_or_dir(&mut self, trees: &Trees, path: &str) -> Option<String> {
        if let Some(file) = file(trees, path) {
            return Some(file);
        }
        if !trees.is_dir(path) {
            return None;
        }
        let main = self.package_json(trees, path).and_then(|package| {
            package.get("main").and_then(Value::as_str).map(|main| normalize(path, main))
        });
        main.and_then(|main| file(trees, &main).or_else(|| file(trees, &join(&main, "index"))))
            .or_else(|| file(trees, &join(path, "index")))
    }

    /// A bare specifier: a package in a `node_modules` here or further up, or the package this file is in.
    fn package(
        &mut self,
        trees: &Trees,
        specifier: &str,
        dir: &str,
        manner: Manner,
    ) -> Result<Option<String>, ResolveError> {
        let (name, rest) = package_name(specifier);
        if let Some((root, package)) = self.enclosing(trees, dir)
            && package.get("name").and_then(Value::as_str) == Some(name)
            && package.get("exports").is_some()
        {
            return self.exported(trees, &root, &package, rest, specifier, manner).map(Some);
        }
        for dir in ancestors(dir) {
            if dir.ends_with("/node_modules") {
                continue;
            }
            let root = join(&join(dir, "node_modules"), name);
            if !trees.is_dir(&root) {
                // A single file can be a package, too.
                if let Some(file) = file(trees, &root).filter(|_| rest == ".") {
                    return Ok(Some(file));
                }
                continue;
            }
            let package = self.package_json(trees, &root);
            if let Some(package) = package.filter(|p| p.get("exports").is_some_and(|e| !e.is_null())) {
                return self.exported(trees, &root, &package, rest, specifier, manner).map(Some);
            }
            let path = if rest == "." { root } else { normalize(&root, rest) };
            return Ok(self.file_or_dir(trees, &path));
        }
        Ok(None)
    }

    fn exported(
        &mut self,
        trees: &Trees,
        root: &str,
        package: &Value,
        subpath: &str,
        specifier: &str,
        manner: Manner,
    ) -> Result<String, ResolveError> {
        let exports = package.get("exports").unwrap_or(&Value::Null);
        let has_subpaths = exports.as_object().is_some_and(|o| o.keys().any(|key| key.starts_with('.')));
        let target = match has_subpaths {
            true => matched(exports, subpath).and_then(|(value, star)| condition(value, manner, star)),
            false if subpath == "." => condition(exports, manner, ""),
            false => None,
        };
        let Some(target) = target else {
            return Err(ResolveError::not_exported(subpath, root, specifier));
        };
        let path = normalize(root, &target);
        file(trees, &path).ok_or_else(|| ResolveError::missing_target(&path, specifier))
    }

    /// `#name`, through the `imports` of the package this file is in.
    fn package_import(
        &mut self,
        trees: &Trees,
        specifier: &str,
        dir: &str,
        manner: Manner,
    ) -> Result<Option<String>, ResolveError> {
        let Some((root, package)) = self.enclosing(trees, dir) else { return Ok(None) };
        let Some(imports) = package.get("imports") else { return Ok(None) };
        let target = matched(imports, specifier).and_then(|(value, star)| condition(value, manner, star));
        match target {
            Some(target) if target.starts_with("./") => Ok(file(trees, &normalize(&root, &target))),
            Some(target) => self.package(trees, &target, &root, manner),
            None => Ok(None),
        }
    }

    /// Whether `.js` files in the directory of `path` are ES modules (`true`), CommonJS, or nobody said.
    pub(super) fn says_module(&mut self, trees: &Trees, path: &str) -> Option<bool> {
        let (_, package) = self.enclosing(trees, parent(path))?;
        match package.get("type").and_then(Value::as_str) {
            Some("module") => Some(true),
            Some("commonjs") => Some(false),
            _ => None,
        }
    }

    /// The nearest `package.json` at or above a directory.
    fn enclosing(&mut self, trees: &Trees, dir: &str) -> Option<(String, Rc<Value>)> {
        for dir in ancestors(dir) {
            if dir.ends_with("/node_modules") {
                return None;
            }
            if let Some(package) = self.package_json(trees, dir) {
                return Some((dir.to_owned(), package));
            }
        }
        None
    }

    fn package_json(&mut self, trees: &Trees, dir: &str) -> Option<Rc<Value>> {
        if let Some(known) = self.packages.get(dir) {
            return known.clone();
        }
        let path = join(dir, "package.json");
        let read = trees.is_file(&path).then(|| trees.text(&path).ok()).flatten();
        let package = read.and_then(|text| serde_json::from_str(&text).ok()).map(Rc::new);
        self.packages.insert(dir.to_owned(), package.clone());
        package
    }

    /// Forgets what was read: files may have changed.
    pub(super) fn forget(&mut self) {
        self.packages.clear();
    }
}

/// Where compiled decorators look for their helpers.
const HELPERS: &str = "@oxc-project/runtime/helpers/";

/// The package whose interface `cowry:shell` has. A copy of it in the tree would look for a platform that is not here.
const SHELL_PACKAGE: &str = "@cloudflare/shell";

/// The built-in module of this name, with `node:` or without.
pub(crate) fn builtin(specifier: &str) -> Option<&'static str> {
    let specifier = if specifier == SHELL_PACKAGE { "cowry:shell" } else { specifier };
    if let Some(helper) = specifier.strip_prefix(HELPERS) {
        return BUILTIN_MODULES
            .iter()
            .map(|(name, _)| *name)
            .find(|name| name.strip_prefix("cowry:") == Some(helper));
    }
    BUILTIN_MODULES
        .iter()
        .map(|(name, _)| *name)
        .find(|name| *name == specifier || name.strip_prefix("node:").is_some_and(|bare| bare == specifier))
}

/// The file at a path, at the path with an extension, or the source of a compiled name.
fn file(trees: &Trees, path: &str) -> Option<String> {
    if path.ends_with('/') {
        return None;
    }
    if trees.is_file(path) {
        return Some(path.to_owned());
    }
    for extension in EXTENSIONS {
        let candidate = format!("{path}{extension}");
        if trees.is_file(&candidate) {
            return Some(candidate);
        }
    }
    let (compiled, sources) = COMPILED.iter().find(|(compiled, _)| path.ends_with(compiled))?;
    let stem = &path[..path.len() - compiled.len()];
    sources.iter().map(|source| format!("{stem}{source}")).find(|candidate| trees.is_file(candidate))
}

/// `@scope/name/rest` as name and `./rest`; without a rest, `.`.
fn package_name(specifier: &str) -> (&str, &str) {
    let scope = if specifier.starts_with('@') { specifier.find('/').map_or(0, |at| at + 1) } else { 0 };
    match specifier[scope..].find('/') {
        Some(at) => (&specifier[..scope + at], &specifier[scope + at + 1..]),
        None => (specifier, "."),
    }
}

/// The entry of an `exports` or `imports` map for a key, and what its `*` stands for.
fn matched<'a>(map: &'a Value, key: &'a str) -> Option<(&'a Value, &'a str)> {
    let map = map.as_object()?;
    let key_of = |given: &str| given == key || given.strip_prefix("./") == Some(key);
    if let Some((_, value)) = map.iter().find(|(given, _)| key_of(given)) {
        return Some((value, ""));
    }
    let star = |given: &str| -> Option<(usize, &'a str)> {
        let given = given.strip_prefix("./").unwrap_or(given);
        let (before, after) = given.split_once('*')?;
        let middle = key.strip_prefix(before)?.strip_suffix(after)?;
        Some((before.len(), middle))
    };
    let best = map.iter().filter_map(|(given, value)| star(given).map(|(len, s)| (len, value, s)));
    best.max_by_key(|(len, ..)| *len).map(|(_, value, star)| (value, star))
}

/// The target of an entry under the conditions that hold here.
fn condition(value: &Value, manner: Manner, star: &str) -> Option<String> {
    match value {
        Value::String(target) => Some(target.replace('*', star)),
        Value::Array(targets) => targets.iter().find_map(|target| condition(target, manner, star)),
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            let holds = match name.as_str() {
                "import" => manner == Manner::Import,
                "require" => manner == Manner::Require,
                "node" | "default" | "module-sync" => true,
                _ => false,
            };
            holds.then(|| condition(value, manner, star)).flatten()
        }),
        _ => None,
    }
}

pub(super) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |dir| (*dir != "/").then(|| parent(dir)))
}

fn join(dir: &str, name: &str) -> String {
    if dir == "/" { format!("/{name}") } else { format!("{dir}/{name}") }
}

/// `path` against `dir`, without `.` and `..`; a trailing slash stays.
pub(super) fn normalize(dir: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { dir };
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let slash = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{slash}", parts.join("/"))
}
