//! From source as written to code the engine runs: types stripped, entries and expressions reshaped.

use std::path::Path;

use deno_core::sourcemap::SourceMap;
use oxc_allocator::Allocator;
use oxc_ast::ast::{Expression, Program, Statement};
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan, SourceType};
use oxc_transformer::{TransformOptions, Transformer};

use super::edit::{self, Position};
use super::facts::Facts;
use super::reshape::{enter, wrap};

/// Sources past this are refused: what is parsed here is the program's, and parsing has no clock of its own.
const MAX_SOURCE_BYTES: usize = 32 << 20;

/// Brackets nested deeper than this are refused: what is parsed here is parsed by recursion. What is in strings and
/// comments counts, too.
const MAX_DEPTH: u32 = 400;

/// How a source is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    /// An ES module.
    Module,
    /// A CommonJS module.
    CommonJs,
    /// Whichever of the two its syntax says.
    Detect,
    /// As `-e`: the value of the last expression is the result.
    Expression,
    /// A REPL entry: declarations are for the entries to come.
    Entry,
}

/// What language a source is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    JavaScript,
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// JavaScript with JSX.
    Jsx,
    /// JavaScript unless only TypeScript makes sense of it.
    Either,
}

impl Language {
    /// What the extension of a file says.
    pub(crate) fn of(path: &str) -> Language {
        match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("ts" | "mts" | "cts") => Language::TypeScript,
            Some("tsx") => Language::Tsx,
            Some("jsx") => Language::Jsx,
            Some("js" | "mjs" | "cjs") => Language::JavaScript,
            _ => Language::Either,
        }
    }
}

/// What the code turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// An ES module; its default export is the program's answer.
    Module,
    /// An ES module whose default export is the value of a top-level `return`.
    Returning,
    /// An ES module whose default export is the value of its last expression.
    Expression,
    /// The body of a CommonJS wrapper, which seems to export these names.
    CommonJs(Vec<String>),
    /// A script for the global scope that declares these names. With `awaits` it is the body of an async function
    /// expression; else its completion value is the entry's.
    Entry { declares: Vec<String>, awaits: bool },
}

/// Code ready to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Prepared {
    pub(crate) code: String,
    pub(crate) form: Form,
    /// A source map, if the code is not the source.
    pub(crate) map: Option<String>,
}

/// Why a source cannot be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SyntaxFault {
    pub(crate) message: String,
    /// Line and column, from 1.
    pub(crate) at: Option<(u32, u32)>,
    /// The line itself.
    pub(crate) line: String,
}

/// Prepares `source`, which stack traces call `file`.
pub(crate) fn prepare(
    source: &str,
    file: &str,
    language: Language,
    goal: Goal,
) -> Result<Prepared, SyntaxFault> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("the source has {} bytes; {MAX_SOURCE_BYTES} is the limit", source.len());
        return Err(SyntaxFault { message, at: None, line: String::new() });
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if let Some(at) = too_deep(source) {
        return Err(fault(source, format!("nested more than {MAX_DEPTH} deep"), Some(at)));
    }
    if language != Language::Either {
        return prepare_as(source, file, language, goal);
    }
    prepare_as(source, file, Language::JavaScript, goal).or_else(|fault| {
        // If both readings fail the plain one's complaint is the one to show.
        prepare_as(source, file, Language::TypeScript, goal).map_err(|_| fault)
    })
}

