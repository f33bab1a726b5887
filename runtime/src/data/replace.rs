//! Files that appear when all of what is in them is there.

use cowry_vfs::{Errno, Error, File, OpenOptions, RenameMode, Result, Stat, Vfs, XattrMode};

/// How many names in a row are tried.
const NAMES: usize = 100;
/// How many links are followed.
const LINKS: usize = 40;

/// A file that is written beside the one it is to take the place of, so that whoever reads that one meanwhile, the
/// writer among them, reads it to its end. Without [`Replacement::finish`] everything stays as it was.
#[derive(Debug)]
pub(crate) struct Replacement {
    vfs: Vfs,
    file: File,
    temporary: String,
    /// What is replaced: no link.
    target: String,
    /// The path as it was asked for, which errors name.
    asked: String,
    /// What is there now.
    old: Option<Stat>,
    is_finished: bool,
}

impl Replacement {
    /// Begins to replace what is at `path`, or at the end of the links there. `seed` makes the name that it has until
    /// then, which is nobody's: one that is taken is left alone.
    ///
    /// # Errors
    /// As opening `path` for writing; `EACCES` where the directory cannot be written; `ELOOP`.
    pub(crate) fn begin(vfs: &Vfs, path: &str, seed: u64) -> Result<Replacement> {
        let update = OpenOptions { write: true, ..OpenOptions::default() };
        let (old, target) = match vfs.open(path, update) {
            Ok(file) => (Some(file.stat()?), vfs.realpath(path)?.to_string()),
            Err(error) if error.errno() == Errno::ENOENT => (None, behind_links(vfs, path)?),
            Err(error) => return Err(error),
        };
        let mode = if old.is_some() { 0o600 } else { 0o666 };
        let (file, temporary) =
            beside(vfs, &target, mode, seed).map_err(|error| told("open", path, &error))?;
        let asked = path.to_owned();
        Ok(Replacement { vfs: vfs.clone(), file, temporary, target, asked, old, is_finished: false })
    }

    /// Appends to it.
    ///
    /// # Errors
    /// As [`File::write_all`].
    pub(crate) fn write_all(&self, data: &[u8]) -> Result<()> {
        self.file.write_all(data).map_err(|error| told("write", &self.asked, &error))
    }

    /// Gives it the extended attributes of what was there.
    fn copy_xattrs(&self) -> Result<()> {
        let names = match self.vfs.listxattr(&self.target) {
            Err(error) if error.errno() == Errno::EOPNOTSUPP => return Ok(()),
            names => names?,
        };
        names.iter().try_for_each(|name| {
            let value = self.vfs.getxattr(&self.target, name)?;
            self.vfs.setxattr(&self.temporary, name, &value, XattrMode::Any)
        })
    }

    /// Puts it in its place, with the owner, the mode and the extended attributes of what was there.
    ///
    /// # Errors
    /// As [`Vfs::rename`].
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(old) = &self.old {
            // Who may write another's file cannot always give one away.
            let _ = self.file.chown(Some(old.uid), Some(old.gid));
            self.file.chmod(old.mode & 0o7777).map_err(|error| told("chmod", &self.asked, &error))?;
            self.copy_xattrs().map_err(|error| told("setxattr", &self.asked, &error))?;
        }
        let moved = self.vfs.rename(&self.temporary, &self.target, RenameMode::Replace);
        self.is_finished = moved.is_ok();
        moved.map_err(|error| told("rename", &self.asked, &error))
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_finished {
            // What went wrong is told; that the rest of it is in the way is not news.
            let _ = self.vfs.unlink(&self.temporary);
        }
    }
}

/// The error under the name that the caller knows.
fn told(op: &'static str, path: &str, error: &Error) -> Error {
    Error::at(op, path, error.errno())
}

/// A new file in the directory of `target`.
fn beside(vfs: &Vfs, target: &str, mode: u32, seed: u64) -> Result<(File, String)> {
    if target.ends_with('/') {
        return Err(Error::at("open", target, Errno::EISDIR));
    }
    let options = OpenOptions { write: true, create: true, exclusive: true, mode, ..OpenOptions::default() };
    for n in 0..NAMES {
        let name = temporary(seed.wrapping_add(n as u64));
        let path = in_dir_of(target, &name);
        match vfs.open(&path, options) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.errno() == Errno::EEXIST => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::at("open", target, Errno::EEXIST))
}

/// Short, so that it fits wherever another does, and nothing that `*.csv` means.
pub(super) fn temporary(number: u64) -> String {
    format!(".cowry-{number:016x}")
}

