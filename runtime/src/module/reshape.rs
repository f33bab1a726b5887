//! Reshaping a program so that its value can be had: `-e`, top-level `return`, REPL entries.

use oxc_ast::ast::{
    BindingPattern, Class, Declaration, Function, ImportAttribute, ImportDeclaration,
    ImportDeclarationSpecifier, ModuleExportName, Program, Statement, VariableDeclaration,
    VariableDeclarationKind,
};
use oxc_span::GetSpan;

use super::edit::Edit;
use super::facts::Facts;
use super::prepare::Form;

/// The name of the function a program is wrapped into. Stacks are shown without it, see `console.js`.
const PROGRAM: &str = "$program";

/// Moves everything but imports into an async function that is called at once; its value becomes the default
/// export. With `last`, the last expression is what it returns.
pub(super) fn wrap(code: &str, program: &Program<'_>, last: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut imports = String::new();
    for statement in &program.body {
        if let Statement::ImportDeclaration(import) = statement {
            imports.push_str(&code[import.span.start as usize..import.span.end as usize]);
            imports.push('\n');
            edits.push(Edit::replace(import.span.start, import.span.end, ""));
        }
    }
    let start = program.hashbang.as_ref().map_or(0, |hashbang| hashbang.span.end);
    // `this` in a module is undefined, and so it is in an arrow function there.
    edits.insert(0, Edit::insert(start, format!("\n{imports}const {PROGRAM} = async () => {{")));
    if last {
        edits.extend(return_last(program));
    }
    edits.push(Edit::insert(code.len() as u32, format!("\n}};export default await {PROGRAM}();")));
    edits
}

