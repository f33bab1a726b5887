//! Mounts of workspaces that a new mount namespace begins with copies of.
//!
//! A copy keeps its server at work although everybody else has unmounted it, so that `cowry unmount` would wait for the
//! end of every sandbox that was there before. Where mounts are shared between namespaces the kernel takes copies away
//! with the original; in most containers they are not.

use std::ffi::CString;

use crate::sys;

/// What the kernel calls the type of a mounted workspace.
const TYPE: &str = "fuse.cowry";

/// Takes the copies away, as root. To be called in a namespace of our own, or it would take away the
/// mounts themselves. Those of an ordinary user are held fast by the kernel.
pub(crate) fn let_go() {
    // First of all, nothing of this may reach the namespace we came from.
    if sys::keep_mounts_to_ourselves().is_err() {
        return;
    }
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    // The latest first: it may stand in one before it.
    for dir in table.split(|byte| *byte == b'\n').rev().filter_map(workspace_at) {
        let _ = sys::detach_mount(&dir);
    }
}

/// Where the mount of a line of `mountinfo` is, if it is of a workspace.
fn workspace_at(line: &[u8]) -> Option<CString> {
    let mut fields = line.split(|byte| *byte == b' ');
    let dir = fields.nth(4)?;
    // Some optional fields end with a dash; the type follows it.
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    if kind == TYPE.as_bytes() { CString::new(unescaped(dir)).ok() } else { None }
}

/// A field of `mountinfo`: blanks and backslashes stand there as three octal digits.
fn unescaped(mut field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [first, rest @ ..] = field {
        let digits = rest.get(..3).filter(|_| *first == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(escaped.unwrap_or(*first));
        field = if escaped.is_some() { &rest[3..] } else { rest };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_told_by_its_type() {
        let line =
            br"36 25 0:31 / /tmp/a\040b rw,nosuid shared:7 master:1 - fuse.cowry /w/my\040site.cowry rw";
        assert_eq!(workspace_at(line).as_deref(), Some(c"/tmp/a b"));
        assert_eq!(workspace_at(br"36 25 0:31 / /tmp/b rw - fuse.cowry w rw").as_deref(), Some(c"/tmp/b"));
        for other in [&b""[..], b"36 25 0:31 / /a rw - ext4 fuse.cowry rw", b"36 25 0:31 / /a rw"] {
            assert_eq!(workspace_at(other), None);
        }
    }

    #[test]
    fn a_backslash_that_escapes_nothing_stays() {
        assert_eq!(unescaped(br"a\b\134c\"), br"a\b\c\");
    }
}
