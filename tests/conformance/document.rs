//! The semantics document, read as what it claims to be: paragraphs with the tests that prove them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cowry_vfs::conformance::{layer_groups, vfs_groups};
use libtest_mimic::{Failed, Trial};

const DOCUMENT: &str = "docs/semantics.md";
/// What begins the list of a paragraph's tests.
const TESTS: &str = "Tests: ";

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("semantics::every_paragraph_names_tests_that_exist", document),
        Trial::test("semantics::what_is_wrong_is_found", what_is_wrong_is_found),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> Result<(), Failed> {
    let text = std::fs::read_to_string(root().join(DOCUMENT))?;
    let found = problems(&text);
    if found.is_empty() { Ok(()) } else { Err(found.join("\n").into()) }
}

fn what_is_wrong_is_found() -> Result<(), Failed> {
    let text = "# Title\n\nNot a claim.\n\n## Kept\n\nA claim.\n\n**Fine.** Yes.\nTests: `write::backwards`,\n\
                `tests/conformance/document.rs::trials`, `tests/conformance/main.rs`\n\n\
                Wrong.\nTests: `write::never`, `tests/conformance/document.rs::none`, `no/such.rs::name`\n";
    let expected = [
        "\"A claim.\" names no test",
        "\"Wrong.\": there is no case `write::never`",
        "\"Wrong.\": tests/conformance/document.rs has no function `none`",
        "\"Wrong.\": there is no file no/such.rs",
    ];
    assert_eq!(problems(text), expected);
    Ok(())
}

/// What is wrong with a document: claims begin with its first section.
fn problems(text: &str) -> Vec<String> {
    let cases = cases();
    let claims = text.split("\n\n").skip_while(|block| !block.starts_with("## "));
    let claims = claims.map(str::trim).filter(|block| !block.is_empty() && !block.starts_with('#'));
    claims.flat_map(|claim| problems_of(claim, &cases)).collect()
}

fn problems_of(claim: &str, cases: &BTreeSet<String>) -> Vec<String> {
    let title = claim.lines().next().unwrap_or_default();
    let names: Vec<&str> = match claim.split_once(TESTS) {
        Some((_, tests)) => tests.split('`').skip(1).step_by(2).collect(),
        None => Vec::new(),
    };
    if names.is_empty() {
        return vec![format!("{title:?} names no test")];
    }
    let wrong = names.into_iter().filter_map(|name| missing(name, cases));
    wrong.map(|wrong| format!("{title:?}: {wrong}")).collect()
}

/// Why a name is not one of a test.
fn missing(name: &str, cases: &BTreeSet<String>) -> Option<String> {
    let (file, function) = match name.split_once("::") {
        Some((file, function)) if file.contains('/') => (file, Some(function)),
        None => (name, None),
        Some(_) => return (!cases.contains(name)).then(|| format!("there is no case `{name}`")),
    };
    let Ok(source) = std::fs::read_to_string(root().join(file)) else {
        return Some(format!("there is no file {file}"));
    };
    let function = function.filter(|function| !source.contains(&format!("fn {function}(")))?;
    Some(format!("{file} has no function `{function}`"))
}

/// Every case, as `group::case`.
fn cases() -> BTreeSet<String> {
    let layer = layer_groups()
        .iter()
        .flat_map(|group| group.cases.iter().map(move |case| format!("{}::{}", group.name, case.name)));
    let vfs = vfs_groups()
        .iter()
        .flat_map(|group| group.cases.iter().map(move |case| format!("{}::{}", group.name, case.name)));
    layer.chain(vfs).collect()
}