/// Edits that return the value of the last expression statement.
fn return_last(program: &Program<'_>) -> Vec<Edit> {
    let span = match program.body.last() {
        Some(Statement::ExpressionStatement(statement)) => statement.expression.span(),
        // A lone string reads as a directive.
        None => match program.directives.last() {
            Some(directive) => directive.expression.span,
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    vec![Edit::insert(span.start, "return ("), Edit::insert(span.end, "\n)")]
}

/// Reshapes a REPL entry so that what it declares lives on the global object. With a top-level await it becomes
/// an async function.
pub(super) fn enter(code: &str, program: &Program<'_>, facts: &Facts) -> (Vec<Edit>, Form) {
    let has_import = program.body.iter().any(|s| matches!(s, Statement::ImportDeclaration(_)));
    let awaits = facts.top_level_await || has_import;
    let mut declares = Vec::new();
    let mut edits = Vec::new();
    let mut hoisted = String::new();
    for statement in &program.body {
        enter_statement(statement, awaits, &mut declares, &mut edits, &mut hoisted);
    }
    if awaits {
        edits.insert(0, Edit::insert(0, format!("(async () => {{{hoisted}")));
        edits.extend(return_last(program));
        edits.push(Edit::insert(code.len() as u32, "\n})()"));
    }
    (edits, Form::Entry { declares, awaits })
}

fn enter_statement(
    statement: &Statement<'_>,
    awaits: bool,
    declares: &mut Vec<String>,
    edits: &mut Vec<Edit>,
    hoisted: &mut String,
) {
    match statement {
        Statement::VariableDeclaration(it) => enter_variables(it, declares, edits),
        Statement::ClassDeclaration(it) => enter_class(it, declares, edits),
        Statement::FunctionDeclaration(it) if awaits => enter_function(it, declares, hoisted),
        Statement::ImportDeclaration(it) => {
            let text = enter_import(it, declares);
            edits.push(Edit::replace(it.span.start, it.span.end, text));
        }
        // Exports mean nothing in a session; what they declare does.
        Statement::ExportDeclaration(it) => {
            edits.push(Edit::replace(it.span.start, it.declaration.span().start, ""));
            match &it.declaration {
                Declaration::VariableDeclaration(it) => enter_variables(it, declares, edits),
                Declaration::ClassDeclaration(it) => enter_class(it, declares, edits),
                Declaration::FunctionDeclaration(it) if awaits => enter_function(it, declares, hoisted),
                _ => {}
            }
        }
        Statement::ExportNamedDeclaration(_)
        | Statement::ExportFromDeclaration(_)
        | Statement::ExportAllDeclaration(_) => {
            let span = statement.span();
            edits.push(Edit::replace(span.start, span.end, ""));
        }
        Statement::ExportDefaultDeclaration(it) => {
            edits.push(Edit::replace(it.span.start, it.declaration.span().start, "void "));
        }
        _ => {}
    }
}

/// `class A {}` becomes `A = class A {};`.
fn enter_class(it: &Class<'_>, declares: &mut Vec<String>, edits: &mut Vec<Edit>) {
    let Some(id) = &it.id else { return };
    declares.push(id.name.to_string());
    edits.push(Edit::insert(it.span.start, format!("void ({} = ", id.name)));
    edits.push(Edit::insert(it.span.end, ");"));
}

/// A function stays where it is, inside the async function, and is made global at its start.
fn enter_function(it: &Function<'_>, declares: &mut Vec<String>, hoisted: &mut String) {
    let Some(id) = &it.id else { return };
    declares.push(id.name.to_string());
    hoisted.push_str(&format!("globalThis.{0} = {0};", id.name));
}

/// `const { a } = f(), b;` becomes `( { a } = f(), b = undefined);`: what is a pattern there is one here.
fn enter_variables(it: &VariableDeclaration<'_>, declares: &mut Vec<String>, edits: &mut Vec<Edit>) {
    let is_using = matches!(it.kind, VariableDeclarationKind::Using | VariableDeclarationKind::AwaitUsing);
    let Some(first) = it.declarations.first().filter(|_| !is_using) else { return };
    let last = it.declarations.last().unwrap_or(first);
    edits.push(Edit::replace(it.span.start, first.span.start, "void ("));
    for declarator in &it.declarations {
        names_in(&declarator.id, declares);
        if declarator.init.is_none() && it.kind != VariableDeclarationKind::Var {
            edits.push(Edit::insert(declarator.span.end, " = undefined"));
        }
    }
    edits.push(Edit::insert(last.span.end, ")"));
}

fn names_in(pattern: &BindingPattern<'_>, names: &mut Vec<String>) {
    match pattern {
        BindingPattern::BindingIdentifier(id) => names.push(id.name.to_string()),
        BindingPattern::AssignmentPattern(it) => names_in(&it.left, names),
        BindingPattern::ObjectPattern(it) => {
            it.properties.iter().for_each(|property| names_in(&property.value, names));
            it.rest.iter().for_each(|rest| names_in(&rest.argument, names));
        }
        BindingPattern::ArrayPattern(it) => {
            it.elements.iter().flatten().for_each(|element| names_in(element, names));
            it.rest.iter().for_each(|rest| names_in(&rest.argument, names));
        }
    }
}

/// `import a, { b as c } from "m"` becomes `({ default: a, b: c } = await import("m"))`.
fn enter_import(it: &ImportDeclaration<'_>, declares: &mut Vec<String>) -> String {
    let source = serde_json::to_string(it.source.value.as_str()).expect("text is JSON");
    let attributes = it.with_clause.as_ref().map_or(String::new(), |with| {
        let entry = |e: &ImportAttribute<'_>| {
            let value = serde_json::to_string(e.value.value.as_str()).expect("text is JSON");
            format!(
                "{}: {value}",
                serde_json::to_string(e.key.as_arena_str().as_str()).expect("text is JSON")
            )
        };
        format!(", {{ with: {{ {} }} }}", with.with_entries.iter().map(entry).collect::<Vec<_>>().join(", "))
    });
    let module = format!("await import({source}{attributes})");
    let mut picks = Vec::new();
    let mut text = String::new();
    for specifier in it.specifiers.iter().flatten() {
        let local = specifier.local().name.to_string();
        match specifier {
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => picks.push(format!("default: {local}")),
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {
                text.push_str(&format!("{local} = {module};"));
            }
            ImportDeclarationSpecifier::ImportSpecifier(it) => {
                let name = match &it.imported {
                    ModuleExportName::IdentifierName(name) => name.name.to_string(),
                    ModuleExportName::IdentifierReference(name) => name.name.to_string(),
                    ModuleExportName::StringLiteral(name) => {
                        serde_json::to_string(name.value.as_str()).expect("text is JSON")
                    }
                };
                picks.push(format!("{name}: {local}"));
            }
        }
        declares.push(local);
    }
    if !picks.is_empty() {
        text.push_str(&format!("({{ {} }} = {module});", picks.join(", ")));
    } else if text.is_empty() {
        text = format!("{module};");
    }
    text
}
