//! The engine's module loader over the trees.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use cowry_vfs::{Errno, Error};
use deno_core::{
    ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleResolveResponse,
    ModuleSource, ModuleSourceCode, ModuleSpecifier, ModuleType, RequestedModuleType, ResolutionKind,
    url::Url,
};
use deno_error::JsErrorBox;

use super::error::ResolveError;
use super::prepare::{Form, Goal, Language, Prepared, prepare};
use super::resolve::{Manner, Resolver, Target, normalize};
use super::trees::Trees;
use crate::host::Host;

/// What stands for the `require` function in the ES module that stands for a CommonJS one.
const COMMON_JS: &str = "cowry:commonjs";

/// Loads modules from the tree and from the program's own folder.
#[derive(Default)]
pub(crate) struct Loader {
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    trees: Option<Trees>,
    resolver: Resolver,
    cwd: String,
    /// Sources that are in no file, by URL.
    sources: HashMap<String, (String, Goal)>,
    /// Source maps of what was changed on the way to the engine, by URL.
    maps: HashMap<String, String>,
    /// What form the modules have that were loaded, by URL.
    forms: HashMap<String, Form>,
    /// ES modules that stand for CommonJS ones, by URL.
    facades: HashSet<String>,
    /// What was prepared to see what it is and will be loaded next, by URL.
    ready: HashMap<String, Prepared>,
    /// Why the last module could not be had: the engine keeps only the message.
    fault: Option<ResolveError>,
}

/// A file opened for `require`.
pub(crate) enum Opened {
    /// JSON text.
    Json(String),
    /// The body of a CommonJS wrapper.
    CommonJs(String),
    /// An ES module.
    Module,
}

impl Loader {
    pub(crate) fn adopt(&self, host: &Host) {
        let cwd = host.vfs.cwd().to_string();
        *self.inner.borrow_mut() = Inner { trees: Some(Trees::new(host)), cwd, ..Inner::default() };
    }

    /// Lets go of all trees and sources.
    pub(crate) fn forget(&self) {
        *self.inner.borrow_mut() = Inner::default();
    }

    /// Moves what specifiers in no file are relative to, and forgets what was read before.
    pub(crate) fn begin_job(&self, cwd: &str) {
        let mut inner = self.inner.borrow_mut();
        inner.cwd = cwd.to_owned();
        inner.resolver.forget();
    }

    /// Takes source that is in no file, out of the Markdown fence it may be in, and answers with the path it has from now on.
    pub(crate) fn put(&self, name: &str, code: &str, goal: Goal) -> String {
        let code = if goal == Goal::Expression { unfenced(code) } else { code }.to_owned();
        let mut inner = self.inner.borrow_mut();
        // The engine keeps modules by URL, so that another source needs another name.
        let names = (2..).map(|n| format!("{name}-{n}"));
        let mut paths =
            std::iter::once(name.to_owned()).chain(names).map(|name| normalize(&inner.cwd, &name));
        let path =
            paths.find(|path| !inner.sources.contains_key(&url_of(path))).expect("names go on for ever");
        inner.sources.insert(url_of(&path), (code, goal));
        path
    }

    /// Keeps the source map of code that goes to the engine on another way.
    pub(crate) fn put_map(&self, url: &str, map: String) {
        self.inner.borrow_mut().maps.insert(url.to_owned(), map);
    }

    /// The form of a module that was loaded.
    pub(crate) fn form(&self, url: &str) -> Option<Form> {
        self.inner.borrow().forms.get(url).cloned()
    }

    /// Resolves `specifier` as written in the file or URL `from`.
    pub(crate) fn find(&self, specifier: &str, from: &str, manner: Manner) -> Result<Target, ResolveError> {
        let inner = &mut *self.inner.borrow_mut();
        let Some(trees) = &inner.trees else { return Err(ResolveError::not_found(specifier, from, manner)) };
        let from = match path_of(from) {
            Some(path) => path,
            None if from.starts_with('/') => from.to_owned(),
            None => normalize(&inner.cwd, "[eval]"),
        };
        let path = path_of(specifier);
        if let Some(path) = path.as_ref().filter(|path| inner.sources.contains_key(&url_of(path))) {
            return Ok(Target::File(path.clone()));
        }
        inner.resolver.resolve(trees, path.as_deref().unwrap_or(specifier), &from, manner)
    }