/// Where brackets are nested too deep.
fn too_deep(source: &str) -> Option<usize> {
    let mut depth = 0u32;
    source.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

fn prepare_as(source: &str, file: &str, language: Language, goal: Goal) -> Result<Prepared, SyntaxFault> {
    let wrapped;
    let source = match goal {
        Goal::Entry if is_object_literal(source, language) => {
            wrapped = format!("({source})");
            &wrapped
        }
        _ => source,
    };
    let allocator = Allocator::default();
    let (parsed, is_module) = parse_for(&allocator, source, language, goal)?;
    let facts = Facts::of(&parsed.program);
    let strips = language != Language::JavaScript;
    if !strips {
        return shape(source, source, file, goal, is_module, &facts, &parsed.program, None);
    }
    let mut program = parsed.program;
    let (code, map) = strip(&allocator, &mut program, source, file, goal)?;
    let map_read = SourceMap::from_slice(map.as_bytes()).ok();
    if is_plain(goal, &facts, is_module) {
        let form = if is_module { Form::Module } else { Form::CommonJs(facts.exports) };
        return Ok(Prepared { code, form, map: Some(map) });
    }
    let again = Allocator::default();
    let (parsed, _) = parse_for(&again, &code, Language::JavaScript, goal)?;
    shape(&code, source, file, goal, is_module, &facts, &parsed.program, map_read.as_ref())
}

/// Whether nothing is to be reshaped.
fn is_plain(goal: Goal, facts: &Facts, is_module: bool) -> bool {
    match goal {
        Goal::Expression | Goal::Entry => false,
        _ => !is_module || !facts.top_level_return,
    }
}

#[allow(clippy::too_many_arguments)]
fn shape(
    code: &str,
    source: &str,
    file: &str,
    goal: Goal,
    is_module: bool,
    facts: &Facts,
    program: &Program<'_>,
    before: Option<&SourceMap>,
) -> Result<Prepared, SyntaxFault> {
    let has_exports = program.body.iter().any(|s| s.as_module_declaration().is_some_and(|m| m.is_export()));
    let (edits, form) = match goal {
        Goal::Entry => enter(code, program, facts),
        // A whole module after `-e` is a module.
        Goal::Expression if !has_exports => (wrap(code, program, true), Form::Expression),
        _ if !is_module => return Ok(as_is(code, Form::CommonJs(facts.exports.clone()))),
        _ if !facts.top_level_return => return Ok(as_is(code, Form::Module)),
        _ if has_exports => {
            let at = program.body.iter().find(|s| matches!(s, Statement::ReturnStatement(_)));
            let message = "a top-level 'return' cannot stand beside 'export'".to_owned();
            return Err(fault(source, message, at.map(|s| s.span().start as usize)));
        }
        _ => (wrap(code, program, false), Form::Returning),
    };
    let edited = edit::apply(code, edits);
    let map = edited.source_map(code, file, before);
    Ok(Prepared { code: edited.code, form, map })
}

fn as_is(code: &str, form: Form) -> Prepared {
    Prepared { code: code.to_owned(), form, map: None }
}

/// Parses by goal; answers also whether it is an ES module.
fn parse_for<'a>(
    allocator: &'a Allocator,
    source: &'a str,
    language: Language,
    goal: Goal,
) -> Result<(ParserReturn<'a>, bool), SyntaxFault> {
    let base = match language {
        Language::TypeScript | Language::Either => SourceType::ts(),
        Language::Tsx => SourceType::tsx(),
        Language::Jsx => SourceType::jsx(),
        Language::JavaScript => SourceType::mjs(),
    };
    let parse = |kind: SourceType| {
        let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
        Parser::new(allocator, source, kind).with_options(options).parse()
    };
    if matches!(goal, Goal::CommonJs) {
        return check(source, parse(base.with_commonjs(true))).map(|parsed| (parsed, false));
    }
    let as_module = check(source, parse(base.with_module(true)));
    if goal != Goal::Detect {
        return as_module.map(|parsed| (parsed, true));
    }
    match as_module {
        Ok(parsed) => {
            let record = &parsed.module_record;
            let is_module = record.has_module_syntax || !record.import_metas.is_empty();
            let facts = Facts::of(&parsed.program);
            let is_module = is_module || facts.top_level_await || !facts.uses_common_js;
            Ok((parsed, is_module))
        }
        // What only sloppy mode allows can only be CommonJS.
        Err(fault) => check(source, parse(base.with_commonjs(true))).map(|p| (p, false)).map_err(|_| fault),
    }
}

fn check<'a>(source: &str, parsed: ParserReturn<'a>) -> Result<ParserReturn<'a>, SyntaxFault> {
    let Some(error) = parsed.diagnostics.errors().next() else { return Ok(parsed) };
    let at = error.labels.first().map(|label| label.offset() as usize);
    Err(fault(source, error.message.to_string(), at))
}

fn fault(source: &str, message: String, at: Option<usize>) -> SyntaxFault {
    let position = at.map(|offset| Position::of(source, offset));
    let line = position.and_then(|p| source.lines().nth(p.line as usize)).unwrap_or_default();
    SyntaxFault { message, at: position.map(|p| (p.line + 1, p.column + 1)), line: line.to_owned() }
}

/// Strips types and lowers what only TypeScript has; answers with the code and its source map.
fn strip<'a>(
    allocator: &'a Allocator,
    program: &mut Program<'a>,
    source: &str,
    file: &str,
    goal: Goal,
) -> Result<(String, String), SyntaxFault> {
    let scoping = SemanticBuilder::new().with_enum_eval(true).build(program).semantic.into_scoping();
    let mut options = TransformOptions::default();
    // What an entry imports is for later entries, so that nothing is unused.
    options.typescript.only_remove_type_imports = goal == Goal::Entry;
    options.decorator.legacy = true;
    let done = Transformer::new(allocator, Path::new(file), &options).build_with_scoping(scoping, program);
    if let Some(error) = done.diagnostics.errors().next() {
        let at = error.labels.first().map(|label| label.offset() as usize);
        return Err(fault(source, error.message.to_string(), at));
    }
    let options = CodegenOptions { source_map_path: Some(file.into()), ..CodegenOptions::default() };
    let generated = Codegen::new().with_options(options).build(program);
    let map = generated.map.map(|map| map.to_json_string()).unwrap_or_default();
    Ok((generated.code, map))
}

/// Whether an entry such as `{ a: 1 }` is meant as an object and not as a block, the way Node decides.
fn is_object_literal(source: &str, language: Language) -> bool {
    let trimmed = source.trim();
    if !trimmed.starts_with('{') || trimmed.ends_with(';') {
        return false;
    }
    let wrapped = format!("({trimmed})");
    let allocator = Allocator::default();
    let Ok((parsed, _)) = parse_for(&allocator, &wrapped, language, Goal::Entry) else { return false };
    matches!(parsed.program.body.first(), Some(Statement::ExpressionStatement(it))
        if matches!(it.expression.without_parentheses(), Expression::ObjectExpression(_)))
}
