//! The table of operations.

use super::{Args, State, StateError, StateResult, calls, change, json, look, tree};

/// Whether an operation changes files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It looks.
    Read,
    /// It may change something.
    Write,
}

/// How an operation is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// By this function.
    Native(fn(&State<'_>, &Args) -> StateResult),
    /// By `state.js`, over an operation of its own: its arguments or its answer are bytes, or values that only
    /// JavaScript has, or it is called so often that JSON would cost too much.
    Script,
}

/// A positional parameter; calls with one object name it.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type in TypeScript.
    pub ty: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Its name: `state.NAME`.
    pub name: &'static str,
    /// Its parameters in order.
    pub params: &'static [Param],
    /// The type of its answer in TypeScript.
    pub result: &'static str,
    /// Whether it changes files.
    pub effect: Effect,
    /// What it does, in one line.
    pub doc: &'static str,
    pub(crate) run: Run,
}

impl Method {
    /// A call as errors show it: `state.mkdir({ path, options? })`.
    pub fn form(&self) -> String {
        let names: Vec<String> =
            self.params.iter().map(|p| format!("{}{}", p.name, if p.optional { "?" } else { "" })).collect();
        match names.is_empty() {
            true => format!("state.{}()", self.name),
            false => format!("state.{}({{ {} }})", self.name, names.join(", ")),
        }
    }

    pub(crate) fn misuse(&self) -> StateError {
        StateError::usage(format!("state.{} takes a single object argument: {}", self.name, self.form()))
    }

    pub(crate) fn missing(&self, param: &Param) -> StateError {
        StateError::usage(format!(
            "state.{}: missing required parameter \"{}\" — expected {}",
            self.name,
            param.name,
            self.form()
        ))
    }
}

/// A row of the table.
macro_rules! methods {
    ($($effect:ident $name:ident($($param:ident $(? $opt:tt)?: $ty:literal),*) -> $result:literal = $run:expr, $doc:literal;)*) => {
        /// Every operation there is.
        pub const METHODS: &[Method] = &[$(Method {
            name: stringify!($name),
            params: &[$(Param {
                name: stringify!($param),
                ty: $ty,
                optional: methods!(@opt $($opt)?),
            }),*],
            result: $result,
            effect: Effect::$effect,
            doc: $doc,
            run: $run,
        }),*];
    };
    (@opt) => { false };
    (@opt $opt:tt) => { true };
}

const SCRIPT: Run = Run::Script;