    /// What a program's path leads to, and whether it is there at all.
    pub(crate) fn main(&self, path: &str) -> Result<(String, Opened), JsErrorBox> {
        let path = {
            let inner = &mut *self.inner.borrow_mut();
            let trees = inner.trees.as_ref().expect("a job runs in an isolate that was adopted");
            let path = normalize(&inner.cwd, path);
            let found = inner.resolver.file_or_dir(trees, &path);
            let missing =
                || ResolveError::new("Error", "MODULE_NOT_FOUND", format!("Cannot find module '{path}'"));
            trees.real(&found.ok_or_else(missing).map_err(JsErrorBox::from_err)?)
        };
        let opened = self.open(&path)?;
        Ok((path, opened))
    }

    /// Reads a file for `require`.
    pub(crate) fn open(&self, path: &str) -> Result<Opened, JsErrorBox> {
        let url = url_of(path);
        let inner = &mut *self.inner.borrow_mut();
        if path.ends_with(".json") {
            return inner.text(&url, path).map(Opened::Json);
        }
        if let Some(format) = data_format(path, &RequestedModuleType::None) {
            return inner.data_call(path, format).map(Opened::CommonJs);
        }
        let prepared = inner.prepare(&url, path)?;
        match prepared.form {
            Form::CommonJs(_) => {
                inner.remember(&url, &prepared);
                Ok(Opened::CommonJs(prepared.code))
            }
            _ => {
                inner.ready.insert(url, prepared);
                Ok(Opened::Module)
            }
        }
    }

    /// Why the last module could not be had.
    pub(crate) fn take_fault(&self) -> Option<ResolveError> {
        self.inner.borrow_mut().fault.take()
    }

    fn load_now(&self, url: &Url, requested: &RequestedModuleType) -> Result<ModuleSource, JsErrorBox> {
        let path = path_of(url.as_str())
            .ok_or_else(|| JsErrorBox::from_err(ResolveError::scheme(url.scheme(), url.as_str())))?;
        let inner = &mut *self.inner.borrow_mut();
        let source =
            |kind, code: String| ModuleSource::new(kind, ModuleSourceCode::String(code.into()), url, None);
        if matches!(requested, RequestedModuleType::Text | RequestedModuleType::Bytes)
            && inner.trees().is_program(&path)
        {
            return Err(crate::ops::fs_error(Error::at("open", path, Errno::EACCES)));
        }
        if let Some(format) = data_format(&path, requested) {
            return Ok(match requested {
                RequestedModuleType::Other(name) => {
                    let asked = inner.data(&path, format)?.to_string();
                    source(ModuleType::Other(name.clone()), asked)
                }
                _ => source(ModuleType::JavaScript, inner.data_module(&path, format)?),
            });
        }
        match requested {
            RequestedModuleType::Json => Ok(source(ModuleType::Json, inner.text(url.as_str(), &path)?)),
            RequestedModuleType::Text => Ok(source(ModuleType::Text, inner.text(url.as_str(), &path)?)),
            RequestedModuleType::Bytes => {
                let bytes = inner.trees().bytes(&path).map_err(crate::ops::fs_error)?;
                let code = ModuleSourceCode::Bytes(bytes.into_boxed_slice().into());
                Ok(ModuleSource::new(ModuleType::Bytes, code, url, None))
            }
            _ if path.ends_with(".json") => {
                let text = inner.text(url.as_str(), &path)?;
                Ok(source(ModuleType::JavaScript, json_module(&text, &path)?))
            }
            _ => {
                let prepared = match inner.ready.remove(url.as_str()) {
                    Some(prepared) => prepared,
                    None => inner.prepare(url.as_str(), &path)?,
                };
                inner.remember(url.as_str(), &prepared);
                let Form::CommonJs(names) = &prepared.form else {
                    return Ok(source(ModuleType::JavaScript, prepared.code));
                };
                inner.facades.insert(url.to_string());
                Ok(source(ModuleType::JavaScript, facade(&path, names)))
            }
        }
    }
}

