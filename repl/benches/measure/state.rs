//! `state` and `fs` from JavaScript: what a call costs, a thousand small files, a glob of ten thousand.

use std::process::Command;
use std::sync::Arc;

use cowry_runtime::{Job, Sandbox, SandboxSpec, Zygote, ZygoteOptions};
use cowry_vfs::MemoryLayer;

use crate::table::{Row, Table};

/// Microseconds a call, the best of three rounds; the clock inside is coarse, so that a round has many calls.
const CALLS: &str = "
    import fs from 'node:fs';
    const KIB = 'x'.repeat(1024), N = 5000;
    await state.writeFile({ path: '/calls/a', content: KIB });
    const best = async (call) => {
        let least = Infinity;
        for (let round = 0; round < 3; round++) {
            const start = performance.now();
            for (let i = 0; i < N; i++) await call();
            least = Math.min(least, performance.now() - start);
        }
        return least * 1000 / N;
    };
    ({
        'state.readFile': await best(() => state.readFile({ path: '/calls/a' })),
        'state.writeFile': await best(() => state.writeFile({ path: '/calls/a', content: KIB })),
        'fs.promises.readFile': await best(() => fs.promises.readFile('/calls/a', 'utf8')),
        'fs.promises.writeFile': await best(() => fs.promises.writeFile('/calls/a', KIB)),
        'fs.readFileSync': await best(() => fs.readFileSync('/calls/a', 'utf8')),
        'fs.writeFileSync': await best(() => fs.writeFileSync('/calls/a', KIB)),
    })";

/// Milliseconds for a thousand files of 1 KiB: made, read, found; the best of three rounds. `FS` is the module.
const THOUSAND: &str = "
    const KIB = 'x'.repeat(1024), N = 1000;
    const least = { make: Infinity, read: Infinity, glob: Infinity };
    const timed = (name, work) => {
        const start = performance.now();
        work();
        least[name] = Math.min(least[name], performance.now() - start);
    };
    for (let round = 0; round < 3; round++) {
        const at = `/thousand/${round}`;
        fs.mkdirSync(at, { recursive: true });
        timed('make', () => { for (let i = 0; i < N; i++) fs.writeFileSync(`${at}/f${i}.txt`, KIB) });
        timed('read', () => { for (let i = 0; i < N; i++) fs.readFileSync(`${at}/f${i}.txt`, 'utf8') });
        timed('glob', () => {
            const found = fs.globSync
                ? fs.globSync(`${at}/*.txt`)
                : fs.readdirSync(at).filter((name) => /^[^.].*\\.txt$/.test(name));
            if (found.length !== N) throw new Error(`found ${found.length}`);
        });
    }";

const MANY: &str = "
    const least = { glob: Infinity };
    for (let i = 0; i < 10000; i++) await state.writeFile(`/many/d${i % 100}/f${i}.${i % 2 ? 'txt' : 'csv'}`, '');
    for (let round = 0; round < 3; round++) {
        const start = performance.now();
        const found = await state.glob('/many/**/*.csv');
        least.glob = Math.min(least.glob, performance.now() - start);
        if (found.length !== 5000) throw new Error(`found ${found.length}`);
    }
    least";

/// Where `.ci/judges` installs memfs; one that is installed elsewhere is found as node finds it.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/memfs/node_modules");

type Figures = serde_json::Map<String, serde_json::Value>;

fn figures(json: &str) -> Figures {
    serde_json::from_str(json).expect("an object of numbers")
}

fn run(sandbox: &mut Sandbox, code: &str) -> Figures {
    let report = sandbox.run(&Job::expression(code), &mut |_| {}).expect("a job runs");
    assert!(report.result.outcome.is_success(), "{:?}", report.result.outcome);
    figures(&report.result.value.and_then(|value| value.json).expect("the job has a result"))
}

fn number(figures: &Figures, name: &str) -> f64 {
    figures[name].as_f64().expect("a number")
}

/// The same thousand files in memfs, in node; or why not.
fn memfs() -> Result<Figures, &'static str> {
    let script = format!("const {{ fs }} = require('memfs'); {THOUSAND} console.log(JSON.stringify(least));");
    let mut node = Command::new("node");
    if std::env::var_os("NODE_PATH").is_none() {
        node.env("NODE_PATH", MODULES);
    }
    let Ok(output) = node.args(["-e", &script]).output() else { return Err("no node here") };
    match output.status.success() {
        true => Ok(figures(&String::from_utf8_lossy(&output.stdout))),
        false => Err("no memfs in node here"),
    }
}

/// Calls, small files, globs.
pub fn table() -> Table {
    let zygote = Zygote::start(&ZygoteOptions::default()).expect("a zygote starts");
    let spec = SandboxSpec::new(Arc::new(MemoryLayer::new()));
    let mut sandbox = zygote.spawn(spec).expect("a sandbox");
    let calls = run(&mut sandbox, CALLS);
    let mut rows: Vec<Row> = calls
        .keys()
        .map(|name| {
            Row::new(format!("`{name}` of 1 KiB"), format!("{:.1} µs", number(&calls, name)), "15 µs")
        })
        .collect();
    let ours = run(&mut sandbox, &format!("import fs from 'node:fs'; {THOUSAND} least"));
    let theirs = memfs();
    for (name, what) in [("make", "made"), ("read", "read"), ("glob", "found by glob")] {
        let beside = match &theirs {
            Ok(theirs) => format!("memfs in node: {:.2} ms", number(theirs, name)),
            Err(why) => format!("memfs skipped: {why}"),
        };
        let figure = format!("{:.2} ms", number(&ours, name));
        rows.push(Row::new(format!("1,000 files of 1 KiB {what} from JavaScript"), figure, beside));
    }
    let many = run(&mut sandbox, MANY);
    let figure = format!("{:.2} ms", number(&many, "glob"));
    rows.push(Row::new("`state.glob` of 10,000 files, 5,000 found", figure, ""));
    Table { title: "`state` and `fs` from JavaScript", rows }
}
