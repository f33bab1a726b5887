//! Opening files.

use crate::errno::{Errno, NodeResult, Result};
use crate::fs::{Access, Context, File, FsEventKind, OpenOptions, Vfs};
use crate::layer::Layer;
use crate::node::{FileType, Ino, NewAttr, NewNode, SetAttr, Stat};
use crate::path::{Name, VPathBuf};
use crate::walk::{Last, Node, Walk};

/// How often a file that is removed between lookup and open is looked up again.
const RETRIES: usize = 8;

/// An open file, and whether this call made it.
pub(super) struct Opened {
    pub file: File,
    pub created: bool,
}

/// What resolution found: a node, or the place where one would be made.
pub(super) enum Spot {
    Node(Node, VPathBuf),
    Free { dir: Node, name: Name },
}

impl Vfs {
    /// Opens a file or, for reading only, a directory. The handle keeps content alive past the last unlink.
    ///
    /// # Errors
    /// - `EINVAL` for options that make no sense together or open nothing.
    /// - `EEXIST` by `exclusive`; `ELOOP` by `no_follow`; `ENOTDIR` by `directory` or a trailing slash.
    /// - `EISDIR` for a directory opened for writing or with `create`.
    /// - `ENXIO` for FIFOs, sockets and device nodes.
    /// - `EROFS`, `EACCES`; and as [`Vfs::stat`].
    pub fn open(&self, path: &str, options: OpenOptions) -> Result<File> {
        Ok(self.open_with(path, &options, b"")?.file)
    }

    /// Opens a file; one that this call makes has `content` from the start.
    pub(super) fn open_with(&self, path: &str, options: &OpenOptions, content: &[u8]) -> Result<Opened> {
        const OP: &str = "open";
        check_options(options).at(OP, path)?;
        for _ in 0..RETRIES {
            match self.try_open(path, options, content) {
                // Removed, or made by another, between looking and opening: look again.
                Err(error) if error == Errno::ESTALE => {}
                Err(error) if error == Errno::EEXIST && !options.exclusive => {}
                opened => return opened.at(OP, path),
            }
        }
        Err(Errno::ENOENT.into()).at(OP, path)
    }

    fn try_open(&self, path: &str, options: &OpenOptions, content: &[u8]) -> NodeResult<Opened> {
        let table = self.table();
        let mut walk = self.walk(&table, path)?;
        let (node, place, created) = match find_spot(&mut walk, path, options)? {
            Spot::Node(node, place) => (node, place, false),
            Spot::Free { dir, name } => {
                dir.mount.want_write()?;
                self.credentials.need_entries(&dir)?;
                let attr = self.new_attr(&dir, FileType::Regular, options.mode);
                let stat = make_open(&*dir.mount.layer, dir.ino(), &name, NewNode::File(content), &attr)?;
                let place = walk.path().join(&name);
                self.tell(FsEventKind::Create, || place.clone());
                (Node { mount: dir.mount, stat }, place, true)
            }
        };
        if !created {
            self.check_open(&node, options)?;
        }
        if !created {
            node.mount.layer.open(node.ino())?;
        }
        let file = File::new(self.shared.clone(), self.credentials, node, *options, (path, place));
        if options.truncate && !created {
            file.before_write()?;
            file.node().mount.layer.setattr(file.node().ino(), &SetAttr::size(0))?;
            file.tell_modified();
        }
        Ok(Opened { file, created })
    }

    /// Whether what is there can be opened so. A file this call made can, whatever its mode.
    fn check_open(&self, node: &Node, options: &OpenOptions) -> NodeResult<()> {
        match node.stat.kind {
            FileType::Directory if options.writes() || options.create => return Err(Errno::EISDIR.into()),
            FileType::Directory => {}
            FileType::Symlink if options.directory => return Err(Errno::ENOTDIR.into()),
            FileType::Symlink => return Err(Errno::ELOOP.into()),
            _ if options.directory => return Err(Errno::ENOTDIR.into()),
            FileType::Regular => {}
            _ => return Err(Errno::ENXIO.into()),
        }
        self.credentials
            .need(node, Access { read: options.read, write: options.writes(), execute: false })?;
        if options.writes() { node.mount.want_write() } else { Ok(()) }
    }
}

/// Makes a file and pins it. A layer that holds writes back until a file is closed, which has no transactions, learns by the
/// batch that there is no need to write an empty one first.
fn make_open(
    layer: &dyn Layer,
    dir: Ino,
    name: &Name,
    node: NewNode<'_>,
    attr: &NewAttr,
) -> NodeResult<Stat> {
    let make = |layer: &dyn Layer| {
        let stat = layer.create(dir, name, node, attr)?;
        layer.open(stat.ino).map(|()| stat)
    };
    if layer.features().transactions {
        return make(layer);
    }
    let mut made = None;
    layer.batch(&mut |layer| {
        made = Some(make(layer)?);
        Ok(())
    })?;
    made.ok_or_else(|| Errno::EIO.into())
}

fn check_options(options: &OpenOptions) -> NodeResult<()> {
    let opens = options.read || options.writes();
    let conflict = (options.truncate && !options.writes())
        || (options.exclusive && !options.create)
        || (options.create && options.directory);
    if opens && !conflict { Ok(()) } else { Err(Errno::EINVAL.into()) }
}

/// Follows links at the end of the path as far as the options allow: a dangling one leads to the place
/// where `create` makes its target.
pub(super) fn find_spot(walk: &mut Walk<'_>, path: &str, options: &OpenOptions) -> NodeResult<Spot> {
    let mut path = path.to_owned();
    loop {
        let aim = walk.aim(&path)?;
        if let Last::Unfit(errno) = aim.last {
            return Err(errno.into());
        }
        let Last::Name(name) = aim.last else {
            let exclusive = options.create && options.exclusive;
            return if exclusive { Err(Errno::EEXIST.into()) } else { Ok(Spot::Node(aim.dir, walk.path())) };
        };
        if aim.slash && options.create {
            return Err(Errno::EISDIR.into());
        }
        let node = match walk.child(&name) {
            Err(error) if error == Errno::ENOENT && options.create => {
                return Ok(Spot::Free { dir: aim.dir, name });
            }
            found => found?,
        };
        if options.create && options.exclusive {
            return Err(Errno::EEXIST.into());
        }
        if !node.stat.is_symlink() || (options.no_follow && !aim.slash) {
            if aim.slash {
                node.need_dir()?;
            }
            return Ok(Spot::Node(node, walk.path().join(&name)));
        }
        let mut target = walk.expand(&node)?;
        if aim.slash {
            target.push('/');
        }
        path = target;
    }
}
