//! A layer as a filesystem of the kernel: any program can work on it.
//!
//! The kernel walks the paths, checks the permissions (`default_permissions`) and keeps the locks; what reaches this
//! module is inode by inode, as a [`Layer`] has it. One thread takes the kernel's requests; whatever changes the layer is
//! done by another one, the *worker*, inside a [`Layer::batch`] that it holds open for a fraction of a second: a thousand
//! files made in a row are one transaction. `fsync` ends the batch, so what it answered for is as durable as the layer
//! makes its transactions; so does unmounting. While no batch is open, reads are answered without the worker.
//!
//! The kernel caches names, attributes and content. Where others may write the layer too, the worker asks now and then
//! whether they have ([`Elsewhere::Watched`]) and tells the kernel what to forget.

mod answer;
mod convert;
mod core;
mod dirs;
mod edit;
mod fetch;
mod gather;
mod known;
mod list;
mod place;
mod server;
mod stale;
mod worker;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use fuser::{Config, MountOption, Session, SessionACL};
use parking_lot::{Condvar, Mutex};

use self::core::Core;
use self::server::Server;
use self::worker::Worker;
use crate::clock::{Clock, SystemClock};
use crate::errno::NodeResult;
use crate::layer::Layer;

pub use self::place::{FuseError, mounted_at, server_of, unmount};

/// Answers with a number that differs whenever somebody else has changed the layer.
pub type Version = Arc<dyn Fn() -> NodeResult<u64> + Send + Sync>;

/// Who else may change the layer while it is mounted, which decides how long the kernel may believe what it was told.
#[derive(Clone)]
pub enum Elsewhere {
    /// Nobody.
    Never,
    /// Others, and this tells whether they did: asked four times a second while nothing else happens, and before each
    /// batch of changes.
    Watched(Version),
    /// Others, and nothing tells: the kernel asks again after a second.
    Unknown,
}

/// How to mount a layer.
#[derive(Clone)]
pub struct FuseOptions {
    /// What `/proc/mounts` names as the source, such as the path of the workspace.
    pub source: String,
    /// Whether the kernel refuses every change with `EROFS`.
    pub read_only: bool,
    /// Who else may change the layer.
    pub elsewhere: Elsewhere,
    /// What "now" is for a program that sets a time to it.
    pub clock: Arc<dyn Clock>,
    /// A folder on the filesystem whose free space is reported as that of the mount, where the layer has no bound.
    pub space: Option<PathBuf>,
    /// The longest that a change waits to be committed, if nothing asks for it.
    pub slice: Duration,
    /// Whether this process ends when the mount does, so that whoever unmounts may wait for that: see [`server_of`].
    pub ends_with_it: bool,
}

impl Default for FuseOptions {
    fn default() -> FuseOptions {
        FuseOptions {
            source: "cowry".into(),
            read_only: false,
            elsewhere: Elsewhere::Never,
            clock: Arc::new(SystemClock),
            space: None,
            slice: Duration::from_millis(200),
            ends_with_it: false,
        }
    }
}

impl fmt::Debug for FuseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuseOptions").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A mounted layer. Dropping it unmounts, lazily if somebody is still in there.
#[derive(Debug)]
pub struct FuseMount {
    dir: PathBuf,
    ended: Arc<Ended>,
    detached: AtomicBool,
}

impl FuseMount {
    /// Mounts `layer` on the empty directory `dir` and serves it from threads of this process.
    ///
    /// As root every user can reach it; otherwise only the one who mounts, through `fusermount3`.
    ///
    /// # Errors
    /// See [`FuseError`].
    pub fn new(layer: Arc<dyn Layer>, dir: &Path, options: &FuseOptions) -> Result<FuseMount, FuseError> {
        let dir = place::check(dir)?;
        let (notices, stale) = mpsc::channel();
        let core = Arc::new(Core::new(layer, options));
        let worker = Worker::start(core.clone(), options, notices);
        let server = Server::new(core, worker.queue());
        let session =
            Session::new(server, &dir, &config(options)).map_err(|error| place::explain(&dir, error))?;
        let notifier = session.notifier();
        stale::start(notifier, stale);
        let ended = Arc::new(Ended::default());
        let end = ended.clone();
        spawn("cowry-fuse", move || {
            let _ = session.run();
            // The session's end dropped the server and with it the queue's sender.
            worker.join();
            end.set();
        });
        Ok(FuseMount { dir, ended, detached: AtomicBool::new(false) })
    }

    /// Where it is mounted.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until it is unmounted, by whoever, and everything written is committed.
    pub fn wait(&self) {
        self.ended.wait(None);
    }

    /// Waits for that at most so long, and says whether it has come.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.ended.wait(Some(timeout))
    }

    /// Unmounts and waits until everything written is committed.
    ///
    /// # Errors
    /// `EBUSY` while somebody has a file open in there or works in a directory of it.
    pub fn unmount(&self) -> std::io::Result<()> {
        if !self.ended.is_set() {
            unmount(&self.dir, false)?;
            self.wait();
        }
        Ok(())
    }

    /// Takes the mount away although somebody is still in there, who is served on until they leave.
    ///
    /// # Errors
    /// `EINVAL` if it is not mounted any more.
    pub fn detach(&self) -> std::io::Result<()> {
        self.detached.store(true, Ordering::SeqCst);
        unmount(&self.dir, true)
    }
}

impl Drop for FuseMount {
    fn drop(&mut self) {
        // What is detached is not there any more, and something else may be.
        if !self.detached.load(Ordering::SeqCst) && self.unmount().is_err() {
            let _ = self.detach();
        }
    }
}

/// Set once, when the session is over.
#[derive(Default, Debug)]
struct Ended {
    over: Mutex<bool>,
    changed: Condvar,
}

impl Ended {
    fn set(&self) {
        *self.over.lock() = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.over.lock()
    }

    fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut over = self.over.lock();
        match timeout {
            None => self.changed.wait_while(&mut over, |over| !*over),
            Some(timeout) => {
                self.changed.wait_while_for(&mut over, |over| !*over, timeout);
            }
        }
        *over
    }
}

/// A thread of the mount's.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    std::thread::Builder::new().name(name.into()).spawn(work).expect("a process may have a few threads")
}

fn config(options: &FuseOptions) -> Config {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName(options.source.clone()),
        MountOption::CUSTOM("subtype=cowry".into()),
        MountOption::DefaultPermissions,
        MountOption::NoAtime,
        if options.read_only { MountOption::RO } else { MountOption::RW },
    ];
    // Only root may let others in without a setting of the host's.
    config.acl = if rustix::process::geteuid().is_root() { SessionACL::All } else { SessionACL::Owner };
    config
}
