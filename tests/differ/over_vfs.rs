//! A layer, used through a [`Vfs`] that checks permissions.

use std::collections::BTreeMap;
use std::sync::Arc;

use cowry_vfs::{
    Access, Credentials, Errno, Error, File, Follow, Ino, Layer, OpenOptions, SetTime, Stat, Vfs, VfsOptions,
};

use super::op::{Op, SLOTS, Step};
use super::subject::{AGED, Answer, Facts, Leaf, Said, Subject, Tree, When};

/// Device nodes that lists make have this number.
pub const RDEV: u64 = 0x0103;

/// A layer under comparison.
#[derive(Debug)]
pub struct VfsSubject {
    name: String,
    vfs: Vfs,
    slots: [Option<File>; SLOTS],
}

impl VfsSubject {
    /// Works in an empty layer, whose root everyone may write.
    ///
    /// # Panics
    /// If the root does not take owner and mode.
    pub fn new(name: impl Into<String>, layer: Arc<dyn Layer>, checks: bool) -> VfsSubject {
        let owned = layer.features().ownership;
        let options = VfsOptions { uid: 0, gid: 0, checks, ..VfsOptions::default() };
        let vfs = Vfs::new(layer, options);
        if owned {
            vfs.chown("/", Some(0), Some(0)).expect("the root can be given to root");
        }
        vfs.chmod("/", 0o777).expect("the root can be opened to everyone");
        VfsSubject { name: name.into(), vfs, slots: Default::default() }
    }

    fn file(&self, slot: usize) -> Result<&File, Errno> {
        self.slots[slot].as_ref().ok_or(Errno::EBADF)
    }

