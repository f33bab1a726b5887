//! Paths as the reference takes them: absolute whatever was written, `..` by its letters.

use cowry_vfs::{Errno, PATH_MAX};

use super::StateError;

/// The absolute path without empty, `.` and `..` components; `..` stops at the root.
///
/// # Errors
/// `ENAMETOOLONG` past 4,096 characters, `ENOENT` for a NUL.
pub(crate) fn normal(path: &str) -> Result<String, StateError> {
    let path = resolve("/", path);
    if path.contains('\0') {
        return Err(StateError::coded(Errno::ENOENT, format!("path contains null byte: {path:?}"), &path));
    }
    if path.encode_utf16().count() > PATH_MAX {
        let what = format!("path exceeds {PATH_MAX} characters");
        return Err(StateError::coded(Errno::ENAMETOOLONG, what, &path));
    }
    Ok(path)
}

/// `path` against `base`, by letters alone.
pub(crate) fn resolve(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { base };
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The directory that holds a normal path; the root holds itself.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// The last component of a normal path; of the root, `/`.
pub(crate) fn name(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name,
        _ => "/",
    }
}
