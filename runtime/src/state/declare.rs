//! What is made of the table for readers: TypeScript declarations, a prompt for a model, the list in the docs.

use std::fmt::Write as _;

use super::{METHODS, Method};

/// The types that the table names.
const TYPES: &str = r#"type EntryType = "file" | "directory" | "symlink";
interface Stat { type: EntryType; size: number; mtime: Date; mode?: number }
interface FindOptions {
  name?: string; pathPattern?: string; // globs: * ** ?
  type?: EntryType | EntryType[];
  minDepth?: number; maxDepth?: number;
  empty?: boolean;
  sizeMin?: number; sizeMax?: number; // inclusive
  mtimeAfter?: string | Date; mtimeBefore?: string | Date; // exclusive
}
interface Found { path: string; name: string; type: EntryType; depth: number; size: number; mtime: Date }
interface Tree { path: string; name: string; type: EntryType; size: number; children?: Tree[] }
interface SearchOptions {
  caseSensitive?: boolean; // true
  regex?: boolean; // false: plain text
  wholeWord?: boolean;
  contextBefore?: number; contextAfter?: number;
  maxMatches?: number; // in each file
}
interface Match {
  line: number; column: number; // from 1
  match: string; lineText: string;
  beforeLines?: string[]; afterLines?: string[];
}
interface BatchOptions { dryRun?: boolean; rollbackOnError?: boolean /* true */ }
interface ArchiveEntry { path: string; type: EntryType | "fifo"; size: number }
type JsonOp = { op: "set"; path: string; value: unknown } | { op: "delete"; path: string };
type EditInstruction =
  | { kind: "write"; path: string; content: string }
  | { kind: "replace"; path: string; search: string; replacement: string; options?: SearchOptions }
  | { kind: "writeJson"; path: string; value: unknown; options?: { spaces?: number } };
interface EditPlan {
  edits: { instruction: EditInstruction; path: string; changed: boolean; content: string; diff: string; base?: string }[];
  totalChanged: number; totalInstructions: number;
}
interface EditResult {
  dryRun: boolean; edits: { path: string; changed: boolean; content: string; diff: string }[]; totalChanged: number;
}
"#;

const PROMPT: &str = r#"You work on files by writing JavaScript that calls the global object `state`. Every method is asynchronous: await it.

- Pass one object with named arguments: await state.readFile({ path: "/a.txt" }).
- Paths are absolute; the tree is yours alone until the program ends. Nothing outside of it can be reached.
- Prefer one call for many files over a loop: glob, find, searchFiles, replaceInFiles, planEdits + applyEditPlan.
- To change code, plan first: const plan = await state.planEdits({ instructions }); look at plan.edits[i].diff; then
  await state.applyEditPlan({ plan }). All edits are made or none; it refuses if a file changed since.
- For JSON use queryJson and updateJson with paths such as .users[0].name, .a["odd key"] and .list[-1].
- Errors have a code: ENOENT (missing), EEXIST, EISDIR, ENOTDIR, ENOTEMPTY. stat and lstat answer null for what is missing.
- Return what the user asked for, not whole files.

"#;

/// The keys of the options that a parameter of this type takes.
pub(crate) fn keys(ty: &str) -> impl Iterator<Item = &str> {
    ty.split(" & ").flat_map(|part| {
        let body = if part.starts_with('{') { part } else { interface(part) };
        let name = |(at, _): (usize, &str)| body[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
        body.match_indices("?:").filter_map(name).collect::<Vec<_>>()
    })
}

/// What is between the braces of a declared type.
fn interface(name: &str) -> &'static str {
    let rest = TYPES.split_once(&format!("interface {name} {{")).map_or("", |(_, rest)| rest);
    rest.split_once('}').map_or(rest, |(body, _)| body)
}

/// The declarations of `state`, for an editor or a model.
pub fn declarations() -> String {
    let mut out = String::from(TYPES);
    out.push_str("// Each takes one object, as declared, or its values in order.\ndeclare const state: {\n");
    for method in METHODS {
        let (name, result) = (method.name, method.result);
        let _ = writeln!(out, "  {name}({}): Promise<{result}>; // {}", object(method), method.doc);
    }
    out.push_str("};\n");
    out
}

/// The one argument of the named form.
fn object(method: &Method) -> String {
    let fields: Vec<String> = method.params.iter().map(|p| field(p.name, p.optional, p.ty)).collect();
    if fields.is_empty() { String::new() } else { format!("args: {{ {} }}", fields.join("; ")) }
}

fn field(name: &str, optional: bool, ty: &str) -> String {
    format!("{name}{}: {ty}", if optional { "?" } else { "" })
}

