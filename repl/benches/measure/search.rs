//! What `state` finds and compares: 10,000 files searched beside ripgrep, and diffs.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cowry_runtime::{Job, JobReport, Sandbox, SandboxSpec, Zygote, ZygoteOptions};
use cowry_vfs::{MemoryLayer, Vfs, VfsOptions};

use crate::table::{Row, Table, ms, time};

const FILES: usize = 10_000;
const ROUNDS: usize = 5;

/// Two kilobytes of lines; every hundredth file has what is searched for.
fn content(number: usize) -> String {
    let mut text = String::new();
    for line in 0.. {
        if text.len() >= 2 << 10 {
            break;
        }
        let word =
            if line == 20 && number.is_multiple_of(100) { "needle_in_hay" } else { "export const value" };
        text.push_str(&format!("{word} = compute({number}, {line}); // as before\n"));
    }
    text.truncate(2 << 10);
    text
}

fn path(number: usize) -> String {
    format!("/src/d{}/f{number}.ts", number % 100)
}

fn run(sandbox: &mut Sandbox, code: &str) -> JobReport {
    let report = sandbox.run(&Job::expression(code), &mut |_| {}).expect("a job runs");
    assert!(report.result.outcome.is_success(), "{:?}", report.result.outcome);
    report
}

/// What the expression says is a number of milliseconds.
fn milliseconds(sandbox: &mut Sandbox, code: &str) -> Duration {
    let json = run(sandbox, code).result.value.and_then(|value| value.json).expect("a result");
    Duration::from_secs_f64(json.parse::<f64>().expect("a number") / 1e3)
}

/// Runs an expression and says how long it took, the best of some rounds.
fn timed(expression: &str, rounds: usize) -> String {
    format!(
        "let least = Infinity;
         for (let round = 0; round < {rounds}; round++) {{
             const start = performance.now();
             await ({expression});
             least = Math.min(least, performance.now() - start);
         }}
         least"
    )
}

/// How long ripgrep takes on the same files, the best of some rounds; or why it was not asked.
fn ripgrep(pattern: &str) -> Result<Duration, &'static str> {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return Err("no tmpfs here") };
    for number in 0..FILES {
        let file = folder.path().join(&path(number)[1..]);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, content(number)).expect("written");
    }
    let search = || {
        let mut command = Command::new("rg");
        command.args(["--no-ignore", "--hidden", "-n", pattern, "."]).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).status()
    };
    if search().is_err() {
        return Err("no ripgrep here");
    }
    Ok((0..ROUNDS).map(|_| time(search).0).min().expect("some rounds"))
}

/// Ten thousand files of 2 KiB, searched cold and warm.
pub fn search_table() -> Table {
    let layer = Arc::new(MemoryLayer::new());
    let files = Vfs::new(layer.clone(), VfsOptions::default());
    for number in 0..FILES {
        let path = path(number);
        files.mkdir_all(path.rsplit_once('/').expect("absolute").0, 0o777).expect("made");
        files.write(&path, content(number).as_bytes()).expect("written");
    }
    let zygote = Zygote::start(&ZygoteOptions::default()).expect("a zygote starts");
    let mut rows = Vec::new();
    for (what, query, options) in [
        ("text", "needle_in_hay", "{}"),
        ("regular expression", "needle_\\w+", "{ regex: true }"),
        ("regular expression without a literal", "[a-z]+_[a-z]+_[a-z]+", "{ regex: true }"),
    ] {
        let call = format!("state.searchFiles('/src/**/*.ts', {query:?}, {options})");
        let mut sandbox = zygote.spawn(SandboxSpec::new(layer.clone())).expect("a sandbox");
        let cold = milliseconds(&mut sandbox, &timed(&call, 1));
        let warm = milliseconds(&mut sandbox, &timed(&call, ROUNDS));
        let target = match ripgrep(query) {
            Ok(theirs) => format!("2 × ripgrep on tmpfs: {}", ms(2 * theirs)),
            Err(why) => format!("ripgrep skipped: {why}"),
        };
        rows.push(Row::new(format!("{what}, warm"), ms(warm), target));
        rows.push(Row::new(format!("{what}, cold: each file comes to the sandbox"), ms(cold), ""));
    }
    let mut sandbox = zygote.spawn(SandboxSpec::new(layer)).expect("a sandbox");
    let glob = milliseconds(&mut sandbox, &timed("state.glob('/src/**/*1.ts')", ROUNDS));
    rows.push(Row::new("glob of the same files, 1,000 found", ms(glob), ""));
    Table { title: "`state.searchFiles` over 10,000 files of 2 KiB", rows }
}

const EDITED: &str = "
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} of the file`);
    await state.writeFile('/old', lines.join('\\n') + '\\n');
    for (let edit = 0; edit < 50; edit++) lines[edit * 100 + 7] = `edited ${edit}`;
    await state.writeFile('/new', lines.join('\\n') + '\\n');";

const UNLIKE: &str = "
    for (const name of ['old', 'new'])
        await state.writeFile('/' + name, Array.from({ length: 2000 }, (_, i) => `${name} ${i}`).join('\\n'));";

/// Two diffs: how long one takes, how much memory the other.
pub fn diff_table() -> Table {
    let zygote = Zygote::start(&ZygoteOptions::default()).expect("a zygote starts");
    let spawn = || zygote.spawn(SandboxSpec::new(Arc::new(MemoryLayer::new()))).expect("a sandbox");
    let mut sandbox = spawn();
    let edited =
        milliseconds(&mut sandbox, &format!("{EDITED}{}", timed("state.diff('/old', '/new')", ROUNDS)));
    let mut sandbox = spawn();
    let before = run(&mut sandbox, &format!("{UNLIKE}0")).usage.peak_memory_bytes;
    let unlike = milliseconds(&mut sandbox, &timed("state.diff('/old', '/new')", ROUNDS));
    let after = run(&mut sandbox, "0").usage.peak_memory_bytes;
    let grown = after.saturating_sub(before) as f64 / f64::from(1 << 20);
    Table {
        title: "`state.diff`",
        rows: vec![
            Row::new("5,000 lines, 50 edits", ms(edited), "10 ms"),
            Row::new("two unlike files of 2,000 lines", ms(unlike), ""),
            Row::new("memory for these", format!("{grown:.1} MB"), "50 MB"),
        ],
    }
}
