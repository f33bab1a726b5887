//! Where modules are read from: the tree of mounts, with the program's own folder as `/program`.

use cowry_vfs::{Errno, Error, Result, Vfs};

use crate::host::Host;

/// Where the folder of the program appears.
const PROGRAM: &str = "/program";

/// The filesystems modules are found in.
#[derive(Clone)]
pub(super) struct Trees {
    vfs: Vfs,
    program: Option<Vfs>,
}

impl Trees {
    pub(super) fn new(host: &Host) -> Trees {
        Trees { vfs: host.vfs.clone(), program: host.program.clone() }
    }

    pub(super) fn is_file(&self, path: &str) -> bool {
        let (vfs, path) = self.locate(path);
        vfs.stat(path).is_ok_and(|stat| stat.is_file())
    }

    pub(super) fn is_dir(&self, path: &str) -> bool {
        let (vfs, path) = self.locate(path);
        vfs.stat(path).is_ok_and(|stat| stat.is_dir())
    }

    /// The path without links: a module is one module however it is reached.
    pub(super) fn real(&self, path: &str) -> String {
        let (vfs, inner) = self.locate(path);
        let Ok(real) = vfs.realpath(inner) else { return path.to_owned() };
        match path.strip_suffix(inner) {
            Some(prefix) if inner.starts_with('/') => format!("{prefix}{real}"),
            _ => real.to_string(),
        }
    }

    /// The text of a file. What is not UTF-8 is replaced, as Node does.
    pub(super) fn text(&self, path: &str) -> Result<String> {
        let bytes = self.bytes(path)?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    pub(super) fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let (vfs, inner) = self.locate(path);
        // The error names the path as the program wrote it.
        let name = |error: Error| Error::at("open", path, error.errno());
        if vfs.stat(inner).map_err(name)?.is_dir() {
            return Err(Error::at("read", path, Errno::EISDIR));
        }
        vfs.read(inner).map(|bytes| bytes.to_vec()).map_err(name)
    }

    /// Whether a path leads into the program's own folder, which has modules and nothing else to read.
    pub(super) fn is_program(&self, path: &str) -> bool {
        self.program.as_ref().is_some_and(|program| std::ptr::eq(self.locate(path).0, program))
    }

    fn locate<'a>(&'a self, path: &'a str) -> (&'a Vfs, &'a str) {
        let below = path.strip_prefix(PROGRAM).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (&self.program, below) {
            (Some(program), Some("")) => (program, "/"),
            (Some(program), Some(rest)) => (program, rest),
            _ => (&self.vfs, path),
        }
    }
}
