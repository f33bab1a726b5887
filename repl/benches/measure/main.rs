//! Every figure that README and docs cite, in one command: `cargo bench`.
//!
//! Prints Markdown; `cargo bench --bench measure -- latency memory` measures those alone; `-- --write` measures all and
//! replaces the figures in BENCHMARKS.md. Nothing here asserts a time: the machine is shared, and a figure beside its
//! target says enough.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod command;
mod commit;
mod layers;
mod machine;
mod sandbox;
mod table;

const MARK: &str = "<!-- figures: replaced by `cargo bench -- --write` -->\n";

type Measure = fn() -> table::Table;

/// What can be measured alone, by name.
const TABLES: &[(&str, Measure)] = &[
    ("latency", sandbox::latency),
    ("memory", sandbox::memory),
    ("command", command::table),
    ("layers", layers::table),
    ("commit", commit::table),
    ("fork", commit::fork_table),
    ("csv", command::csv_table),
];

fn main() {
    cowry_shell_core::init();
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut text = machine::describe();
    for (name, measure) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            text.push_str(&measure().markdown());
            text.push('\n');
        }
    }
    println!("{text}");
    if wanted.is_empty() && std::env::args().any(|argument| argument == "--write") {
        write(&text);
    }
}

fn write(text: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../BENCHMARKS.md");
    let old = std::fs::read_to_string(path).expect("BENCHMARKS.md is there");
    let head = old.split(MARK).next().expect("split yields one part");
    std::fs::write(path, format!("{head}{MARK}{text}")).expect("BENCHMARKS.md can be written");
}
