//! A sandbox that nobody asked for: it does a job as every one will, to find out what the kernel grants and which pages
//! a job writes to.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use cowry_vfs::{Layer, MemoryLayer};

use super::{Inherited, Kept, Prepared, end, lockdown, serve};
use crate::control::{MountInfo, SpawnRequest};
use crate::dirt::Look;
use crate::isolate::Isolate;
use crate::job::Job;
use crate::remote;
use crate::spec::{Limits, Lockdown};
use crate::sys;
use crate::wire::{self, ToSandbox};

/// Tries the last lock and a job, and sends the [`Lockdown`] and then the [`Dirt`](crate::dirt::Dirt) on `report`, each
/// in a packet. To be called while the process can still open files.
pub(crate) fn enter(isolate: &mut Isolate, inherited: Inherited<'_>, report: OwnedFd) -> ! {
    end(|| try_out(isolate, inherited, report))
}

fn try_out(isolate: &mut Isolate, inherited: Inherited<'_>, report: OwnedFd) -> io::Result<()> {
    let look = Look::begin();
    let (fs, _) = UnixStream::pair()?;
    let (main, supervisor) = UnixStream::pair()?;
    let mut keep = vec![report.as_raw_fd(), fs.as_raw_fd(), main.as_raw_fd(), supervisor.as_raw_fd()];
    keep.extend(look.iter().flat_map(|look| look.files().map(AsRawFd::as_raw_fd)));
    sys::close_all_but(&mut keep)?;
    let request = ask(supervisor)?;
    let prepared = Prepared::new(isolate, inherited.locks)?;
    let mut lockdown = Lockdown::default();
    super::limits::apply(&request, inherited.data_bytes)?;
    lockdown::lock_sandbox(inherited.locks, &prepared.locked, &mut lockdown);
    say(&report, &lockdown)?;
    let missing = lockdown.missing;
    serve::serve(isolate, &prepared, request, Kept { fs, main, spills: Vec::new() }, missing)?;
    // Where the kernel does not say which pages are whose, none are copied ahead.
    say(&report, &look.and_then(Look::finish).unwrap_or_default())
}

/// `sendmsg` is behind the lock, `write` is not.
fn say(report: &OwnedFd, what: &impl serde::Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(what).map_err(io::Error::other)?;
    rustix::io::write(report, &bytes)?;
    Ok(())
}

/// Asks for the smallest of jobs, and for no other; what is answered stays where it is.
fn ask(supervisor: UnixStream) -> io::Result<SpawnRequest> {
    let layer = MemoryLayer::new();
    let (stat, listing) = remote::look(&layer).ok_or(io::ErrorKind::NotFound)?;
    wire::send(&mut &supervisor, &ToSandbox::Root { mount: 0, stat, listing })?;
    wire::send(&mut &supervisor, &ToSandbox::Job(Box::new(Job::expression("1"))))?;
    supervisor.shutdown(Shutdown::Write)?;
    // It stays open, or what is answered would have nowhere to go.
    std::mem::forget(supervisor);
    let mount = MountInfo {
        at: "/".into(),
        name: layer.name().into(),
        features: layer.features(),
        root: layer.root(),
        writable: true,
        spills: false,
    };
    Ok(SpawnRequest { seed: [0; 32], limits: Limits::default(), mounts: vec![mount], program: None })
}
