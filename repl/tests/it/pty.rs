//! The command on a pseudo-terminal, as a person has it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use rustix::io::{FdFlags, fcntl_setfd};

/// Gives up on a machine that is stuck, not on one that is busy.
const PATIENCE: Duration = Duration::from_secs(300);

/// A command on a terminal of its own. It is killed when this goes.
pub struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<Vec<u8>>,
    /// What was written and not yet waited for.
    seen: Vec<u8>,
}

impl Terminal {
    /// Starts `cowry` with these arguments in a folder, on a terminal of this kind that is its controlling one. `None`:
    /// there are no terminals here, or no `setsid` that could make it that.
    pub fn start(folder: &Path, kind: &str, args: &[&str]) -> Option<Terminal> {
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = match openpty(Some(&size), None) {
            Ok(pty) => pty,
            Err(error) => {
                eprintln!("skipped: there are no pseudo-terminals here: {error}");
                return None;
            }
        };
        // Or what other tests start meanwhile would have the terminal open, for as long as it runs.
        for side in [&pty.master, &pty.slave] {
            fcntl_setfd(side, FdFlags::CLOEXEC).expect("a descriptor of ours");
        }
        let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let started = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_cowry")])
            .args(args)
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder)
            .env("TERM", kind)
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no setsid here, which gives a command a terminal");
                return None;
            }
            Err(error) => panic!("setsid cannot be run: {error}"),
        };
        drop(pty.slave);
        let keys = File::from(pty.master);
        let mut screen = keys.try_clone().expect("a descriptor");
        let (send, receive) = mpsc::channel();
        // Ends when the last of the other side is closed, with an error that means just that.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = screen.read(&mut buffer) {
                if send.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Some(Terminal { child, keys, screen: receive, seen: Vec::new() })
    }

    /// Presses keys.
    pub fn press(&mut self, keys: impl AsRef<[u8]>) {
        self.keys.write_all(keys.as_ref()).expect("the terminal takes keys");
    }

    /// Waits until this is on the screen, after what was waited for before.
    pub fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.windows(text.len()).position(|part| part == text.as_bytes()) {
                self.seen.drain(..at + text.len());
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(more) => self.seen.extend(more),
                Err(_) => {
                    panic!("{text:?} does not come; there is {:?}", String::from_utf8_lossy(&self.seen))
                }
            }
        }
    }

    /// Waits for the command to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        // Whoever does not read keeps it from ending.
        while let Ok(more) = self.screen.recv_timeout(PATIENCE) {
            self.seen.extend(more);
        }
        self.child.wait().expect("it was started")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // What setsid started ends with its terminal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
