//! The tour in README.md does what it says: every `$` line of its `console` blocks is run, in one fresh
//! directory, and must print what stands below it. Blocks marked `console,ignore` are for reading only.

use std::path::Path;

use crate::console::{Place, matches, steps};

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

#[test]
fn the_tour_of_the_readme_prints_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the repository");
    let Ok(readme) = std::fs::read_to_string(root.join("README.md")) else {
        panic!("README.md is missing");
    };
    let place = Place::merged();
    // The tour may use the repository's examples, which a reader has at hand.
    std::os::unix::fs::symlink(root.join("examples"), place.path().join("examples")).expect("linked");
    let mut wrong = String::new();
    let blocks = blocks(&readme);
    assert!(!blocks.is_empty(), "README.md has no ```console block");
    for (number, block) in blocks {
        for step in steps(&block) {
            let printed = place.run(&step.line);
            if !matches(&step.expected, &printed) {
                let (line, expected) = (&step.line, &step.expected);
                wrong += &format!(
                    "\nREADME.md, block after line {number}\n$ {line}\n--- expected\n{expected}--- actual\n{printed}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn blocks_to_be_read_only_are_left_alone() {
    let markdown = "a\n```console\n$ x\ny\n```\n```console,ignore\n$ z\n```\n```sh\n$ w\n```\n";
    assert_eq!(blocks(markdown), [(2, "$ x\ny".to_owned())]);
}
