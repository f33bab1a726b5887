//! The REPL on a terminal: what only a terminal has. What is on the screen is looked for, not how it got there.

use crate::pty::Terminal;

fn start(kind: &str) -> Option<(tempfile::TempDir, Terminal)> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(folder.path(), kind, &["-w", "a.cowry", "repl"])?;
    shows(&mut terminal, "Ctrl-D leaves");
    Some((folder, terminal))
}

/// Waits for text, and for the next prompt: before it, keys mean what they mean outside.
fn shows(terminal: &mut Terminal, text: &str) {
    terminal.wait_for(text);
    terminal.wait_for("> ");
}

#[test]
fn keys_complete_remember_and_leave() {
    let Some((_folder, mut terminal)) = start("xterm") else { return };
    terminal.press("const cart = { apples: 617 }\r");
    shows(&mut terminal, "undefined");
    // Results are what was never typed.
    terminal.press("cart.app\t * 2\r");
    shows(&mut terminal, "1234");
    terminal.press("fs.writeFileSync('/some-file', 'con' + 'tent')\r");
    shows(&mut terminal, "undefined");
    terminal.press("fs.readFileSync('/some-\t', 'utf8')\r");
    shows(&mut terminal, "content");
    terminal.press("[1,\r2].length * 500 + 55\r");
    shows(&mut terminal, "1055");
    terminal.press("\x12cart.\r");
    shows(&mut terminal, "1234");
    terminal.press("\x04");
    terminal.wait_for("1 path not committed");
    terminal.press("c\r");
    terminal.wait_for("committed revision 1");
    assert!(terminal.wait().success());
}

#[test]
fn an_await_that_never_ends_loses_nothing() {
    let Some((_folder, mut terminal)) = start("xterm") else { return };
    terminal.press("fs.writeFileSync('/a', 'con' + 'tent')\r");
    shows(&mut terminal, "undefined");
    terminal.press("await new Promise(() => {})\r");
    shows(&mut terminal, "unsettled top-level await");
    terminal.press("fs.readFileSync('/a', 'utf8')\r");
    shows(&mut terminal, "content");
    terminal.press("\x04");
    terminal.wait_for("1 path not committed");
    terminal.press("c\r");
    terminal.wait_for("committed revision 1");
    assert!(terminal.wait().success());
}

#[test]
fn ctrl_c_ends_the_entry_and_not_the_session() {
    let Some((_folder, mut terminal)) = start("xterm") else { return };
    terminal.press("console.log('be' + 'gun'); for (;;);\r");
    terminal.wait_for("begun");
    terminal.press("\x03");
    shows(&mut terminal, "interrupted");
    terminal.press("6 * 7 + 1000\r");
    shows(&mut terminal, "1042");
    terminal.press(".exit\r");
    assert!(terminal.wait().success());
}

#[test]
fn a_dumb_terminal_is_enough() {
    let Some((_folder, mut terminal)) = start("dumb") else { return };
    terminal.press("[1,\n2].length * 500 + 55\n");
    shows(&mut terminal, "1055");
    terminal.press("fs.writeFileSync('/a', '')\n");
    shows(&mut terminal, "undefined");
    terminal.press("\x04");
    terminal.wait_for("1 path not committed");
    terminal.press("d\n");
    assert!(terminal.wait().success());
}

#[test]
fn bytes_that_are_no_text_do_not_end_the_session() {
    for kind in ["xterm", "dumb"] {
        let Some((_folder, mut terminal)) = start(kind) else { return };
        terminal.press("fs.writeFileSync('/a', '')\r");
        shows(&mut terminal, "undefined");
        // As a paste of Latin-1 has it. The byte after it tells that it is no text.
        terminal.press(b"caf\xe9\r");
        shows(&mut terminal, "not UTF-8");
        terminal.press("6 * 7 + 1000\r");
        shows(&mut terminal, "1042");
        terminal.press("\x04");
        terminal.wait_for("1 path not committed");
        terminal.press(b"\xc3\r");
        terminal.wait_for("not UTF-8");
        terminal.wait_for("1 path not committed");
        terminal.press("d\r");
        assert!(terminal.wait().success());
    }
}
