use std::io::Cursor;

use cowry_vfs::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::job::{Frame, Level, Outcome, Thrown};
use crate::remote::FsRequest;

const BOUNDS: SandboxBounds = SandboxBounds { log_bytes: 1 << 12, result_bytes: 1 << 12 };

fn event(text: &str) -> FromSandbox {
    FromSandbox::Event(Event::Console { level: Level::Log, at: Timestamp(7), text: text.into() })
}

fn result() -> FromSandbox {
    FromSandbox::Result(Outcome::Completed { exit_code: 3 }.into(), Report::default())
}

/// What a decoder makes of bytes that arrive in pieces of this size.
fn decode_all<M: Message>(bytes: &[u8], piece: usize, bounds: M::Bounds) -> Result<Vec<M>, WireError> {
    let mut decoder = Decoder::<M>::new(bounds);
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.fill(&mut Cursor::new(piece)).expect("memory can be read");
        while let Some(message) = decoder.next()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

#[test]
fn frames_survive_being_cut_anywhere() {
    let bytes = encode(&result(), encode(&event("two"), encode(&event("one"), Vec::new())));
    for piece in 1..bytes.len() {
        let messages = decode_all::<FromSandbox>(&bytes, piece, BOUNDS);
        assert_eq!(messages, Ok(vec![event("one"), event("two"), result()]));
    }
}

#[test]
fn a_blocking_reader_gets_the_same() {
    let bytes = encode(&result(), encode(&event("one"), Vec::new()));
    let mut from = Cursor::new(bytes);
    assert_eq!(receive::<FromSandbox>(&mut from, BOUNDS).unwrap(), Some(event("one")));
    assert_eq!(receive::<FromSandbox>(&mut from, BOUNDS).unwrap(), Some(result()));
    assert_eq!(receive::<FromSandbox>(&mut from, BOUNDS).unwrap(), None);
}

#[test]
fn a_cut_frame_is_an_error_for_a_blocking_reader() {
    let bytes = encode(&event("one"), Vec::new());
    let cut = receive::<FromSandbox>(&mut Cursor::new(&bytes[..bytes.len() - 1]), BOUNDS);
    assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

fn check(bytes: &[u8], expected: WireError) {
    assert_eq!(decode_all::<FromSandbox>(bytes, 3, BOUNDS), Err(expected));
}

#[test]
fn an_empty_frame_is_refused() {
    check(&[0, 0, 0, 0], WireError::Empty);
}

#[test]
fn an_unknown_kind_is_refused() {
    check(&[1, 0, 0, 0, 99], WireError::Unknown(99));
}

#[test]
fn a_length_past_the_bound_is_refused_before_the_body() {
    check(
        &[255, 255, 255, 255, 1],
        WireError::TooLong { kind: 1, len: u32::MAX as usize, max: (4 << 10) + (1 << 10) },
    );
}

#[test]
fn a_short_body_is_refused() {
    check(&[1, 0, 0, 0, 1], WireError::Malformed(1));
}

#[test]
fn bytes_behind_the_message_are_refused() {
    let mut bytes = encode(&FromSandbox::DeltaEnd { mount: 1 }, Vec::new());
    bytes[0] += 1;
    bytes.push(0);
    check(&bytes, WireError::Malformed(3));
}

#[test]
fn a_vector_that_claims_more_than_there_is_is_refused() {
    // `Locked` with 2^32 - 1 strings.
    check(&[6, 0, 0, 0, 0, 255, 255, 255, 255, 15], WireError::Malformed(0));
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256), piece in 1_usize..64) {
        let _ = decode_all::<FromSandbox>(&bytes, piece, BOUNDS);
        let _ = decode_all::<FsRequest>(&bytes, piece, ());
        let _ = decode_all::<ToSandbox>(&bytes, piece, ());
    }

    #[test]
    fn mutated_frames_never_panic(
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        text in ".{0,64}",
        piece in 1_usize..64,
    ) {
        let mut bytes = encode(&result(), encode(&event(&text), Vec::new()));
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode_all::<FromSandbox>(&bytes, piece, BOUNDS);
    }

    #[test]
    fn what_was_decoded_is_what_was_sent(text in ".{0,256}", piece in 1_usize..64) {
        let bytes = encode(&event(&text), Vec::new());
        prop_assert_eq!(decode_all::<FromSandbox>(&bytes, piece, BOUNDS), Ok(vec![event(&text)]));
    }
}

/// A line of a stack is a few bytes here and many times that in memory.
#[test]
fn a_stack_of_too_many_lines_is_refused() {
    let thrown = |lines| {
        let frame = Frame { function: None, file: String::new(), line: 0, column: 0 };
        let thrown = Thrown { frames: vec![frame; lines], ..Thrown::default() };
        encode(&FromSandbox::Result(Outcome::Threw(thrown).into(), Report::default()), Vec::new())
    };
    assert!(decode_all::<FromSandbox>(&thrown(256), 1 << 20, BOUNDS).is_ok());
    check(&thrown(257), WireError::Malformed(FromSandbox::RESULT));
}

#[test]
fn what_was_thrown_is_cut() {
    let long = "é".repeat(100_000);
    let mut outcome =
        Outcome::Threw(Thrown { name: long.clone(), message: long.clone(), text: long, frames: Vec::new() });
    outcome.cut();
    let Outcome::Threw(Thrown { name, message, text, .. }) = outcome else { unreachable!() };
    assert_eq!([name.len(), message.len(), text.len()], [64 << 10; 3]);
}
