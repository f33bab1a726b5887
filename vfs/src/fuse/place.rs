//! Where a mount may go, what is mounted there, and how it is taken away.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{MntFlags, umount2};

/// What the kernel calls the type of our mounts.
const TYPE: &str = "fuse.cowry";
const DEVICE: &str = "/dev/fuse";
/// The attribute of the root that tells which process serves the mount. It is in no list.
pub(super) const SERVER: &str = "user.cowry.server";

/// Why a layer could not be mounted. Each message says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FuseError {
    /// There is nothing to mount on.
    #[error("no such directory: {dir}: make it first", dir = dir.display())]
    NoDirectory {
        /// Where to mount.
        dir: PathBuf,
    },
    /// It is something else.
    #[error("not a directory: {dir}: name an empty one", dir = dir.display())]
    NotADirectory {
        /// Where to mount.
        dir: PathBuf,
    },
    /// The mount would hide what is in there.
    #[error("{dir} is not empty: name an empty directory", dir = dir.display())]
    NotEmpty {
        /// Where to mount.
        dir: PathBuf,
    },
    /// A workspace is mounted there already.
    #[error("{dir} is already a mount of {source_name}: `cowry unmount {dir}` first", dir = dir.display())]
    AlreadyMounted {
        /// Where to mount.
        dir: PathBuf,
        /// What is mounted there.
        source_name: String,
    },
    /// Whatever served the mount is gone.
    #[error("{dir} is a mount whose server has died: `cowry unmount {dir}` first", dir = dir.display())]
    Dead {
        /// Where to mount.
        dir: PathBuf,
    },
    /// The kernel has no FUSE, or a container hides it.
    #[error(
        "this machine has no /dev/fuse: load the kernel's module `fuse`, or give the container the device"
    )]
    NoDevice,
    /// The user may not mount.
    #[error("mounting is not permitted: be root, or install fusermount3 (package fuse3)")]
    NotPermitted,
    /// The kernel refuses for another reason.
    #[error("cannot mount on {dir}: {source}", dir = dir.display())]
    Io {
        /// Where to mount.
        dir: PathBuf,
        /// What the host says.
        source: io::Error,
    },
}

/// Looks whether a mount may go to `dir`, and gives its full path.
pub(super) fn check(dir: &Path) -> Result<PathBuf, FuseError> {
    let named = || dir.to_path_buf();
    if let Some(source_name) = mounted_at(dir) {
        return Err(match dir.metadata() {
            Err(error) if is_dead(&error) => FuseError::Dead { dir: named() },
            _ => FuseError::AlreadyMounted { dir: named(), source_name },
        });
    }
    let full = dir.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => FuseError::NoDirectory { dir: named() },
        _ if is_dead(&source) => FuseError::Dead { dir: named() },
        _ => FuseError::Io { dir: named(), source },
    })?;
    if !full.is_dir() {
        return Err(FuseError::NotADirectory { dir: named() });
    }
    let mut entries = full.read_dir().map_err(|source| FuseError::Io { dir: named(), source })?;
    if entries.next().is_some() {
        return Err(FuseError::NotEmpty { dir: named() });
    }
    if !Path::new(DEVICE).exists() {
        return Err(FuseError::NoDevice);
    }
    Ok(full)
}

/// What the failure of mounting means.
pub(super) fn explain(dir: &Path, source: io::Error) -> FuseError {
    match source.kind() {
        // Without the right to mount, fusermount3 was looked for.
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => FuseError::NotPermitted,
        _ => FuseError::Io { dir: dir.to_path_buf(), source },
    }
}

/// Whether a path cannot be looked at because whatever served its mount is gone.
fn is_dead(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotConnected
}

/// The source of the mount of ours that is at `dir`, if there is one.
pub fn mounted_at(dir: &Path) -> Option<String> {
    let full = std::path::absolute(dir).ok()?;
    // A dead mount cannot be resolved, what leads to it can.
    let full = match (full.parent().map(Path::canonicalize), full.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => full,
    };
    let resolved = full.canonicalize().unwrap_or(full);
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    table.lines().rev().find_map(|line| source_at(line, &resolved))
}

/// The source, if the line of `mountinfo` is of a mount of ours at `dir`.
fn source_at(line: &str, dir: &Path) -> Option<String> {
    let (place, what) = line.split_once(" - ")?;
    let at = place.split(' ').nth(4)?;
    let mut what = what.split(' ');
    (what.next()? == TYPE && Path::new(&unescaped(at)) == dir)
        .then(|| unescaped(what.next().unwrap_or_default()))
}

/// A field of `mountinfo`: blanks and backslashes stand there as three octal digits.
fn unescaped(field: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let [first, after @ ..] = rest {
        let digits =
            after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => (bytes.push(byte), rest = &after[3..]).1,
            None => (bytes.push(*first), rest = after).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The process that serves the mount at `dir` and will end with it. `None` if it does more than that.
///
/// # Errors
/// `ENOTCONN` if it has died.
pub fn server_of(dir: &Path) -> io::Result<Option<u32>> {
    let mut digits = [0; 16];
    match rustix::fs::getxattr(dir, SERVER, &mut digits) {
        Ok(length) => Ok(std::str::from_utf8(&digits[..length]).ok().and_then(|digits| digits.parse().ok())),
        Err(rustix::io::Errno::NODATA) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes the mount at `dir` away: `lazily` even if somebody is still in there, who then keeps what is open.
///
/// # Errors
/// `EBUSY` while somebody is in there, `EINVAL` if nothing is mounted there, `EPERM` if another user mounted it.
pub fn unmount(dir: &Path, lazily: bool) -> io::Result<()> {
    let flags = if lazily { MntFlags::MNT_DETACH } else { MntFlags::empty() };
    match umount2(dir, flags) {
        Err(nix::errno::Errno::EPERM) => helped(dir, lazily),
        done => Ok(done?),
    }
}

/// What a user who is not root may do through the helper that mounted it for them.
fn helped(dir: &Path, lazily: bool) -> io::Result<()> {
    let how: &[&str] = if lazily { &["-u", "-q", "-z", "--"] } else { &["-u", "-q", "--"] };
    let mut helper = Command::new("fusermount3");
    let status = helper.args(how).arg(dir).stdin(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(io::ErrorKind::ResourceBusy.into()),
        Err(_) => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_mount_table_is_read() {
        let line = r"36 25 0:31 / /tmp/a\040b rw,nosuid - fuse.cowry /w/my\040site.cowry rw,user_id=0";
        assert_eq!(source_at(line, Path::new("/tmp/a b")).as_deref(), Some("/w/my site.cowry"));
        assert_eq!(source_at(line, Path::new("/tmp/a")), None);
        assert_eq!(source_at(&line.replace("fuse.cowry", "fuse.other"), Path::new("/tmp/a b")), None);
    }

    #[test]
    fn a_backslash_that_escapes_nothing_stays() {
        assert_eq!(unescaped(r"a\b\134c\"), r"a\b\c\");
    }

    #[test]
    fn a_mount_goes_on_an_empty_directory_only() {
        let dir = tempfile::tempdir().expect("a directory for the test");
        let file = dir.path().join("file");
        std::fs::write(&file, "x").expect("a writable directory");
        assert!(matches!(check(dir.path()), Err(FuseError::NotEmpty { .. })));
        assert!(matches!(check(&file), Err(FuseError::NotADirectory { .. })));
        assert!(matches!(check(&dir.path().join("none")), Err(FuseError::NoDirectory { .. })));
    }
}