// An optional parameter is written `name ? o: "type"`.
methods! {
    Read getCapabilities() -> "{ chmod: boolean; utimes: boolean; hardLinks: boolean }" = Run::Native(look::get_capabilities),
        "What the tree can keep.";
    Read readFile(path: "string") -> "string" = SCRIPT,
        "The text of a file (UTF-8).";
    Read readFileBytes(path: "string") -> "Uint8Array" = SCRIPT,
        "The bytes of a file.";
    Write writeFile(path: "string", content: "string") -> "void" = SCRIPT,
        "Makes or replaces a file; missing directories are made.";
    Write writeFileBytes(path: "string", content: "Uint8Array") -> "void" = SCRIPT,
        "The same with bytes.";
    Write appendFile(path: "string", content: "string | Uint8Array") -> "void" = SCRIPT,
        "Adds to the end of a file, which is made if it is missing.";
    Read readJson(path: "string") -> "unknown" = Run::Native(json::read_json),
        "A JSON file as a value.";
    Write writeJson(path: "string", value: "unknown", options ? o: "{ spaces?: number }") -> "void" = SCRIPT,
        "Writes a value as JSON; spaces: 2.";
    Read queryJson(path: "string", query: "string") -> "unknown" = Run::Native(json::query_json),
        "The value at a path in a JSON file: .users[0].name, .a[\"odd key\"], .list[-1]; undefined if nothing is there.";
    Write updateJson(path: "string", operations: "JsonOp[]")
        -> "{ value: unknown; content: string; diff: string; operationsApplied: number }" = Run::Native(json::update_json),
        "Sets and deletes values in a JSON file.";
    Read exists(path: "string") -> "boolean" = Run::Native(look::exists),
        "Whether the path leads to anything.";
    Read stat(path: "string") -> "Stat | null" = Run::Native(look::stat),
        "What the path leads to; null if nothing.";
    Read lstat(path: "string") -> "Stat | null" = Run::Native(look::lstat),
        "The same without following a link.";
    Write mkdir(path: "string", options ? o: "{ recursive?: boolean }") -> "void" = Run::Native(change::mkdir),
        "Makes a directory.";
    Read readdir(path: "string") -> "string[]" = Run::Native(look::readdir),
        "The names in a directory, sorted.";
    Read readdirWithFileTypes(path: "string") -> "{ name: string; type: EntryType }[]" = Run::Native(look::readdir_with_file_types),
        "Names and types in a directory, sorted.";
    Read find(path: "string", options ? o: "FindOptions") -> "Found[]" = Run::Native(tree::find),
        "Everything below a path that fits, itself included.";
    Read walkTree(path: "string", options ? o: "{ maxDepth?: number }") -> "Tree" = Run::Native(tree::walk_tree),
        "A directory as a tree.";
    Read summarizeTree(path: "string", options ? o: "{ maxDepth?: number }")
        -> "{ files: number; directories: number; symlinks: number; totalBytes: number; maxDepth: number }" = Run::Native(tree::summarize_tree),
        "How much there is below a path.";
    Read searchText(path: "string", query: "string", options ? o: "SearchOptions") -> "Match[]" = Run::Native(calls::search_text),
        "Lines of a file that match.";
    Read searchFiles(pattern: "string", query: "string", options ? o: "SearchOptions")
        -> "{ path: string; matches: Match[] }[]" = Run::Native(calls::search_files),
        "The same in all files that a glob names.";
    Write replaceInFile(path: "string", search: "string", replacement: "string", options ? o: "SearchOptions")
        -> "{ replaced: number; content: string }" = Run::Native(calls::replace_in_file),
        "Replaces every match; the replacement is literal.";
    Write replaceInFiles(pattern: "string", search: "string", replacement: "string",
        options ? o: "SearchOptions & BatchOptions")
        -> "{ dryRun: boolean; files: { path: string; replaced: number; content: string; diff: string }[]; totalFiles: number; totalReplacements: number }" = Run::Native(calls::replace_in_files),
        "The same in all files that a glob names: in all of them or in none.";
    Write rm(path: "string", options ? o: "{ recursive?: boolean; force?: boolean }") -> "void" = Run::Native(change::rm),
        "Removes a file, a link or a directory.";
    Write cp(src: "string", dest: "string", options ? o: "{ recursive?: boolean }") -> "void" = Run::Native(change::cp),
        "Copies.";
    Write mv(src: "string", dest: "string", options ? o: "{ recursive?: boolean }") -> "void" = Run::Native(change::mv),
        "Moves; a directory needs recursive.";
    Write symlink(target: "string", linkPath: "string") -> "void" = Run::Native(change::symlink),
        "Makes a symbolic link.";
    Read readlink(path: "string") -> "string" = Run::Native(look::readlink),
        "The target of a link.";
    Read realpath(path: "string") -> "string" = Run::Native(look::realpath),
        "The path without links.";
    Read resolvePath(base: "string", path: "string") -> "string" = Run::Native(look::resolve_path),
        "A path against another, by its letters.";
    Read glob(pattern: "string") -> "string[]" = Run::Native(calls::glob),
        "Paths that match, sorted: * ? [a-z] {a,b} and ** for any depth.";
    Read diff(pathA: "string", pathB: "string") -> "string" = Run::Native(calls::diff),
        "A unified diff of two files; \"\" if they are equal, one line if they are not text.";
    Read diffContent(path: "string", newContent: "string") -> "string" = Run::Native(calls::diff_content),
        "A unified diff of a file and a text.";
    Write createArchive(path: "string", sources: "string[]")
        -> "{ path: string; entries: ArchiveEntry[]; bytesWritten: number }" = Run::Native(calls::create_archive),
        "Packs files and directories into a tar file.";
    Read listArchive(path: "string") -> "ArchiveEntry[]" = Run::Native(calls::list_archive),
        "What a tar file holds, sorted by path.";
    Write extractArchive(path: "string", destination: "string")
        -> "{ destination: string; entries: ArchiveEntry[] }" = Run::Native(calls::extract_archive),
        "Unpacks a tar file, never outside of destination.";
    Write compressFile(path: "string", destination ? o: "string")
        -> "{ path: string; destination: string; bytesWritten: number }" = Run::Native(calls::compress_file),
        "Gzip; destination: path + \".gz\".";
    Write decompressFile(path: "string", destination ? o: "string")
        -> "{ path: string; destination: string; bytesWritten: number }" = Run::Native(calls::decompress_file),
        "Gunzip; destination: path without \".gz\".";
    Read hashFile(path: "string", options ? o: "{ algorithm?: \"md5\" | \"sha1\" | \"sha256\" | \"sha512\" }")
        -> "string" = Run::Native(calls::hash_file),
        "A hash in hex; algorithm: sha256.";
    Read detectFile(path: "string")
        -> "{ mime: string; description: string; extension?: string; binary: boolean }" = Run::Native(calls::detect_file),
        "What kind of file it is.";
    Write removeTree(path: "string") -> "void" = Run::Native(change::remove_tree),
        "rm with recursive and force.";
    Write copyTree(src: "string", dest: "string") -> "void" = Run::Native(change::copy_tree),
        "cp with recursive.";
    Write moveTree(src: "string", dest: "string") -> "void" = Run::Native(change::move_tree),
        "mv with recursive.";
    Write planEdits(instructions: "EditInstruction[]") -> "EditPlan" = Run::Native(calls::plan_edits),
        "What edits would do, without doing it. Several edits of one file build on each other.";
    Write applyEditPlan(plan: "EditPlan", options ? o: "BatchOptions") -> "EditResult" = Run::Native(calls::apply_edit_plan),
        "Does what was planned; refuses if a file changed since.";
    Write applyEdits(edits: "{ path: string; content: string }[]", options ? o: "BatchOptions")
        -> "EditResult" = Run::Native(calls::apply_edits),
        "Writes files: all of them or none.";
}
