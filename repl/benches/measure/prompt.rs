//! The prompt: from a key to what it completes, with 100,000 files in one folder.

use std::path::Path;
use std::time::Duration;

use cowry_shell_core::{OpenWorkspace, Session, SessionOptions, Workspace};

use crate::pty::Terminal;
use crate::table::{Row, Table, ms, percentile, time};

const FILES: u32 = 100_000;
const ROUNDS: u32 = 200;

fn name(i: u32) -> String {
    format!("file-{i:06}")
}

/// A workspace with so many files in `/many`, in one revision.
fn workspace(folder: &Path) -> Workspace {
    let how = OpenWorkspace::or_create();
    let workspace = Workspace::open(folder.join("many.cowry"), &how).expect("a workspace");
    let tree = workspace.fs();
    tree.transaction(|| {
        tree.mkdir("/many", 0o755)?;
        (0..FILES).try_for_each(|i| tree.write(&format!("/many/{}", name(i)), b"").map(drop))
    })
    .expect("the files are made");
    workspace.seal(None).expect("sealed");
    workspace
}

/// A file of each round, spread over the folder.
fn picked(round: u32) -> u32 {
    round * (FILES / ROUNDS)
}

/// From Tab to the end of the name on the screen of a terminal, everything in between included.
fn on_a_terminal(folder: &Path) -> Option<Vec<Duration>> {
    let mut terminal = Terminal::start(folder, "xterm", &["-w", "many.cowry", "repl"])?;
    terminal.wait_for("Ctrl-D leaves");
    terminal.wait_for("> ");
    let mut samples = Vec::new();
    for round in 0..ROUNDS {
        let name = name(picked(round));
        let typed = &name[..name.len() - 1];
        terminal.press(format!("'/many/{typed}"));
        // The last letter on the screen stands at the end of what is typed: keys are shown in order.
        terminal.wait_for(typed);
        // What begins so are ten files: Tab beeps, and lists them when it is pressed again.
        let (took, ()) = time(|| {
            terminal.press("\t\t");
            terminal.wait_for(&format!("file-{}9", &typed["file-".len()..]));
        });
        samples.push(took);
        terminal.press("\x15");
        terminal.wait_for("> ");
    }
    terminal.press("\x04");
    assert!(terminal.wait().success(), "the session ends when it is left");
    samples.sort();
    Some(samples)
}

/// Sorted times of one question to a session.
fn asked(session: &mut Session, mut ask: impl FnMut(&mut Session, u32)) -> Vec<Duration> {
    let mut samples: Vec<Duration> = (0..ROUNDS).map(|round| time(|| ask(session, round)).0).collect();
    samples.sort();
    samples
}

/// Latencies of completion.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(folder.path());
    let mut session = workspace.session(SessionOptions::default()).expect("a session");
    let paths = asked(&mut session, |session, round| {
        let found = session.entries("/many", &name(picked(round))[..10], 200).expect("the session lives");
        assert_eq!(found.len(), 10);
    });
    let first = asked(&mut session, |session, _| {
        assert_eq!(session.entries("/many", "", 200).expect("the session lives").len(), 200);
    });
    let members = asked(&mut session, |session, _| {
        let path = ["fs".to_owned()];
        assert!(!session.members(&path, "read", 200).expect("the session lives").is_empty());
    });
    drop(session);
    let row = |what: &str, samples: &[Duration]| {
        let figure = format!("{} / {}", ms(percentile(samples, 50)), ms(percentile(samples, 99)));
        Row::new(format!("{what}, p50 / p99"), figure, "")
    };
    let mut rows = vec![
        row("ten files of 100,000 by a beginning of their names", &paths),
        row("the first 200 of 100,000", &first),
        row("members of a global that begin so", &members),
    ];
    match on_a_terminal(folder.path()) {
        Some(samples) => {
            rows.insert(0, row("Tab to the list of ten files of 100,000 on a terminal", &samples))
        }
        None => rows.push(Row::new("a terminal: there is no setsid", "", "")),
    }
    Table { title: "Completion at the prompt", rows }
}
