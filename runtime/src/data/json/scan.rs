//! Finding where a JSON value ends, by its brackets and strings alone. What it says is parsed by whoever wants it.

use memchr::memchr2;

/// What there is at the beginning of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A value of this many bytes.
    Value(usize),
    /// Less than a value.
    More,
    /// Something else, here.
    Not(usize),
}

/// Where the value ends that `window` begins with, which must not be white space. `last` says that the text ends
/// with the window.
pub(crate) fn scan(window: &[u8], last: bool) -> Scan {
    let more = if last { Scan::Not(window.len()) } else { Scan::More };
    match window.first() {
        None => more,
        Some(b'"') => string(window).map_or(more, Scan::Value),
        Some(b'{' | b'[') => nested(window).map_or(more, Scan::Value),
        Some(byte) if is_scalar(*byte) => match window.iter().position(|byte| !is_scalar(*byte)) {
            Some(end) => Scan::Value(end),
            None if last => Scan::Value(window.len()),
            None => Scan::More,
        },
        Some(_) => Scan::Not(0),
    }
}

/// Whether numbers and names are made of it.
fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Whether JSON takes it for white space.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// How many bytes of white space there are at the beginning.
pub(crate) fn spaces(window: &[u8]) -> usize {
    window.iter().position(|byte| !is_space(*byte)).unwrap_or(window.len())
}

/// How long the string is that begins here; `None` if it does not end here.
pub(crate) fn string(window: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', window.get(at..)?)?;
        if window[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// How long the array or object is that begins here. Which bracket closes which is for the parser to see.
fn nested(window: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = window.get(at) {
        match byte {
            b'"' => {
                at += string(&window[at..])?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
