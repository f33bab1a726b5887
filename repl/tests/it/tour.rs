//! The documents do what they say: every `$` line of their `console` blocks is run, in one fresh directory,
//! and must print what stands below it. Blocks marked `console,ignore` are for reading only.

use std::path::Path;

use crate::console::{Place, Step, matches, steps};

/// The `console` blocks of a Markdown text, each with the number of its first line.
fn blocks(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let body: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line.get(indent..).unwrap_or_default())
            .take_while(|line| !line.starts_with("```"))
            .collect();
        if kind.trim() == "console" {
            found.push((number + 1, body.join("\n")));
        }
    }
    found
}

/// Runs a document's blocks in one fresh place; what `export` sets there holds to its end, as in one shell.
fn walk_through(document: &str) {
    walk_through_in(document, &Place::merged());
}

fn walk_through_in(document: &str, place: &Place) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the repository");
    let text = std::fs::read_to_string(root.join(document)).expect("the document is there");
    // A reader has the repository's examples at hand.
    std::os::unix::fs::symlink(root.join("examples"), place.path().join("examples")).expect("linked");
    let blocks = blocks(&text);
    assert!(!blocks.is_empty(), "{document} has no ```console block");
    let mut exported = String::new();
    let mut wrong = String::new();
    for (number, block) in blocks {
        for Step { line, expected } in steps(&block) {
            if line.starts_with("export ") {
                exported += &format!("{line}\n");
            }
            let printed = place.run(&format!("{exported}{line}"));
            if !matches(&expected, &printed) {
                wrong += &format!("\n{document}, block after line {number}\n$ {line}\n");
                wrong += &format!("--- expected\n{expected}--- actual\n{printed}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_tour_of_the_readme_prints_what_it_says() {
    walk_through("README.md");
}

#[test]
fn the_weather_example_goes_as_its_readme_says() {
    walk_through("examples/weather/README.md");
}

#[test]
fn history_goes_as_its_page_says() {
    walk_through("docs/history.md");
}

#[test]
fn data_goes_as_its_page_says() {
    walk_through("docs/data.md");
}

#[test]
fn state_goes_as_its_page_says() {
    walk_through("docs/state.md");
}

#[test]
fn sql_goes_as_its_page_says() {
    walk_through("docs/sql.md");
}

#[test]
fn merging_goes_as_its_page_says() {
    walk_through("docs/merge.md");
}

#[test]
fn the_repl_goes_as_its_page_says() {
    walk_through("docs/repl.md");
}

/// With the server that the page begins with.
#[test]
fn object_storage_goes_as_its_page_says() {
    let place = Place::merged();
    std::fs::create_dir_all(place.path().join("buckets/shells")).expect("made");
    let server = cowry_s3_server::Server::serve(&place.path().join("buckets"), 0).expect("it listens");
    walk_through_in("docs/object-storage.md", &place.having(server.environment()));
}

#[test]
fn blocks_to_be_read_only_are_left_alone() {
    let markdown = "a\n```console\n$ x\ny\n```\n```console,ignore\n$ z\n```\n```sh\n$ w\n```\n";
    assert_eq!(blocks(markdown), [(2, "$ x\ny".to_owned())]);
}
