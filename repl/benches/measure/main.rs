//! Every figure that README and docs cite, in one command: `cargo bench`.
//!
//! Prints Markdown; `cargo bench --bench measure -- NAME…` measures some of it (`commit`, `history`, …), and `--write`
//! also replaces those figures in BENCHMARKS.md. Nothing here asserts a time: the machine is shared, and a figure
//! beside its target says enough.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod command;
mod commit;
mod data;
mod directories;
mod history;
mod layers;
mod machine;
mod mount;
mod objects;
mod operations;
mod prompt;
#[path = "../../tests/it/pty.rs"]
mod pty;
mod sandbox;
mod search;
mod sql;
mod state;
mod table;
mod whole;

use table::Table;

const MARK: &str = "<!-- figures: replaced by `cargo bench -- --write` -->\n";

/// A name, and what measures it.
type Part = (&'static str, &'static [fn() -> Table]);

/// What can be measured by name, in the order it is told.
const PARTS: &[Part] = &[
    ("latency", &[sandbox::latency]),
    ("memory", &[sandbox::memory]),
    ("command", &[command::table]),
    ("repl", &[prompt::table]),
    ("layers", &[layers::table]),
    ("operations", &[operations::table]),
    ("directories", &[directories::table]),
    ("commit", &[commit::table]),
    ("history", &[history::table, history::growth_table]),
    ("fork", &[commit::fork_table]),
    ("csv", &[command::csv_table]),
    ("sql", &[sql::table]),
    ("data", &[data::table]),
    ("mount", &[mount::table]),
    ("objects", &[objects::table, objects::folder_table, objects::push_table]),
    ("state", &[state::table]),
    ("search", &[search::search_table]),
    ("diff", &[search::diff_table]),
];

/// `--bench` is what cargo adds; other words are names of parts, and none of them means all.
fn main() {
    cowry_shell_core::init();
    let args: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let write_figures = args.iter().any(|argument| argument == "--write");
    let names: Vec<&String> = args.iter().filter(|argument| !argument.starts_with("--")).collect();
    if let Some(unknown) = names.iter().find(|name| !PARTS.iter().any(|(part, _)| part == *name)) {
        let known: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        eprintln!("nothing measured is called {unknown}: there is {}", known.join(", "));
        std::process::exit(2);
    }
    let wanted = |part: &str| names.is_empty() || names.iter().any(|name| *name == part);
    let parts = PARTS.iter().filter(|(part, _)| wanted(part));
    let tables: Vec<Table> = parts.flat_map(|(_, tables)| tables.iter().map(|table| table())).collect();
    println!("{}", text(&tables));
    if write_figures {
        write(&tables);
    }
}

fn text(tables: &[Table]) -> String {
    let tables = tables.iter().map(|table| table.markdown() + "\n");
    machine::describe() + &tables.collect::<String>()
}

/// Puts the figures into BENCHMARKS.md; a table that was not measured this time stays as it is.
fn write(tables: &[Table]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../BENCHMARKS.md");
    let old = std::fs::read_to_string(path).expect("BENCHMARKS.md is there");
    let (head, figures) = old.split_once(MARK).expect("BENCHMARKS.md has the mark");
    let mut sections: Vec<String> =
        figures.split("\n## ").skip(1).map(|text| format!("## {}\n", text.trim_end())).collect();
    for table in tables {
        let title = format!("## {}\n", table.title);
        match sections.iter_mut().find(|section| section.starts_with(&title)) {
            Some(section) => *section = table.markdown(),
            None => sections.push(table.markdown()),
        }
    }
    let figures = machine::describe() + &sections.join("\n");
    std::fs::write(path, format!("{head}{MARK}{figures}")).expect("BENCHMARKS.md can be written");
}
