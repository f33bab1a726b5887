//! What can be named in a session: what completion offers.

use cowry_runtime::{Member, Sandbox};
use cowry_vfs::{DirEntry, Name, VPathBuf, Vfs};

use super::Session;
use crate::error::Result;

impl Session {
    /// Names the properties of what a chain of names stands for, for completion: `["a", "b"]` is `a.b`, and no names
    /// are the global scope. At most `most` that begin with `prefix`, by name. Nothing is evaluated for it, so that
    /// what is behind a getter or a proxy has none.
    ///
    /// # Errors
    /// If there is no sandbox and none can be made.
    pub fn members(&mut self, path: &[String], prefix: &str, most: usize) -> Result<Vec<Member>> {
        let found = self.sandbox()?.members(path, prefix, most);
        if !self.sandbox.as_ref().is_some_and(Sandbox::is_alive) {
            self.sandbox = None;
        }
        Ok(found?)
    }

    /// Entries of a folder whose names begin with `prefix`, at most `most`, by name. A folder that is no absolute path is
    /// one of the working directory. However large the folder is, one page of it is read. A folder that cannot be read
    /// has none.
    ///
    /// # Errors
    /// If the mounts cannot be put together.
    pub fn entries(&mut self, folder: &str, prefix: &str, most: usize) -> Result<Vec<DirEntry>> {
        let folder = if folder.starts_with('/') {
            folder.to_owned()
        } else {
            format!("{}/{folder}", self.cwd().as_str().trim_end_matches('/'))
        };
        Ok(beginning(&self.fs()?, &folder, prefix, most))
    }

    /// The working directory: where the entries went, or the root while there is no sandbox.
    pub fn cwd(&mut self) -> VPathBuf {
        let alive = self.sandbox.as_mut().filter(|sandbox| sandbox.is_alive());
        alive.and_then(|sandbox| sandbox.cwd().ok()).unwrap_or_else(VPathBuf::root)
    }
}

/// Names come in order, and those that begin so come right after the beginning itself.
fn beginning(tree: &Vfs, folder: &str, prefix: &str, most: usize) -> Vec<DirEntry> {
    let after = if prefix.is_empty() { None } else { Some(Name::new(prefix)) };
    let Ok(after) = after.transpose() else { return Vec::new() };
    let itself = after.as_ref().and_then(|name| {
        let path = format!("{}/{prefix}", folder.trim_end_matches('/'));
        let stat = tree.lstat(&path).ok()?;
        Some(DirEntry { name: name.clone(), stat })
    });
    let page = tree.read_dir_page(folder, after.as_ref(), most).unwrap_or_default();
    let begun = page.into_iter().take_while(|entry| entry.name.as_str().starts_with(prefix));
    itself.into_iter().chain(begun).take(most).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cowry_vfs::{MemoryLayer, Overlay, OverlayOptions, VfsOptions};

    use super::{Vfs, beginning};

    /// An overlay over a tree, both with names in one folder.
    fn tree() -> Vfs {
        let lower = Arc::new(MemoryLayer::new());
        let below = Vfs::new(lower.clone(), VfsOptions::default());
        below.mkdir("/d", 0o755).expect("made");
        for i in 0..1000 {
            below.write(&format!("/d/f{i:03}"), b"").expect("written");
        }
        let tree = Vfs::new(Arc::new(Overlay::new(lower, OverlayOptions::default())), VfsOptions::default());
        tree.mkdir("/d/f50-folder", 0o755).expect("made");
        tree.unlink("/d/f501").expect("removed");
        tree.write("/d/f50", b"").expect("written");
        tree
    }

    fn names(folder: &str, prefix: &str, most: usize) -> Vec<String> {
        let found = beginning(&tree(), folder, prefix, most);
        found.iter().map(|entry| entry.name.as_str().to_owned()).collect()
    }

    #[test]
    fn names_that_begin_so_are_found_in_order() {
        assert_eq!(
            names("/d", "f50", 200),
            ["f50", "f50-folder", "f500", "f502", "f503", "f504", "f505", "f506", "f507", "f508", "f509"]
        );
        assert_eq!(names("/", "", 200), ["d"]);
    }

    #[test]
    fn no_more_are_read_than_are_wanted() {
        assert_eq!(names("/d", "", 3), ["f000", "f001", "f002"]);
        assert_eq!(names("/d/", "f", 2), ["f000", "f001"]);
    }

    #[test]
    fn where_there_is_nothing_nothing_is_found() {
        let long = "x".repeat(300);
        for (folder, prefix) in [("/missing", ""), ("/d", "zzz"), ("/d/f000", "x"), ("/d", long.as_str())] {
            assert_eq!(names(folder, prefix, 10), Vec::<String>::new());
        }
    }
}
