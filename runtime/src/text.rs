//! Text from bytes.

use std::borrow::Cow;

/// The bytes as text; what is not UTF-8 is replaced. Text that is whole, as nearly all of it is, is looked at many bytes at
/// once, which `String::from_utf8_lossy` does not.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::lossy;

    #[test]
    fn what_is_not_text_is_replaced() {
        assert_eq!(lossy("whole é".as_bytes()), "whole é");
        for bytes in [&b"a\xffb"[..], b"\xe2\x82", b"cut \xc3"] {
            assert_eq!(lossy(bytes), String::from_utf8_lossy(bytes));
        }
    }
}
