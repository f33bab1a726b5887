//! JavaScript as programs see it: every file below `tests/cases/js` is a program with the output it must have
//! beside it. Where Node has the same feature the output is Node's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cowry_runtime::{Event, Job, Outcome, Program, SandboxSpec};
use cowry_vfs::{Layer, MemoryLayer, Vfs, VfsOptions};
use libtest_mimic::{Failed, Trial};

use crate::support::{plenty, run, zygote};

/// Set to write what came out instead of comparing it.
const BLESS: &str = "COWRY_BLESS";

pub fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/js");
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    found.into_iter().map(|path| case(&root, path)).collect()
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the cases are part of the crate") {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e != "out") {
            found.push(path);
        }
    }
}

fn case(root: &Path, path: PathBuf) -> Trial {
    let name = path.strip_prefix(root).expect("below the root").with_extension("");
    let name = format!("js::{}", name.display()).replace('/', "::");
    Trial::test(name, move || {
        let got = output(&path);
        let expected = path.with_extension("out");
        if std::env::var_os(BLESS).is_some() {
            std::fs::write(&expected, &got)?;
            return Ok(());
        }
        compare(&std::fs::read_to_string(&expected).unwrap_or_default(), &got)
    })
}

/// Runs a case in an empty directory; what it prints, and how it ends if that is not well.
fn output(path: &Path) -> String {
    let extension = path.extension().expect("a program has one").to_string_lossy();
    let file = format!("/case.{extension}");
    let layer = Arc::new(MemoryLayer::new());
    let vfs = Vfs::new(layer.clone(), VfsOptions::default());
    vfs.mkdir("/work", 0o777).expect("an empty tree");
    vfs.write(&file, &std::fs::read(path).expect("a case")).expect("an empty tree");
    let spec = SandboxSpec { limits: plenty(), ..SandboxSpec::new(layer as Arc<dyn Layer>) };
    let mut sandbox = zygote().spawn(spec).expect("a sandbox can be forked");
    let job = Job {
        cwd: "/work".into(),
        args: vec!["one".into(), "two".into()],
        env: vec![("NAME".into(), "value".into())],
        stdin: b"first\nsecond\n".to_vec(),
        ..Job::new(Program::File { path: file })
    };
    let done = run(&mut sandbox, &job);
    let mut text: String = done.events.iter().map(said).collect();
    match done.outcome() {
        Outcome::Completed { exit_code: 0 } => {}
        Outcome::Completed { exit_code } => text.push_str(&format!("[exit {exit_code}]\n")),
        Outcome::Threw(thrown) => text.push_str(&format!("{}\n[threw]\n", thrown.text)),
        other => text.push_str(&format!("[{other:?}]\n")),
    }
    if let Some(value) = done.report.result.value {
        text.push_str(&format!("[result] {}\n", value.json.unwrap_or_default()));
    }
    text
}

fn said(event: &Event) -> String {
    match event {
        Event::Console { text, .. } => format!("{text}\n"),
        Event::Stdout(bytes) | Event::Stderr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}\n"),
    }
}

fn compare(expected: &str, got: &str) -> Result<(), Failed> {
    let (mut expected_lines, mut got_lines) = (expected.lines(), got.lines());
    for number in 1.. {
        match (expected_lines.next(), got_lines.next()) {
            (None, None) => break,
            (expected, got) if expected == got => {}
            (expected, got) => {
                let shown = |line: Option<&str>| line.unwrap_or("[end]").to_owned();
                let (expected, got) = (shown(expected), shown(got));
                return Err(format!("line {number}\nexpected: {expected}\n     got: {got}").into());
            }
        }
    }
    Ok(())
}
