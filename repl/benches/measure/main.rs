//! Every figure that README and docs cite, in one command: `cargo bench`.
//!
//! Prints Markdown; `cargo bench -- --write` also replaces the figures in BENCHMARKS.md. Nothing here asserts a
//! time: the machine is shared, and a figure beside its target says enough.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod command;
mod commit;
mod layers;
mod machine;
mod sandbox;
mod table;

const MARK: &str = "<!-- figures: replaced by `cargo bench -- --write` -->\n";

fn main() {
    cowry_shell_core::init();
    let tables = [
        sandbox::latency(),
        sandbox::memory(),
        command::table(),
        layers::table(),
        commit::table(),
        commit::fork_table(),
        command::csv_table(),
    ];
    let mut text = machine::describe();
    for table in tables {
        text.push_str(&table.markdown());
        text.push('\n');
    }
    println!("{text}");
    if std::env::args().any(|argument| argument == "--write") {
        write(&text);
    }
}

fn write(text: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../BENCHMARKS.md");
    let old = std::fs::read_to_string(path).expect("BENCHMARKS.md is there");
    let head = old.split(MARK).next().expect("split yields one part");
    std::fs::write(path, format!("{head}{MARK}{text}")).expect("BENCHMARKS.md can be written");
}
