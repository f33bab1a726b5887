//! Embeds Cowry: runs a program that nobody has read on a workspace, and looks at what became of it.
//!
//! `cargo run -p cowry-examples --example embed`
#![allow(clippy::print_stdout)]

use cowry_shell_core::{OpenWorkspace, Run, Workspace};

/// What an agent wrote.
const PROGRAM: &str = r#"
    const fs = require("node:fs");
    const orders = [["apples", 3], ["pears", 5], ["apples", 4]];
    const totals = {};
    for (const [what, count] of orders) totals[what] = (totals[what] ?? 0) + count;
    fs.mkdirSync("/out", { recursive: true });
    fs.writeFileSync("/out/totals.json", JSON.stringify(totals));
    fs.writeFileSync("/tmp/notes.txt", "scratch: the policy discards it");
    totals
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    cowry_shell_core::init();
    let folder = tempfile::tempdir()?;
    let workspace = Workspace::open(folder.path().join("agent.cowry"), &OpenWorkspace::or_create())?;

    let report = workspace.run(&Run::expression(PROGRAM), &mut |_event| {})?;
    println!("outcome:  {:?}", report.record.outcome);
    println!("result:   {}", report.value.and_then(|value| value.json).unwrap_or_default());
    println!("revision: {}", report.record.revision().unwrap_or_default());
    println!("file:     {}", workspace.fs().read_to_string("/out/totals.json")?);
    println!("scratch:  {}", if workspace.fs().exists("/tmp/notes.txt") { "kept" } else { "discarded" });

    // A program that fails half way leaves nothing but its record.
    let failing = "require('node:fs').rmSync('/out/totals.json'); throw new Error('half way')";
    let report = workspace.run(&Run::expression(failing), &mut |_event| {})?;
    println!(
        "failed:   {}, the file is still there: {}",
        !report.is_success(),
        workspace.fs().exists("/out/totals.json")
    );
    println!("records:  {}", workspace.runs(10)?.len());
    Ok(())
}
