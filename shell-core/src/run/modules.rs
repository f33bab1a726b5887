//! The folder that a program lies in, as far as its modules are concerned.
//!
//! A program may lie in a home directory. What could not be a module of it is not there: names that begin with a
//! dot, files that are not called as modules are, devices and pipes. This holds against a sandbox that speaks the
//! protocol by itself: a node is served only after it was found by a name that is served.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cowry_vfs::{DirEntry, Errno, Features, FileType, Ino, Layer, Name, NodeResult, SeekTo, Stat};

/// What the name of a module ends with.
const EXTENSIONS: [&str; 9] = ["js", "mjs", "cjs", "ts", "mts", "cts", "tsx", "jsx", "json"];
/// Where a package manager keeps the packages that the links in `node_modules` lead to.
const PACKAGES: &str = ".pnpm";
/// How many entries are asked for at once.
const PAGE: usize = 1024;

#[derive(Debug)]
pub(crate) struct Modules {
    inner: Arc<dyn Layer>,
    /// The program itself, whatever it is called.
    main: Name,
    /// The nodes that were found by a name that is served.
    shown: Mutex<HashSet<Ino>>,
}

impl Modules {
    /// Shows the modules in a folder, and the file `main` in it.
    pub fn new(inner: Arc<dyn Layer>, main: Name) -> Modules {
        let shown = Mutex::new(HashSet::from([inner.root()]));
        Modules { inner, main, shown }
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, HashSet<Ino>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a node that no served name has led to: numbers can be guessed.
    fn check(&self, ino: Ino) -> NodeResult<()> {
        if self.shown().contains(&ino) { Ok(()) } else { Err(Errno::ESTALE.into()) }
    }

    /// Whether anything by this name may be served, whatever it is.
    fn is_open(&self, parent: Ino, name: &Name) -> bool {
        !name.starts_with('.') || &**name == PACKAGES || self.is_main(parent, name)
    }

    fn is_main(&self, parent: Ino, name: &Name) -> bool {
        parent == self.inner.root() && *name == self.main
    }

    /// Whether a node is served by this name.
    fn serves(&self, parent: Ino, name: &Name, stat: &Stat) -> bool {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        self.is_open(parent, name)
            && match stat.kind {
                FileType::Directory => true,
                FileType::Regular => {
                    extension.is_some_and(|it| EXTENSIONS.contains(&it)) || self.is_main(parent, name)
                }
                // It leads to what is served or nowhere. One that begins at the host's root leads nowhere, and would
                // only tell what the host looks like.
                FileType::Symlink => {
                    self.inner.readlink(stat.ino).is_ok_and(|target| !target.starts_with('/'))
                }
                _ => false,
            }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Modules {
    cowry_vfs::refuse_changes!();
    cowry_vfs::pass_on!(inner: name, root, statfs);

    fn features(&self) -> Features {
        Features { writable: false, ..self.inner.features() }
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.check(parent)?;
        if !self.is_open(parent, name) {
            return Err(Errno::ENOENT.into());
        }
        let stat = self.inner.lookup(parent, name)?;
        if !self.serves(parent, name, &stat) {
            return Err(Errno::ENOENT.into());
        }
        self.shown().insert(stat.ino);
        Ok(stat)
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.check(ino)?;
        self.inner.getattr(ino)
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.check(dir)?;
        let mut served = Vec::new();
        let mut last = after.cloned();
        // What is left out does not count: a page is short only at the end.
        while served.len() < limit {
            let page = self.inner.readdir(dir, last.as_ref(), PAGE)?;
            let is_end = page.len() < PAGE;
            last = page.last().map(|entry| entry.name.clone());
            served.extend(page.into_iter().filter(|entry| self.serves(dir, &entry.name, &entry.stat)));
            if is_end {
                break;
            }
        }
        served.truncate(limit);
        self.shown().extend(served.iter().map(|entry| entry.stat.ino));
        Ok(served)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.check(ino)?;
        self.inner.readlink(ino)
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.check(ino)?;
        self.inner.read(ino, offset, len)
    }

    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        self.check(ino).is_err() || self.inner.will_need(ino, offset, len)
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.check(ino)?;
        self.inner.seek(ino, offset, to)
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.check(ino)?;
        self.inner.open(ino)
    }

    fn release(&self, ino: Ino) {
        if self.check(ino).is_ok() {
            self.inner.release(ino);
        }
    }

    fn getxattr(&self, _: Ino, _: &str) -> NodeResult<Bytes> {
        Err(Errno::ENODATA.into())
    }

    fn listxattr(&self, _: Ino) -> NodeResult<Vec<String>> {
        // Modules need none.
        Ok(Vec::new())
    }

    fn fsync(&self, _: Option<Ino>) -> NodeResult<()> {
        Ok(())
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cowry_vfs::{MemoryLayer, Vfs, VfsOptions};

    fn name(text: &str) -> Name {
        Name::new(text).expect("a good name")
    }

    fn folder() -> (Arc<dyn Layer>, Modules) {
        let inner: Arc<dyn Layer> = Arc::new(MemoryLayer::new());
        let tree = Vfs::new(inner.clone(), VfsOptions::default());
        for dir in ["/.ssh", "/.docker", "/src", "/node_modules/.pnpm/a", "/node_modules/.bin"] {
            tree.mkdir_all(dir, 0o755).expect(dir);
        }
        let files = ["/.ssh/id.json", "/.docker/config.json", "/.npmrc", "/notes.txt", "/job", "/src/job"];
        for file in files.into_iter().chain(["/a.ts", "/package.json", "/node_modules/.pnpm/a/index.js"]) {
            tree.write(file, file.as_bytes()).expect(file);
        }
        tree.symlink(".docker/config.json", "/link.json").expect("a link");
        tree.symlink("/etc/passwd", "/passwd.json").expect("a link");
        tree.symlink(".pnpm/a", "/node_modules/a").expect("a link");
        (inner.clone(), Modules::new(inner, name("job")))
    }

    #[test]
    fn only_what_could_be_a_module_is_served() {
        let (_, modules) = folder();
        let tree = Vfs::new(Arc::new(modules), VfsOptions::default());
        for file in ["/a.ts", "/package.json", "/job", "/node_modules/a/index.js"] {
            assert!(tree.read(file).is_ok(), "{file}");
        }
        let hidden = ["/.ssh/id.json", "/.docker/config.json", "/.npmrc", "/notes.txt", "/src/job"];
        for file in hidden.into_iter().chain(["/link.json", "/passwd.json", "/node_modules/.bin"]) {
            assert_eq!(tree.stat(file).expect_err(file).errno(), Errno::ENOENT, "{file}");
        }
        let names: Vec<String> =
            tree.read_dir("/").expect("listed").iter().map(|entry| entry.name.to_string()).collect();
        assert_eq!(names, ["a.ts", "job", "link.json", "node_modules", "package.json", "src"]);
    }

    #[test]
    fn a_node_that_was_not_found_by_its_name_is_not_served() {
        let (inner, modules) = folder();
        modules.readdir(modules.root(), None, 100).expect("listed");
        let hidden = inner.lookup(inner.root(), &name(".ssh")).expect("there").ino;
        let secret = inner.lookup(hidden, &name("id.json")).expect("there").ino;
        assert_eq!(modules.read(secret, 0, 100).expect_err("hidden"), Errno::ESTALE);
        assert_eq!(modules.getattr(secret).expect_err("hidden"), Errno::ESTALE);
        assert_eq!(modules.lookup(hidden, &name("id.json")).expect_err("hidden"), Errno::ESTALE);
        assert_eq!(modules.readdir(hidden, None, 100).expect_err("hidden"), Errno::ESTALE);
    }

    #[test]
    fn pages_are_short_only_at_the_end() {
        let (_, modules) = folder();
        let all = modules.readdir(modules.root(), None, 100).expect("listed");
        let mut paged: Vec<DirEntry> = Vec::new();
        loop {
            let after = paged.last().map(|entry| entry.name.clone());
            let page = modules.readdir(modules.root(), after.as_ref(), 2).expect("listed");
            let is_end = page.len() < 2;
            paged.extend(page);
            if is_end {
                break;
            }
        }
        let names = |list: &[DirEntry]| list.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&paged), names(&all));
    }
}
