//! Commands that talk to a server, and are killed half way.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use cowry_s3_server::Server;

use crate::console::Place;

/// Stands before a server, passes so many bytes on, and then no more: whoever waits for them waits.
pub struct Stalling {
    address: SocketAddr,
    left: Arc<AtomicU64>,
}

/// Which bytes are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Requests,
    Answers,
}

impl Stalling {
    pub fn before(server: &Server, counted: Counted, bytes: u64) -> Stalling {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let left = Arc::new(AtomicU64::new(bytes));
        let (shared, to) = (left.clone(), server.address());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to) else { return };
                let (Ok(back), Ok(front)) = (server.try_clone(), client.try_clone()) else { return };
                let bound = |which| (which == counted).then(|| shared.clone());
                let (requests, answers) = (bound(Counted::Requests), bound(Counted::Answers));
                thread::spawn(move || pass(client, server, requests));
                thread::spawn(move || pass(back, front, answers));
            }
        });
        Stalling { address, left }
    }

    pub fn is_stalled(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, bound: Option<Arc<AtomicU64>>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let less = |left: u64| Some(left.saturating_sub(read as u64));
        let passes = bound.as_ref().is_none_or(|left| {
            let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
            before.is_ok_and(|before| before > read as u64)
        });
        if !passes {
            // Held open and silent for as long as the other end is there.
            while from.read(&mut buffer).is_ok_and(|read| read > 0) {}
            return;
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// `cowry` with the keys of a server, by whatever way.
pub fn cowry(place: &Place, server: &Server, endpoint: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cowry"));
    command.args(words).current_dir(place.path()).env_clear().envs(server.environment());
    command.env("AWS_ENDPOINT_URL", endpoint).env("HOME", place.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts it behind something that stalls, and kills it when that has stalled and `is_time`. Where this machine is so
/// slow that it gave up waiting before, it broke off as well.
pub fn killed(
    place: &Place,
    server: &Server,
    stalling: &Stalling,
    words: &[&str],
    is_time: &dyn Fn() -> bool,
) {
    let endpoint = format!("http://{}", stalling.address);
    let mut child = cowry(place, server, &endpoint, words).spawn().expect("started");
    while !(stalling.is_stalled() && is_time()) && child.try_wait().expect("asked").is_none() {
        thread::park_timeout(Duration::from_millis(50));
    }
    child.kill().expect("killed, or it has ended");
    let output = child.wait_with_output().expect("it ended");
    assert!(!output.status.success(), "it was killed, and not done");
}

/// Runs it to its end, which is a good one, and returns what it printed.
pub fn done(place: &Place, server: &Server, words: &[&str]) -> Vec<u8> {
    let output = cowry(place, server, &server.endpoint(), words).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
