//! From a specification to a sandbox process: what it is told, what it is given, and what stays here.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cowry_vfs::{MountOptions, Vfs, VfsOptions};
use parking_lot::Mutex;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};

use super::error::RuntimeError;
use super::link::Ends;
use super::zygote::wait_readable;
use crate::control::{self, MOUNTS_MAX, MountInfo, SpawnRequest, Status};
use crate::spec::{Limits, Mount, SandboxSpec};
use crate::sys;

/// How long a zygote may take to fork, on a machine that is busy.
const FORK_TIME: Duration = Duration::from_secs(120);

/// A sandbox that has been asked for.
pub(super) struct Asked {
    fs: UnixStream,
    main: UnixStream,
    stderr: OwnedFd,
    status: OwnedFd,
}

/// Asks for a sandbox, without waiting for it.
pub(super) fn ask(control: &OwnedFd, spares: &Spares, spec: &SandboxSpec) -> Result<Asked, RuntimeError> {
    check(spec)?;
    let request = request(spec).map_err(RuntimeError::Spawn)?;
    let (asked, theirs) = descriptors(&request, spares).map_err(RuntimeError::Spawn)?;
    let borrowed: Vec<_> = theirs.iter().map(AsFd::as_fd).collect();
    control::send(control, &request, &borrowed).map_err(|_| zygote_died())?;
    Ok(asked)
}

/// Both ends of everything that leads to a sandbox; its own in the order of `SpawnRequest`. Our copies of those must
/// be closed once they are sent, so that the sandbox's end is the end of each.
fn descriptors(request: &SpawnRequest, spares: &Spares) -> io::Result<(Asked, Vec<OwnedFd>)> {
    let (fs, fs_theirs) = UnixStream::pair()?;
    let (main, main_theirs) = UnixStream::pair()?;
    let (status, status_theirs) = control::packet_pair()?;
    let (stderr, stderr_theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut theirs = vec![status_theirs, fs_theirs.into(), main_theirs.into(), stderr_theirs];
    for _ in request.mounts.iter().filter(|m| m.spills) {
        theirs.push(spares.take()?.into());
    }
    Ok((Asked { fs, main, stderr, status }, theirs))
}

impl Asked {
    /// Waits until it has been forked.
    pub(super) fn wait(self) -> Result<Ends, RuntimeError> {
        let process = Arc::new(forked(&self.status)?);
        let Asked { fs, main, stderr, status } = self;
        Ok(Ends { fs, main, stderr, status, process })
    }
}

fn zygote_died() -> RuntimeError {
    RuntimeError::ZygoteDied { detail: String::new() }
}

/// The new process, once the zygote has it.
fn forked(status: &OwnedFd) -> Result<OwnedFd, RuntimeError> {
    if !wait_readable(status.as_fd(), FORK_TIME).map_err(RuntimeError::Spawn)? {
        return Err(RuntimeError::Spawn(io::ErrorKind::TimedOut.into()));
    }
    let packet =
        control::receive(status, control::STATUS).map_err(RuntimeError::Spawn)?.ok_or_else(zygote_died)?;
    match packet.decode().map_err(RuntimeError::Spawn)? {
        Status::Failed { errno } => Err(RuntimeError::Spawn(io::Error::from_raw_os_error(errno))),
        Status::Spawned | Status::Ended { .. } => {
            let process = packet.fds.into_iter().next();
            process.ok_or_else(|| RuntimeError::Spawn(io::ErrorKind::InvalidData.into()))
        }
    }
}

/// Finds out here what could only fail in the sandbox otherwise.
fn check(spec: &SandboxSpec) -> Result<(), RuntimeError> {
    let invalid = |what: String| Err(RuntimeError::Invalid(what));
    let [root, others @ ..] = &*spec.mounts else { return invalid("it has no mount".into()) };
    if root.at != "/" {
        return invalid(format!("the first mount is at {}, not at /", root.at));
    }
    if spec.mounts.len() > MOUNTS_MAX {
        return invalid(format!("it has {} mounts, more than {MOUNTS_MAX}", spec.mounts.len()));
    }
    let full = spec.mounts.iter().find(|m| m.writable && m.layer.features().ino_bits > 62);
    if let Some(mount) = full {
        return invalid(format!("the layer at {} leaves no inode numbers for an overlay", mount.at));
    }
    if others.is_empty() {
        return Ok(());
    }
    let tree = Vfs::new(root.layer.clone(), VfsOptions::default());
    for mount in others {
        let mounted = tree.mount(&mount.at, mount.layer.clone(), MountOptions::default());
        mounted.map_err(|error| RuntimeError::Invalid(error.to_string()))?;
    }
    Ok(())
}

fn request(spec: &SandboxSpec) -> io::Result<SpawnRequest> {
    let mut seed = [0; 32];
    match spec.seed {
        Some(number) => ChaCha20Rng::seed_from_u64(number).fill_bytes(&mut seed),
        None => sys::random(&mut seed)?,
    }
    let mounts = spec.mounts.iter().map(|mount| info(mount, &spec.limits)).collect();
    let program = spec.program.as_ref().map(|layer| {
        let mount = Mount { at: "/program".into(), layer: layer.clone(), writable: false, written: None };
        info(&mount, &spec.limits)
    });
    Ok(SpawnRequest { seed, limits: spec.limits, mounts, program })
}

fn info(mount: &Mount, limits: &Limits) -> MountInfo {
    MountInfo {
        at: mount.at.clone(),
        name: mount.layer.name().into(),
        features: mount.layer.features(),
        root: mount.layer.root(),
        writable: mount.writable,
        spills: mount.writable && limits.scratch_bytes > limits.scratch_memory_bytes,
    }
}

/// Files to spill into, opened ahead: some filesystems take their time, and a zygote takes some to fork.
#[derive(Debug)]
pub(super) struct Spares {
    folder: PathBuf,
    files: Mutex<Vec<File>>,
}

impl Spares {
    /// Two are what a sandbox with one tree to write on needs: its own, and that of our copy.
    const KEPT: usize = 2;

    pub(super) fn new(folder: PathBuf) -> Spares {
        Spares { folder, files: Mutex::default() }
    }

    /// A file that nobody has used.
    pub(super) fn take(&self) -> io::Result<File> {
        let spare = self.files.lock().pop();
        spare.map_or_else(|| unnamed_file(&self.folder), Ok)
    }

    /// Opens what has been taken. To be called while there is something to wait for.
    pub(super) fn refill(&self) {
        while self.files.lock().len() < Self::KEPT {
            // Whoever needs one will find out why there is none.
            let Ok(file) = unnamed_file(&self.folder) else { return };
            self.files.lock().push(file);
        }
    }
}

/// A file that is in no folder, and is gone with its last descriptor.
fn unnamed_file(folder: &Path) -> io::Result<File> {
    let mode = Mode::RUSR | Mode::WUSR;
    match rustix::fs::open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode) {
        Ok(file) => return Ok(file.into()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    // A filesystem without unnamed files: one with a name nobody guesses, which goes at once.
    let mut number = [0; 8];
    sys::random(&mut number)?;
    let path = folder.join(format!(".cowry-{:016x}", u64::from_ne_bytes(number)));
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, mode)?;
    rustix::fs::unlink(&path)?;
    Ok(file.into())
}
