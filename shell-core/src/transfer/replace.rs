//! A file of the host that is written as a whole: whoever looks at it sees what was there or what comes, never a part.
//!
//! It is written without a name, or beside its place where a filesystem has no such files, and renamed at the end. What
//! cannot be replaced is written where it is: pipes, devices, `/dev/stdout`, a file in a folder that takes no new ones, a
//! file that is itself a mount.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::{Builder, NamedTempFile};

use crate::error::Error;

/// How many symbolic links may lead to a file.
const LINKS_MAX: usize = 40;

/// Has `fill` write a file, which it gets empty, and puts it in its place if that succeeds. A file that was there keeps its
/// mode and, as far as may be, its owner; its further names keep the old content. Symbolic links are followed.
///
/// `fill` is called again, with the file itself, where that cannot be replaced after all.
///
/// # Errors
/// Those of `fill`; [`Error::Host`] if the file cannot be made or written. What was there stays then, unless it cannot be
/// replaced.
pub fn replace<T, E: From<Error>>(path: &Path, mut fill: impl FnMut(&File) -> Result<T, E>) -> Result<T, E> {
    let failed = |error: io::Error| E::from(Error::host("write", path, error));
    if let Some(place) = place(path).map_err(failed)? {
        match Draft::beside(&place) {
            Err(error) if is_irreplaceable(&error) && place.exists() => {}
            draft => {
                let draft = draft.map_err(failed)?;
                let done = fill(draft.file())?;
                match draft.put(&place) {
                    Err(error) if is_irreplaceable(&error) => {}
                    put => return put.map(|()| done).map_err(failed),
                }
            }
        }
    }
    fill(&File::create(path).map_err(failed)?)
}

/// Where the regular file is, or will be, that a path leads to. `None`: it leads to something else, or to what another
/// process has open and goes on writing to.
fn place(path: &Path) -> io::Result<Option<PathBuf>> {
    let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => drop(File::options().write(true).open(path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_folder => {}
        Ok(_) => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Some(name) = path.file_name() else { return Ok(None) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
        if folder.starts_with("/proc") {
            return Ok(None);
        }
        let place = folder.join(name);
        match fs::read_link(&place) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(Some(place)),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// Whether an error says that no other file can be put there, so that the one that is there may be written.
fn is_irreplaceable(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let cannot = [Errno::PERM, Errno::ACCESS, Errno::ROFS, Errno::BUSY, Errno::XDEV, Errno::OPNOTSUPP];
    errno.is_some_and(|errno| cannot.contains(&errno))
}

/// A file that has no name yet, or another one.
enum Draft {
    Unnamed(File),
    Named(NamedTempFile<File>),
}

impl Draft {
    fn beside(place: &Path) -> io::Result<Draft> {
        let folder = folder(place);
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
        if let Ok(file) = rustix::fs::open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode) {
            return Ok(Draft::Unnamed(file.into()));
        }
        let make =
            |path: &Path| File::options().read(true).write(true).create_new(true).mode(0o666).open(path);
        Ok(Draft::Named(names().make_in(folder, make)?))
    }

    fn file(&self) -> &File {
        match self {
            Draft::Unnamed(file) => file,
            Draft::Named(file) => file.as_file(),
        }
    }

    fn put(self, place: &Path) -> io::Result<()> {
        if let Ok(there) = fs::metadata(place) {
            become_like(self.file(), &there)?;
        }
        match self {
            Draft::Unnamed(file) => {
                let link = |path: &Path| link(&file, path);
                names().make_in(folder(place), link)?.persist(place).map_err(|error| error.error)?;
            }
            Draft::Named(file) => drop(file.persist(place).map_err(|error| error.error)?),
        }
        Ok(())
    }
}

/// Takes over what belongs to the file and not to its content, and is on the disk before the old file is gone.
fn become_like(file: &File, there: &fs::Metadata) -> io::Result<()> {
    // Only root can give files away; others own what they write.
    let _ = fchown(file, Some(there.uid()), Some(there.gid()));
    file.set_permissions(fs::Permissions::from_mode(there.mode() & 0o777))?;
    file.sync_all()
}

fn link(file: &File, path: &Path) -> io::Result<()> {
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

fn names() -> Builder<'static, 'static> {
    let mut names = Builder::new();
    names.prefix(".cowry-");
    names
}

fn folder(place: &Path) -> &Path {
    place.parent().expect("a place has a folder")
}
