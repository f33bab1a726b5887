//! Completion from a session: its globals, its files.

use std::cell::RefCell;
use std::rc::Rc;

use cowry_shell_core::{DirEntry, Member, Name, Session, Vfs};

use super::complete::{MOST, Source};

/// The session that is at the prompt.
#[derive(Debug)]
pub struct SessionSource {
    session: Rc<RefCell<Session>>,
}

impl SessionSource {
    /// Completes from `session`, which runs nothing while there is a prompt.
    pub fn new(session: Rc<RefCell<Session>>) -> SessionSource {
        SessionSource { session }
    }
}

impl Source for SessionSource {
    fn members(&self, path: &[String], prefix: &str) -> Vec<Member> {
        // Completion that fails offers nothing; the entry itself will tell why.
        self.session.borrow_mut().members(path, prefix, MOST).unwrap_or_default()
    }

    fn files(&self, folder: &str, prefix: &str) -> Vec<String> {
        let Ok(tree) = self.session.borrow().fs() else { return Vec::new() };
        beginning(&tree, folder, prefix, MOST)
    }
}

/// Names in a folder that begin so, at most so many, by name; those of folders end in a slash. However large the folder
/// is, only a page of it is read: names come in order, and those that begin so come right after the beginning itself.
pub fn beginning(tree: &Vfs, folder: &str, prefix: &str, most: usize) -> Vec<String> {
    let after = if prefix.is_empty() { None } else { Some(Name::new(prefix)) };
    let Ok(after) = after.transpose() else { return Vec::new() };
    let itself = after.as_ref().and_then(|name| {
        let path = format!("{}/{prefix}", folder.trim_end_matches('/'));
        let stat = tree.lstat(&path).ok()?;
        Some(DirEntry { name: name.clone(), stat })
    });
    let page = tree.read_dir_page(folder, after.as_ref(), most).unwrap_or_default();
    let begun = page.into_iter().take_while(|entry| entry.name.as_str().starts_with(prefix));
    let slashed = |entry: DirEntry| {
        let path = format!("{}/{}", folder.trim_end_matches('/'), entry.name);
        let is_dir =
            entry.stat.is_dir() || entry.stat.is_symlink() && tree.stat(&path).is_ok_and(|s| s.is_dir());
        format!("{}{}", entry.name, if is_dir { "/" } else { "" })
    };
    itself.into_iter().chain(begun).take(most).map(slashed).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cowry_shell_core::vfs::{MemoryLayer, Overlay, OverlayOptions, VfsOptions};

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
        tree.symlink("/d", "/d/g-link").expect("linked");
        tree
    }

    #[test]
    fn names_that_begin_so_are_found_in_order() {
        let names = beginning(&tree(), "/d", "f50", 200);
        assert_eq!(
            names,
            ["f50", "f50-folder/", "f500", "f502", "f503", "f504", "f505", "f506", "f507", "f508", "f509"]
        );
        assert_eq!(beginning(&tree(), "/", "", 200), ["d/"]);
        assert_eq!(beginning(&tree(), "/d/", "g", 200), ["g-link/"]);
    }

    #[test]
    fn no_more_are_read_than_are_wanted() {
        assert_eq!(beginning(&tree(), "/d", "", 3), ["f000", "f001", "f002"]);
        assert_eq!(beginning(&tree(), "/d", "f", 2), ["f000", "f001"]);
    }

    #[test]
    fn where_there_is_nothing_nothing_is_found() {
        for (folder, prefix) in [("/missing", ""), ("/d", "zzz"), ("/d/f000", "x"), ("/d", &*"x".repeat(300))]
        {
            assert_eq!(beginning(&tree(), folder, prefix, 10), Vec::<String>::new());
        }
    }
}
