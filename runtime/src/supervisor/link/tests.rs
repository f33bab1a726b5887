use std::io::Write;
use std::process::{Child, Command, Stdio};

use cowry_vfs::MemoryLayer;

use super::*;
use crate::job::Event;
use crate::wire::{self, Blob};

/// A link to a process that does nothing, and the ends that a sandbox would have.
struct Hostile {
    link: Link,
    child: Child,
    main: UnixStream,
    fs: UnixStream,
    stderr: OwnedFd,
    status: OwnedFd,
}

const BOUNDS: SandboxBounds = SandboxBounds { log_bytes: 1 << 10, result_bytes: 1 << 10 };

fn hostile() -> Hostile {
    // It waits for its stdin to close.
    let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let process = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
    let (main, main_theirs) = UnixStream::pair().unwrap();
    let (fs, fs_theirs) = UnixStream::pair().unwrap();
    let (status, status_theirs) = control::packet_pair().unwrap();
    let (stderr, stderr_theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let ends = Ends { fs, main, stderr, status, process: Arc::new(process) };
    let link =
        Link::new(ends, vec![Arc::new(MemoryLayer::new())], BOUNDS, Arc::new(Unwanted::new().unwrap()))
            .unwrap();
    Hostile { link, child, main: main_theirs, fs: fs_theirs, stderr: stderr_theirs, status: status_theirs }
}

impl Hostile {
    fn next(&mut self) -> Next {
        self.link.next(Instant::now() + Duration::from_secs(120))
    }

    /// What comes of these bytes on `main`.
    fn says(bytes: &[u8]) -> Next {
        let mut hostile = hostile();
        (&hostile.main).write_all(bytes).unwrap();
        let next = hostile.next();
        hostile.end();
        next
    }

    fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn is_broken(next: &Next) -> bool {
    matches!(next, Next::Broken(_))
}

#[test]
fn garbage_breaks_the_link() {
    for bytes in [&b"\0\0\0\0"[..], b"\xff\xff\xff\xff\x01", b"\x01\0\0\0\x63", b"\x03\0\0\0\x01\xff\xff"] {
        let next = Hostile::says(bytes);
        assert!(is_broken(&next), "{bytes:?}: {next:?}");
    }
}

#[test]
fn an_event_longer_than_the_log_breaks_the_link() {
    let event = FromSandbox::Event(Event::Stdout(vec![0; 4 << 10]));
    assert!(is_broken(&Hostile::says(&wire::encode(&event, Vec::new()))));
}

#[test]
fn a_piece_longer_than_a_piece_breaks_the_link() {
    let piece = FromSandbox::Delta { mount: 0, piece: Blob(vec![0; wire::PIECE + 100]) };
    assert!(is_broken(&Hostile::says(&wire::encode(&piece, Vec::new()))));
}

#[test]
fn garbage_among_questions_about_files_breaks_the_link() {
    let mut hostile = hostile();
    (&hostile.fs).write_all(b"\xff\xff\xff\x7f\0").unwrap();
    let next = hostile.next();
    assert!(is_broken(&next), "{next:?}");
    hostile.end();
}

/// Whoever asks without reading answers gets neither the supervisor's memory nor its patience.
#[test]
fn questions_without_reading_the_answers_break_the_link() {
    let mut hostile = hostile();
    let ask = remote::FsRequest::statfs(0);
    let bytes = wire::encode(&ask, Vec::new()).repeat(10_000);
    hostile.fs.set_nonblocking(true).unwrap();
    let next = loop {
        // However much fits; the link takes it out and answers.
        let _ = (&hostile.fs).write(&bytes);
        match hostile.link.next(Instant::now() + Duration::from_millis(1)) {
            Next::Late => {}
            next => break next,
        }
    };
    assert!(is_broken(&next), "{next:?}");
    hostile.end();
}

#[test]
fn only_the_end_of_stderr_is_kept() {
    let mut hostile = hostile();
    let stderr = std::fs::File::from(hostile.stderr.try_clone().unwrap());
    for n in 0..40 {
        (&stderr).write_all(format!("{n:04}").repeat(256).as_bytes()).unwrap();
    }
    let said = hostile.link.stderr();
    assert!(said.len() <= STDERR_KEPT && said.ends_with("0039"), "{} bytes", said.len());
    hostile.end();
}

#[test]
fn everything_sent_before_the_end_is_handed_out_before_it() {
    let mut hostile = hostile();
    let event = FromSandbox::Event(Event::Stdout(b"last words".to_vec()));
    wire::send(&mut &hostile.main, &event).unwrap();
    let ended = Status::Ended { status: 9, cpu: Duration::from_secs(1), peak_memory_bytes: 5 };
    control::send(&hostile.status, &ended, &[]).unwrap();
    hostile.main.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(matches!(hostile.next(), Next::Message(message) if message == event));
    let Next::Ended(End::Status { status: 9, .. }) = hostile.next() else { panic!("it has ended") };
    hostile.end();
}

#[test]
fn a_zygote_that_is_gone_is_the_end() {
    let mut hostile = hostile();
    let (_, unused) = control::packet_pair().unwrap();
    drop(std::mem::replace(&mut hostile.status, unused));
    hostile.main.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(matches!(hostile.next(), Next::Ended(End::WithZygote)));
    hostile.end();
}

#[test]
fn silence_ends_with_the_deadline() {
    let mut hostile = hostile();
    assert!(matches!(hostile.link.next(Instant::now()), Next::Late));
    hostile.end();
}

/// A deadline that has passed has passed, whatever is ready.
#[test]
fn a_closed_socket_does_not_hold_the_deadline_up() {
    let mut hostile = hostile();
    hostile.fs.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(matches!(hostile.link.next(Instant::now() + Duration::from_millis(50)), Next::Late));
    hostile.end();
}

#[test]
fn endless_words_on_stderr_do_not_hold_the_deadline_up() {
    let mut hostile = hostile();
    let mut stderr = std::fs::File::from(hostile.stderr.try_clone().unwrap());
    let writer = std::thread::spawn(move || while stderr.write_all(&[b'x'; 4096]).is_ok() {});
    assert!(matches!(hostile.link.next(Instant::now() + Duration::from_millis(50)), Next::Late));
    // The last reader is gone, and the writer with it.
    hostile.end();
    writer.join().unwrap();
}

#[test]
fn two_questions_at_once_break_the_link() {
    let mut hostile = hostile();
    let bytes = wire::encode(&remote::FsRequest::statfs(0), Vec::new()).repeat(2);
    (&hostile.fs).write_all(&bytes).unwrap();
    let next = hostile.next();
    assert!(is_broken(&next), "{next:?}");
    hostile.end();
}

/// A peer that went without reading what it was sent is a reset connection here, and no breach of the protocol.
#[test]
fn what_is_sent_to_one_that_went_without_reading_breaks_nothing() {
    let mut hostile = hostile();
    hostile.link.send(&crate::wire::ToSandbox::Collect).unwrap();
    let (unused, _) = UnixStream::pair().unwrap();
    drop(std::mem::replace(&mut hostile.main, unused));
    hostile.link.send(&crate::wire::ToSandbox::Collect).unwrap();
    let (_, unused) = control::packet_pair().unwrap();
    drop(std::mem::replace(&mut hostile.status, unused));
    assert!(matches!(hostile.next(), Next::Ended(End::WithZygote)));
    hostile.end();
}