impl Inner {
    fn trees(&self) -> &Trees {
        self.trees.as_ref().expect("modules are loaded in an isolate that was adopted")
    }

    fn text(&self, url: &str, path: &str) -> Result<String, JsErrorBox> {
        match self.sources.get(url) {
            Some((code, _)) => Ok(code.clone()),
            None => self.trees().text(path).map_err(crate::ops::fs_error),
        }
    }

    /// What reads the rows of a file: a built-in module, the path, options. It is read where the program reads
    /// files, so that errors are told as there and nothing is held twice; the folder of the program is not there.
    fn data(&self, path: &str, format: DataFormat) -> Result<serde_json::Value, JsErrorBox> {
        if self.trees().is_program(path) {
            return Err(crate::ops::fs_error(Error::at("open", path, Errno::EACCES)));
        }
        let options = match format {
            DataFormat::Tsv => serde_json::json!({ "delimiter": "\t" }),
            DataFormat::Csv | DataFormat::Ndjson => serde_json::json!({}),
        };
        Ok(serde_json::json!({ "module": format.module(), "path": path, "options": options }))
    }

    /// An ES module that is the rows of a file.
    fn data_module(&self, path: &str, format: DataFormat) -> Result<String, JsErrorBox> {
        let data = self.data(path, format)?;
        let (module, path, options) = (format.module(), &data["path"], &data["options"]);
        Ok(format!("import {{ read }} from \"cowry:{module}\"; export default read({path}, {options});"))
    }

    /// A CommonJS module that is the rows of a file.
    fn data_call(&self, path: &str, format: DataFormat) -> Result<String, JsErrorBox> {
        let data = self.data(path, format)?;
        let (module, path, options) = (&data["module"], &data["path"], &data["options"]);
        Ok(format!("module.exports = require(\"cowry:\" + {module}).read({path}, {options});"))
    }

    fn prepare(&mut self, url: &str, path: &str) -> Result<Prepared, JsErrorBox> {
        let text = self.text(url, path)?;
        let goal = match self.sources.get(url) {
            Some((_, goal)) => *goal,
            None => self.goal(path)?,
        };
        let prepared = prepare(&text, url, Language::of(path), goal);
        prepared.map_err(|fault| {
            let error = ResolveError::syntax(path, &fault);
            self.fault = Some(error.clone());
            JsErrorBox::from_err(error)
        })
    }

    /// How a file is to be read.
    fn goal(&mut self, path: &str) -> Result<Goal, JsErrorBox> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        match extension {
            Some("mjs" | "mts") => Ok(Goal::Module),
            Some("cjs" | "cts") => Ok(Goal::CommonJs),
            Some("js" | "ts" | "jsx" | "tsx") | None => {
                let trees = self.trees.as_ref().expect("modules are loaded in an isolate that was adopted");
                Ok(match self.resolver.says_module(trees, path) {
                    Some(true) => Goal::Module,
                    _ => Goal::Detect,
                })
            }
            Some(other) => {
                let message = format!("Unknown file extension \".{other}\" for {path}");
                let error = ResolveError::new("TypeError", "ERR_UNKNOWN_FILE_EXTENSION", message);
                Err(JsErrorBox::from_err(error))
            }
        }
    }

    fn remember(&mut self, url: &str, prepared: &Prepared) {
        self.forms.insert(url.to_owned(), prepared.form.clone());
        if let Some(map) = &prepared.map {
            self.maps.insert(url.to_owned(), map.clone());
        }
    }
}

