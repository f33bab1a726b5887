//! Names and virtual paths: parsed once, then trusted.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::errno::{Errno, NodeError, NodeResult};

/// The longest name of a directory entry, in bytes.
pub const NAME_MAX: usize = 255;
/// The longest path, in bytes.
pub const PATH_MAX: usize = 4096;
/// The most symbolic links followed in one resolution.
pub const SYMLINK_MAX: usize = 40;

/// One component of a path.
///
/// Invariants: UTF-8, 1–255 bytes, no `/`, no NUL, neither `.` nor `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks and wraps a component.
    ///
    /// # Errors
    /// `ENOENT` if it is empty, `ENAMETOOLONG` past 255 bytes, `EINVAL` for `.`, `..`, a slash or a NUL.
    pub fn new(text: &str) -> NodeResult<Name> {
        if text.is_empty() {
            return Err(Errno::ENOENT.into());
        }
        if text.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        if text == "." || text == ".." || text.bytes().any(|b| b == b'/' || b == 0) {
            return Err(Errno::EINVAL.into());
        }
        Ok(Name(text.into()))
    }

    /// Checks and wraps bytes that come from outside.
    ///
    /// # Errors
    /// `EILSEQ` if they are not UTF-8, else as [`Name::new`].
    pub fn from_bytes(bytes: &[u8]) -> NodeResult<Name> {
        Name::new(std::str::from_utf8(bytes).map_err(|_| Errno::EILSEQ)?)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl TryFrom<&str> for Name {
    type Error = NodeError;
    fn try_from(text: &str) -> NodeResult<Name> {
        Name::new(text)
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Name, D::Error> {
        let text = String::deserialize(d)?;
        Name::new(&text).map_err(serde::de::Error::custom)
    }
}

/// An absolute, normalised virtual path.
///
/// Invariants: begins with `/`; no empty, `.` or `..` component; no trailing slash but in `/` itself.
/// It names a place in the tree; it says nothing of what is there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VPathBuf(String);

impl serde::Serialize for VPathBuf {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for VPathBuf {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<VPathBuf, D::Error> {
        let text = String::deserialize(d)?;
        VPathBuf::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl VPathBuf {
    /// The root, `/`.
    pub fn root() -> VPathBuf {
        VPathBuf("/".into())
    }

    /// Normalises `text` against `/`, by its letters alone (`..` does not look at symbolic links).
    ///
    /// # Errors
    /// `ENOENT` if it is empty, `ENAMETOOLONG`, and `EINVAL` for a NUL.
    pub fn parse(text: &str) -> NodeResult<VPathBuf> {
        if text.is_empty() {
            return Err(Errno::ENOENT.into());
        }
        if text.len() > PATH_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => {
                    Name::new(part)?;
                    parts.push(part);
                }
            }
        }
        Ok(VPathBuf(format!("/{}", parts.join("/"))))
    }

    /// The path of these components.
    pub(crate) fn of_names<'a>(names: impl Iterator<Item = &'a Name> + Clone) -> VPathBuf {
        let len = names.clone().map(|name| name.len() + 1).sum::<usize>();
        let mut text = String::with_capacity(len.max(1));
        for name in names {
            text.push('/');
            text.push_str(name);
        }
        if text.is_empty() {
            text.push('/');
        }
        VPathBuf(text)
    }

    /// This path with one more component.
    #[must_use]
    pub fn join(&self, name: &Name) -> VPathBuf {
        if self.is_root() { VPathBuf(format!("/{name}")) } else { VPathBuf(format!("{}/{name}", self.0)) }
    }

    /// Whether it is `/`.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The directory that holds it; `None` for `/`.
    pub fn parent(&self) -> Option<VPathBuf> {
        let cut = self.0.rfind('/')?;
        match (self.is_root(), cut) {
            (true, _) => None,
            (_, 0) => Some(VPathBuf::root()),
            (_, cut) => Some(VPathBuf(self.0[..cut].into())),
        }
    }

    /// Its components in order; none for `/`.
    pub fn components(&self) -> impl Iterator<Item = Name> + '_ {
        self.0.split('/').filter(|p| !p.is_empty()).map(|p| Name(p.into()))
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(&self, other: &VPathBuf) -> bool {
        other.is_root()
            || self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for VPathBuf {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VPathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VPathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