/// A short system prompt that teaches a model to use `state`, with the declarations.
pub fn prompt() -> String {
    format!("{PROMPT}```ts\n{}```\n", declarations())
}

/// The list of operations in `docs/state.md`.
pub fn method_list() -> String {
    let mut out = String::from("| | operation | answers with | |\n|---|---|---|---|\n");
    for method in METHODS {
        let params: Vec<String> = method.params.iter().map(|p| field(p.name, p.optional, p.ty)).collect();
        let cell = |text: &str| text.replace('|', "\\|");
        let effect = format!("{:?}", method.effect);
        let _ = writeln!(
            out,
            "| {} | `{}({})` | `{}` | {} |",
            effect.chars().next().unwrap_or_default(),
            method.name,
            cell(&params.join(", ")),
            cell(method.result),
            cell(method.doc)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A model's tokenizer makes fewer tokens of code than a third of its characters.
    #[test]
    fn the_declarations_are_under_three_thousand_tokens() {
        let characters = declarations().chars().count();
        assert!(characters / 3 < 3000, "{characters} characters");
    }

    /// Those of the data verbs and of SQL follow them in `cowry types` and are no part of `state`: they have a bound of their own.
    #[test]
    fn the_declarations_of_data_are_under_a_thousand_tokens() {
        let characters = crate::DATA_TYPES.chars().count();
        assert!(characters / 3 < 1000, "{characters} characters");
    }

    #[test]
    fn there_are_46_operations_with_names_of_their_own() {
        assert_eq!(METHODS.len(), 46);
        assert_eq!(METHODS.iter().map(|method| method.name).collect::<BTreeSet<_>>().len(), 46);
    }

    #[test]
    fn every_type_the_table_names_is_declared_and_every_declared_one_is_used() {
        let of_table: String = METHODS
            .iter()
            .flat_map(|m| m.params.iter().map(|p| p.ty).chain([m.result]))
            .fold(String::new(), |all, ty| all + " " + ty);
        let declared: BTreeSet<&str> = TYPES
            .lines()
            .filter_map(|line| line.strip_prefix("interface ").or_else(|| line.strip_prefix("type ")))
            .filter_map(|line| line.split([' ', '{']).next())
            .collect();
        let known = ["Uint8Array", "Date"];
        let words = |text: &str| -> BTreeSet<String> {
            text.split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()) && !known.contains(word))
                .map(str::to_owned)
                .collect()
        };
        for word in words(&of_table) {
            assert!(declared.contains(word.as_str()), "{word} is not declared");
        }
        let used = of_table + TYPES;
        for name in declared {
            assert!(used.matches(name).count() > 1, "{name} is not used");
        }
    }

    /// With `COWRY_UPDATE_DOCS=1` it writes the table instead.
    #[test]
    fn the_page_about_state_has_the_table() {
        const BEGIN: &str = "<!-- operations: made from the table in runtime/src/state/table.rs -->\n";
        const END: &str = "<!-- end -->\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/state.md");
        let page = std::fs::read_to_string(path).expect("docs/state.md");
        let (before, rest) = page.split_once(BEGIN).expect("the page has the mark");
        let (list, after) = rest.split_once(END).expect("and its end");
        if std::env::var_os("COWRY_UPDATE_DOCS").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", method_list())).expect("written");
        } else {
            assert_eq!(list, method_list(), "COWRY_UPDATE_DOCS=1 cargo test writes the new one");
        }
    }

    #[test]
    fn options_have_their_keys() {
        let of = |ty| keys(ty).collect::<Vec<_>>().join(" ");
        assert_eq!(of("{ recursive?: boolean; force?: boolean }"), "recursive force");
        let search = "caseSensitive regex wholeWord contextBefore contextAfter maxMatches";
        assert_eq!(of("SearchOptions & BatchOptions"), format!("{search} dryRun rollbackOnError"));
        let find = "name pathPattern type minDepth maxDepth empty sizeMin sizeMax mtimeAfter mtimeBefore";
        assert_eq!(of("FindOptions"), find);
        let options = METHODS.iter().flat_map(|m| m.params).filter(|param| param.name == "options");
        assert!(options.clone().count() > 10);
        options.for_each(|param| assert_ne!(of(param.ty), "", "{}", param.ty));
    }

    #[test]
    fn what_is_optional_comes_last() {
        for method in METHODS {
            let first = method.params.iter().position(|p| p.optional).unwrap_or(method.params.len());
            assert!(method.params[first..].iter().all(|p| p.optional), "{}", method.name);
        }
    }
}