impl ModuleLoader for Loader {
    fn resolve(&self, specifier: &str, referrer: &str, _: ResolutionKind) -> ModuleResolveResponse {
        let is_facade = self.inner.borrow().facades.contains(referrer);
        if specifier == COMMON_JS && is_facade {
            return Url::parse(COMMON_JS).map_err(JsErrorBox::from_err);
        }
        let (bare, query) = match specifier.find(['?']) {
            Some(at) if specifier.starts_with(['.', '/']) || specifier.starts_with("file:") => {
                specifier.split_at(at)
            }
            _ => (specifier, ""),
        };
        let found = self.find(bare, referrer, Manner::Import).map_err(|error| {
            self.inner.borrow_mut().fault = Some(error.clone());
            JsErrorBox::from_err(error)
        });
        let url = match found? {
            Target::Builtin(name) => name.to_owned(),
            Target::File(path) => url_of(&path) + query,
        };
        Url::parse(&url).map_err(JsErrorBox::from_err)
    }

    fn load(
        &self,
        specifier: &ModuleSpecifier,
        _: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(self.load_now(specifier, &options.requested_module_type))
    }

    fn get_source_map(&self, file: &str) -> Option<Cow<'_, [u8]>> {
        self.inner.borrow().maps.get(file).map(|map| Cow::Owned(map.clone().into_bytes()))
    }
}

/// What rows a module is made of, if it is: by the type that was asked for, or else by its name.
fn data_format(path: &str, requested: &RequestedModuleType) -> Option<DataFormat> {
    match requested {
        RequestedModuleType::Other(name) => DataFormat::named(name),
        RequestedModuleType::None => DataFormat::named(path.rsplit('/').next()?.rsplit_once('.')?.1),
        _ => None,
    }
}

/// A kind of data that can be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum DataFormat {
    Csv,
    Tsv,
    Ndjson,
}

impl DataFormat {
    /// What an extension or the type of an import says.
    fn named(name: &str) -> Option<DataFormat> {
        Some(match name {
            "csv" => DataFormat::Csv,
            "tsv" => DataFormat::Tsv,
            "ndjson" | "jsonl" => DataFormat::Ndjson,
            _ => return None,
        })
    }

    /// The built-in module that reads it.
    fn module(self) -> &'static str {
        if self == DataFormat::Ndjson { "ndjson" } else { "csv" }
    }
}

/// The URL of a path.
pub(crate) fn url_of(path: &str) -> String {
    match Url::from_file_path(path) {
        Ok(url) => url.into(),
        Err(()) => format!("file://{path}"),
    }
}

/// The path of a file URL, without its query.
pub(crate) fn path_of(url: &str) -> Option<String> {
    if !url.starts_with("file:") {
        return None;
    }
    let path = Url::parse(url).ok()?.to_file_path().ok()?;
    path.into_os_string().into_string().ok()
}

/// An ES module that is a JSON file.
fn json_module(text: &str, path: &str) -> Result<String, JsErrorBox> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return Err(JsErrorBox::new("SyntaxError", format!("{path} is not valid JSON: {error}")));
    }
    // Parsed by the engine's JSON parser, since `__proto__` means something else in a literal.
    let literal = serde_json::to_string(text).expect("text is JSON");
    Ok(format!("export default JSON.parse({literal});"))
}

/// An ES module that stands for a CommonJS one: it runs it, and exports what it seems to export.
fn facade(path: &str, names: &[String]) -> String {
    let path = serde_json::to_string(path).expect("text is JSON");
    let mut code =
        format!("import {{ load }} from \"{COMMON_JS}\"; const m = load({path}); export default m;");
    let is_identifier = |name: &&String| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '$')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
            && *name != "default"
    };
    for (index, name) in names.iter().filter(is_identifier).enumerate() {
        code.push_str(&format!("const e{index} = m?.{name}; export {{ e{index} as {name} }};"));
    }
    code
}

/// What is between Markdown fences, if that is all there is.
fn unfenced(code: &str) -> &str {
    let inner = || {
        let rest = code.trim().strip_prefix("```")?.strip_suffix("```")?;
        let (language, body) = rest.split_once('\n')?;
        (!language.contains(['`', ';', '('])).then_some(body)
    };
    inner().unwrap_or(code)
}
