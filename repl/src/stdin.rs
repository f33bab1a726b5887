//! Standard input, read whole before the program begins.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Stdin};
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// How long to wait for the end of standard input before saying what is being waited for: somebody at a terminal
/// wonders soon, and what is in nobody's sight may just be slow.
fn patience() -> Duration {
    Duration::from_secs(if io::stderr().is_terminal() { 2 } else { 60 })
}

/// The most that is passed to a program: it is held in memory, here and in the sandbox.
const MOST: u64 = 64 << 20;

/// Standard input a piece at a time.
pub fn pieces() -> BufReader<Stdin> {
    // As much at once goes past the buffer that standard input has of its own, so that this one has all there is.
    BufReader::with_capacity(64 << 10, io::stdin())
}

/// What of it can be had without waiting, up to 1 MiB.
pub fn left(input: &mut BufReader<Stdin>) -> Vec<u8> {
    const ENOUGH: usize = 1 << 20;
    let mut left = Vec::new();
    loop {
        left.extend_from_slice(input.buffer());
        input.consume(input.buffer().len());
        if left.len() >= ENOUGH || !is_ready() || input.fill_buf().map_or(true, <[u8]>::is_empty) {
            return left;
        }
    }
}

/// Whether reading standard input would not wait.
fn is_ready() -> bool {
    let stdin = io::stdin();
    let mut stdin = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut stdin, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// What standard input holds; nothing where it is a terminal.
pub fn unless_terminal(out: &mut Output) -> Outcome<Vec<u8>> {
    if io::stdin().is_terminal() { Ok(Vec::new()) } else { whole(out) }
}

/// All of standard input. A pipe that nobody closes would be waited for in silence, so after a while this
/// says so.
pub fn whole(out: &mut Output) -> Outcome<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens any more only where the process is ending.
        let _ = send.send(read);
    });
    let read = receive.recv_timeout(patience()).or_else(|_| {
        out.note("cowry: waiting for the end of standard input; `</dev/null` gives the program none");
        receive.recv()
    });
    let bytes = read.expect("the reader always answers").map_err(|error| {
        Failure::new(format!("cannot read standard input: {error}; `</dev/null` gives the program none"))
    })?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::new(
            "standard input is larger than 64 MiB: put it into a file and give it with --mount or `cowry fs put`",
        ));
    }
    Ok(bytes)
}