    fn handle(&mut self, op: &Op) -> Answer {
        let no_path = |error: Error| error.errno();
        let file = self.file(op.slot().expect("it is on a handle"))?;
        match op {
            Op::Fwrite { offset, data, .. } => done(file.write_at(data, *offset)),
            Op::Fread { offset, len, .. } => {
                file.read_bytes_at(*offset, *len).map(|bytes| Said::Bytes(bytes.to_vec())).map_err(no_path)
            }
            Op::Ftruncate { size, .. } => done(file.truncate(*size)),
            Op::Fallocate { how, offset, len, .. } => done(file.allocate(*how, *offset, *len)),
            Op::Fchmod { mode, .. } => done(file.chmod(*mode)),
            Op::Fchown { uid, gid, .. } => done(file.chown(*uid, *gid)),
            Op::Futimes { atime, mtime, .. } => done(file.utimes(*atime, *mtime)),
            Op::Fstat { .. } => file.stat().map(|stat| Said::Facts(facts(&stat))).map_err(no_path),
            Op::Close { slot } => {
                self.slots[*slot] = None;
                Ok(Said::Done)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    fn age(&self) {
        for path in self.paths() {
            self.vfs.lutimes(&path, SetTime::Keep, SetTime::At(AGED)).expect("root may set any time");
        }
    }

    fn paths(&self) -> Vec<String> {
        let walk = self.vfs.walk_tree("/").expect("the root is there");
        walk.map(|entry| entry.expect("root may see everything").path.to_string()).collect()
    }

    fn leaf(&self, path: &str, seen: &mut BTreeMap<Ino, String>) -> Leaf {
        let look = |error: Error| panic!("{}: {error}", self.name);
        let stat = self.vfs.lstat(path).unwrap_or_else(look);
        let content = match &stat {
            stat if stat.is_file() => self.vfs.read(path).unwrap_or_else(|error| panic!("{error}")).to_vec(),
            stat if stat.is_symlink() => {
                self.vfs.readlink(path).unwrap_or_else(|error| panic!("{error}")).into_bytes()
            }
            _ => Vec::new(),
        };
        let mut xattrs = BTreeMap::new();
        if stat.is_file() || stat.is_dir() {
            for name in self.vfs.listxattr(path).unwrap_or_default() {
                let value = self.vfs.getxattr(path, &name).expect("it was listed");
                xattrs.insert(name, value.to_vec());
            }
        }
        let first = seen.entry(stat.ino).or_insert_with(|| path.to_owned()).clone();
        Leaf { facts: facts(&stat), content, xattrs, first }
    }
}

fn facts(stat: &Stat) -> Facts {
    Facts {
        kind: stat.kind,
        mode: stat.mode,
        nlink: stat.nlink,
        uid: stat.uid,
        gid: stat.gid,
        rdev: stat.rdev,
        size: if stat.is_dir() { 0 } else { stat.size },
        mtime: When::of(stat.mtime),
    }
}

fn done<T>(result: Result<T, Error>) -> Answer {
    result.map(|_| Said::Done).map_err(|error| error.errno())
}

impl Subject for VfsSubject {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, step: &Step) -> Answer {
        let (uid, gid) = step.who.ids();
        let vfs = self.vfs.with_credentials(Credentials { uid, gid, umask: 0o022 });
        match &step.op {
            Op::Open { slot, path, options } => {
                self.slots[*slot] = None;
                let file = vfs.open(path, *options).map_err(|error| error.errno())?;
                self.slots[*slot] = Some(file);
                Ok(Said::Done)
            }
            Op::Age => {
                self.age();
                Ok(Said::Done)
            }
            op if op.slot().is_some() => self.handle(op),
            op => on_path(&vfs, op),
        }
    }

    fn tree(&mut self) -> Tree {
        let mut seen = BTreeMap::new();
        let paths = self.paths();
        paths.into_iter().map(|path| (path.clone(), self.leaf(&path, &mut seen))).collect()
    }
}

fn on_path(vfs: &Vfs, op: &Op) -> Answer {
    match op {
        Op::Mkdir { path, mode } => done(vfs.mkdir(path, *mode)),
        Op::Mknod { path, kind, mode } => done(vfs.mknod(path, *kind, *mode, RDEV)),
        Op::Symlink { target, path } => done(vfs.symlink(target, path)),
        Op::Link { from, to } => done(vfs.link(from, to)),
        Op::Unlink { path } => done(vfs.unlink(path)),
        Op::Rmdir { path } => done(vfs.rmdir(path)),
        Op::Rename { from, to, mode } => done(vfs.rename(from, to, *mode)),
        Op::Chmod { path, mode } => done(vfs.chmod(path, *mode)),
        Op::Chown { path, follow: Follow::Yes, uid, gid } => done(vfs.chown(path, *uid, *gid)),
        Op::Chown { path, follow: Follow::No, uid, gid } => done(vfs.lchown(path, *uid, *gid)),
        Op::Utimes { path, follow: Follow::Yes, atime, mtime } => done(vfs.utimes(path, *atime, *mtime)),
        Op::Utimes { path, follow: Follow::No, atime, mtime } => done(vfs.lutimes(path, *atime, *mtime)),
        Op::Truncate { path, size } => done(vfs.truncate(path, *size)),
        Op::Access { path, access } => done(vfs.access(path, *access)),
        Op::Setxattr { path, name, value, mode } => done(vfs.setxattr(path, name, value, *mode)),
        Op::Removexattr { path, name } => done(vfs.removexattr(path, name)),
        Op::Put { path, options, data } => put(vfs, path, *options, data),
        _ => look(vfs, op).map_err(|error| error.errno()),
    }
}

fn put(vfs: &Vfs, path: &str, options: OpenOptions, data: &[u8]) -> Answer {
    let file = vfs.open(path, options).map_err(|error| error.errno())?;
    done(file.write_all(data))
}

fn look(vfs: &Vfs, op: &Op) -> Result<Said, Error> {
    Ok(match op {
        Op::Stat { path, follow: Follow::Yes } => Said::Facts(facts(&vfs.stat(path)?)),
        Op::Stat { path, follow: Follow::No } => Said::Facts(facts(&vfs.lstat(path)?)),
        Op::Readlink { path } => Said::Text(vfs.readlink(path)?),
        Op::List { path } => {
            let entries = vfs.read_dir(path)?;
            Said::Names(entries.into_iter().map(|entry| entry.name.to_string()).collect())
        }
        Op::Getxattr { path, name } => Said::Bytes(vfs.getxattr(path, name)?.to_vec()),
        Op::Listxattr { path } => Said::Names(vfs.listxattr(path)?),
        Op::Get { path } => Said::Bytes(vfs.read(path)?.to_vec()),
        _ => {
            vfs.access("/", Access::EXISTS)?;
            Said::Done
        }
    })
}