fn in_dir_of(path: &str, name: &str) -> String {
    match path.rfind('/') {
        Some(at) => format!("{}{name}", &path[..=at]),
        None => name.to_owned(),
    }
}

/// Where a path leads at which there is no file: the end of its links.
fn behind_links(vfs: &Vfs, path: &str) -> Result<String> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match vfs.readlink(&path) {
            Ok(link) if link.starts_with('/') => path = link,
            Ok(link) => path = in_dir_of(&path, &link),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::at("open", path, Errno::ELOOP))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cowry_vfs::{MemoryLayer, VfsOptions};

    use super::*;

    fn tree() -> Vfs {
        let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
        vfs.mkdir("/d", 0o777).expect("an empty tree");
        vfs
    }

    fn names(vfs: &Vfs, dir: &str) -> Vec<String> {
        vfs.read_dir(dir).expect("a directory").iter().map(|entry| entry.name.to_string()).collect()
    }

    fn replace(vfs: &Vfs, path: &str, text: &str) {
        let new = Replacement::begin(vfs, path, 1).expect("it can be written");
        new.write_all(text.as_bytes()).expect("memory takes it");
        new.finish().expect("it can be renamed");
    }

    #[test]
    fn what_is_there_stays_until_the_end_and_keeps_its_mode() {
        let vfs = tree();
        vfs.write("/d/a", b"old").expect("a file");
        vfs.chmod("/d/a", 0o640).expect("its mode");
        vfs.setxattr("/d/a", "user.note", b"kept", XattrMode::Any).expect("an attribute");
        let new = Replacement::begin(&vfs, "/d/a", 1).expect("it can be written");
        new.write_all(b"new").expect("memory takes it");
        assert_eq!(vfs.read_to_string("/d/a").expect("a file"), "old");
        new.finish().expect("it can be renamed");
        assert_eq!(vfs.read_to_string("/d/a").expect("a file"), "new");
        assert_eq!(vfs.stat("/d/a").expect("a file").mode & 0o7777, 0o640);
        assert_eq!(&*vfs.getxattr("/d/a", "user.note").expect("an attribute"), b"kept");
        assert_eq!(names(&vfs, "/d"), ["a"]);
    }

    #[test]
    fn without_an_end_nothing_happened() {
        let vfs = tree();
        vfs.write("/d/a", b"old").expect("a file");
        let new = Replacement::begin(&vfs, "/d/a", 1).expect("it can be written");
        new.write_all(b"new").expect("memory takes it");
        drop(new);
        assert_eq!(vfs.read_to_string("/d/a").expect("a file"), "old");
        assert_eq!(names(&vfs, "/d"), ["a"]);
    }

    #[test]
    fn names_that_are_taken_are_left_alone() {
        let vfs = tree();
        let taken = format!("/d/{}", temporary(1));
        vfs.write(&taken, b"precious").expect("a file");
        replace(&vfs, "/d/a", "new");
        assert_eq!(vfs.read_to_string(&taken).expect("a file"), "precious");
        assert_eq!(vfs.read_to_string("/d/a").expect("a file"), "new");
    }

    #[test]
    fn links_stay_links() {
        let vfs = tree();
        vfs.mkdir("/e", 0o777).expect("a directory");
        vfs.write("/d/real", b"old").expect("a file");
        vfs.symlink("../d/real", "/e/link").expect("a link");
        vfs.symlink("link", "/e/link2").expect("a link");
        vfs.symlink("../d/none", "/e/dangling").expect("a link");
        replace(&vfs, "/e/link2", "new");
        replace(&vfs, "/e/dangling", "made");
        assert_eq!(vfs.read_to_string("/d/real").expect("a file"), "new");
        assert_eq!(vfs.read_to_string("/d/none").expect("a file"), "made");
        assert!(vfs.lstat("/e/link").expect("a link").is_symlink());
        assert_eq!((names(&vfs, "/d"), names(&vfs, "/e").len()), (vec!["none".into(), "real".into()], 3));
    }

    #[test]
    fn errors_name_what_was_asked_for() {
        let vfs = tree();
        let error = |path: &str| Replacement::begin(&vfs, path, 1).expect_err("no file").to_string();
        assert_eq!(error("/no/a"), "ENOENT: no such file or directory, open '/no/a'");
        assert_eq!(error("/d"), "EISDIR: illegal operation on a directory, open '/d'");
        vfs.symlink("loop", "/loop").expect("a link");
        assert!(error("/loop").starts_with("ELOOP"), "{}", error("/loop"));
    }
}
