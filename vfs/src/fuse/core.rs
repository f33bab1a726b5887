//! What both threads of a mount share, and the operations that change nothing.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::dirs::Dirs;
use super::known::Known;
use super::place::SERVER;
use super::{Elsewhere, FuseOptions};
use crate::clock::Clock;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, Stat, StatFs};
use crate::path::Name;

/// A day: as long as anybody believes anything.
const LONG: Duration = Duration::from_secs(86_400);
/// How long the kernel may go on believing what the worker would tell it had changed: the names beyond the first one
/// of a file with several are not told.
const WATCHED: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_secs(1);

/// A layer and what the kernel was told of it.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) layer: Arc<dyn Layer>,
    pub(super) root: Ino,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) known: Mutex<Known>,
    pub(super) dirs: Mutex<Dirs>,
    /// Inodes whose changes were acknowledged and then could not be committed; `fsync` says so.
    pub(super) lost: Mutex<HashSet<Ino>>,
    /// How long the kernel may believe a name or attributes.
    pub(super) validity: Duration,
    /// How long it may believe that there is no such name.
    pub(super) negative_validity: Duration,
    /// Whether the kernel has to find out by itself that content has changed.
    pub(super) finds_out: bool,
    /// Whether the layer is over a network: it is told of opening and closing, since it sends what was written when the last
    /// handle goes, and is asked for attributes file by file.
    pub(super) remote: bool,
    space: Option<PathBuf>,
    ends_with_it: bool,
}

impl Core {
    pub(super) fn new(layer: Arc<dyn Layer>, options: &FuseOptions) -> Core {
        let fixed = layer.features().immutable || matches!(options.elsewhere, Elsewhere::Never);
        let watched = matches!(options.elsewhere, Elsewhere::Watched(_));
        Core {
            root: layer.root(),
            clock: options.clock.clone(),
            known: Mutex::default(),
            dirs: Mutex::default(),
            lost: Mutex::default(),
            validity: if fixed {
                LONG
            } else if watched {
                WATCHED
            } else {
                SHORT
            },
            negative_validity: if fixed { LONG } else { SHORT },
            finds_out: !fixed && !watched,
            remote: layer.features().remote,
            space: options.space.clone(),
            ends_with_it: options.ends_with_it,
            layer,
        }
    }

    pub(super) fn lookup(&self, layer: &dyn Layer, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let mut stat = layer.lookup(parent, name)?;
        if self.remote && stat.is_file() {
            stat = layer.getattr(stat.ino)?;
        }
        self.known.lock().tell(&stat, parent, name);
        Ok(stat)
    }

    pub(super) fn getattr(&self, layer: &dyn Layer, ino: Ino) -> NodeResult<Stat> {
        let stat = layer.getattr(ino)?;
        self.known.lock().refresh(&stat);
        Ok(stat)
    }

    pub(super) fn getxattr(&self, layer: &dyn Layer, ino: Ino, name: &str) -> NodeResult<Bytes> {
        if ino == self.root && name == SERVER && self.ends_with_it {
            return Ok(std::process::id().to_string().into_bytes().into());
        }
        // What the kernel looks for by itself is not there to be looked for.
        if name.starts_with("user.") { layer.getxattr(ino, name) } else { Err(Errno::EOPNOTSUPP.into()) }
    }

    pub(super) fn listxattr(&self, layer: &dyn Layer, ino: Ino) -> NodeResult<Bytes> {
        let names = layer.listxattr(ino)?;
        Ok(names.iter().flat_map(|name| name.bytes().chain([0])).collect())
    }

    /// How full it is. Where the layer has no bound, the host's is one.
    pub(super) fn statfs(&self, layer: &dyn Layer) -> NodeResult<StatFs> {
        let stat = layer.statfs()?;
        let host = self.space.as_ref().and_then(|dir| rustix::fs::statvfs(dir).ok());
        let free = host.as_ref().map_or(1 << 50, |host| host.f_bavail.saturating_mul(host.f_frsize));
        let inodes = host.map_or(1 << 32, |host| host.f_favail.max(1 << 20));
        Ok(StatFs {
            total_bytes: stat.total_bytes.min(stat.used_bytes.saturating_add(free)),
            total_inodes: stat.total_inodes.min(stat.used_inodes.saturating_add(inodes)),
            ..stat
        })
    }

    /// Says once of each inode whose acknowledged changes were lost that they were.
    pub(super) fn confess(&self, ino: Ino) -> NodeResult<()> {
        if self.lost.lock().remove(&ino) { Err(Errno::EIO.into()) } else { Ok(()) }
    }
}
