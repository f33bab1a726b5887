//! Path resolution, written once: symbolic links, `.` and `..`, trailing slashes, mounts, limits.

use std::sync::Arc;

use crate::errno::{Errno, NodeResult};
use crate::fs::{Credentials, Follow};
use crate::mount::{Mount, MountTable};
use crate::node::{Ino, Stat};
use crate::path::{Name, PATH_MAX, SYMLINK_MAX, VPathBuf};

/// A node and the mount it is in.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub mount: Arc<Mount>,
    pub stat: Stat,
}

impl Node {
    pub fn ino(&self) -> Ino {
        self.stat.ino
    }

    /// # Errors
    /// `ENOTDIR` if it is none.
    pub fn need_dir(&self) -> NodeResult<()> {
        if self.stat.is_dir() { Ok(()) } else { Err(Errno::ENOTDIR.into()) }
    }

    pub fn same(&self, other: &Node) -> bool {
        self.mount.id == other.mount.id && self.ino() == other.ino()
    }
}

/// The last component of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    Name(Name),
    /// What is no name, being too long: it is refused where it is looked up, and not before.
    Unfit(Errno),
    Dot,
    DotDot,
    Root,
}

impl Last {
    /// The name, or the error that the operation has for `.`, `..` and `/`.
    pub fn name_or(self, errno: Errno) -> NodeResult<Name> {
        match self {
            Last::Name(name) => Ok(name),
            Last::Unfit(errno) => Err(errno.into()),
            _ => Err(errno.into()),
        }
    }
}

/// Where an operation on an entry aims: the directory, the last component, whether a slash follows it.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    pub dir: Node,
    pub last: Last,
    pub slash: bool,
}

/// One resolution under way. The trail from the root is kept, which is what `..` and `realpath` read.
pub(crate) struct Walk<'a> {
    pub table: &'a MountTable,
    credentials: &'a Credentials,
    trail: Vec<(Name, Node)>,
    root: Node,
    links: usize,
}

impl<'a> Walk<'a> {
    /// A walk that stands in `cwd`, or in the root where `path` is absolute.
    ///
    /// # Errors
    /// `ENOENT` for an empty path, `ENAMETOOLONG`, `EINVAL` for a NUL; what `cwd` gives.
    pub fn begin(
        table: &'a MountTable,
        credentials: &'a Credentials,
        cwd: &VPathBuf,
        path: &str,
    ) -> NodeResult<Walk<'a>> {
        if path.is_empty() {
            return Err(Errno::ENOENT.into());
        }
        if path.len() > PATH_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        if path.contains('\0') {
            return Err(Errno::EINVAL.into());
        }
        let layer = &table.root.layer;
        let root = Node { mount: table.root.clone(), stat: layer.getattr(layer.root())? };
        let mut walk = Walk { table, credentials, trail: Vec::new(), root, links: 0 };
        if !path.starts_with('/') && !cwd.is_root() {
            walk.descend(cwd)?;
        }
        Ok(walk)
    }

    /// The node the walk stands on.
    pub fn here(&self) -> &Node {
        self.trail.last().map_or(&self.root, |(_, node)| node)
    }

    /// The path from the root to where the walk stands, free of links.
    pub fn path(&self) -> VPathBuf {
        VPathBuf::of_names(self.trail.iter().map(|(name, _)| name))
    }

    /// Whether the walk stands on `node` or below it.
    pub fn passed(&self, node: &Node) -> bool {
        self.root.same(node) || self.trail.iter().any(|(_, passed)| passed.same(node))
    }

    /// Resolves `path` and returns its node.
    pub fn find(&mut self, path: &str, follow: Follow) -> NodeResult<Node> {
        if follow == Follow::No && !path.ends_with('/') {
            let aim = self.aim(path)?;
            if let Last::Name(name) = aim.last {
                let node = self.child(&name)?;
                self.trail.push((name, node.clone()));
                return Ok(node);
            }
            if let Last::Unfit(errno) = aim.last {
                return Err(errno.into());
            }
            return Ok(self.here().clone());
        }
        self.descend(path)?;
        Ok(self.here().clone())
    }

    /// Resolves everything but the last component, and leaves the walk in the directory that holds it
    /// (for `.`, `..` and `/`: on what they mean).
    pub fn aim(&mut self, path: &str) -> NodeResult<Aim> {
        let trimmed = path.trim_end_matches('/');
        let slash = trimmed.len() < path.len();
        if trimmed.is_empty() {
            self.trail.clear();
            return Ok(Aim { dir: self.here().clone(), last: Last::Root, slash });
        }
        let (prefix, last) = match trimmed.rfind('/') {
            Some(cut) => trimmed.split_at(cut + 1),
            None => ("", trimmed),
        };
        self.descend(prefix)?;
        self.need_search()?;
        let last = match last {
            "." => Last::Dot,
            ".." => {
                self.trail.pop();
                Last::DotDot
            }
            name => Name::new(name).map_or_else(|error| Last::Unfit(error.errno()), Last::Name),
        };
        Ok(Aim { dir: self.here().clone(), last, slash })
    }

    /// The entry `name` of the directory the walk stands in; mounts are crossed, links are not followed.
    pub fn child(&self, name: &Name) -> NodeResult<Node> {
        let Node { mount, stat } = self.here();
        if let Some(mounted) = self.table.covering(mount.id, stat.ino, name) {
            let stat = mounted.layer.getattr(mounted.layer.root())?;
            return Ok(Node { mount: mounted.clone(), stat });
        }
        let stat = mount.layer.lookup(stat.ino, name)?;
        Ok(Node { mount: mount.clone(), stat })
    }

    /// As [`Walk::child`], with `None` for what does not exist.
    pub fn child_if_any(&self, name: &Name) -> NodeResult<Option<Node>> {
        match self.child(name) {
            Ok(node) => Ok(Some(node)),
            Err(error) if error == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts one more link and returns its target.
    pub fn expand(&mut self, link: &Node) -> NodeResult<String> {
        self.links += 1;
        if self.links > SYMLINK_MAX {
            return Err(Errno::ELOOP.into());
        }
        link.mount.layer.readlink(link.ino())
    }

    /// Moves along `path`, following every link. A trailing slash demands a directory.
    /// Recursion is as deep as links are nested, which is bounded.
    fn descend(&mut self, path: &str) -> NodeResult<()> {
        if path.starts_with('/') {
            self.trail.clear();
        }
        for part in path.split('/').filter(|part| !part.is_empty()) {
            self.step(part)?;
        }
        if path.ends_with('/') { self.here().need_dir() } else { Ok(()) }
    }

    fn step(&mut self, part: &str) -> NodeResult<()> {
        self.need_search()?;
        match part {
            "." => {}
            ".." => {
                self.trail.pop();
            }
            part => {
                let name = Name::new(part)?;
                let node = self.child(&name)?;
                if node.stat.is_symlink() {
                    let target = self.expand(&node)?;
                    return self.descend(&target);
                }
                self.trail.push((name, node));
            }
        }
        Ok(())
    }

    /// Entries of this node may be looked up: it is a directory and may be searched.
    fn need_search(&self) -> NodeResult<()> {
        let here = self.here();
        here.need_dir()?;
        self.credentials.need_search(here)
    }
}
