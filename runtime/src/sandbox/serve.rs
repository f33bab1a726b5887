//! The life of a sandbox once it is locked: take a job, run it, say what came of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cowry_vfs::{
    DeltaBounds, Layer, MountOptions, Overlay, OverlayOptions, ScratchLimits, Stat, SystemClock,
    TreeSavepoint, Vfs, VfsOptions,
};

use super::{Kept, Prepared, undo};
use crate::control::SpawnRequest;
use crate::delta::{self, Pieces};
use crate::host::Host;
use crate::isolate::Isolate;
use crate::job::{Event, Job, JobResult, Outcome, Program, Thrown};
use crate::remote::{Connection, Listing, RemoteLayer};
use crate::spec::Limits;
use crate::sys;
use crate::wire::{self, Blob, FromSandbox, Message, Report, SandboxBounds, ToSandbox};

/// Runs jobs until the supervisor closes the socket.
pub(super) fn serve(
    isolate: &mut Isolate,
    prepared: &Prepared,
    request: SpawnRequest,
    kept: Kept,
    missing: Vec<String>,
) -> io::Result<()> {
    let limits = request.limits;
    let main = Rc::new(kept.main);
    wire::send(&mut &*main, &FromSandbox::Locked { missing })?;
    let mut tree = Tree::new(kept.fs, kept.spills, &request)?;
    let log =
        Rc::new(Log { main: main.clone(), bound: limits.log_bytes, used: 0.into(), broken: None.into() });
    let emit = log.clone();
    isolate.set_memory_limit(limits.memory_bytes);
    crate::data::sql::limit_heap(limits.memory_bytes);
    isolate.adopt(Host {
        vfs: tree.vfs.clone(),
        program: tree.program.clone(),
        scratch: tree.overlays.first().map(|written| written.overlay.clone()),
        emit: Box::new(move |event| emit.write(event)),
        seed: request.seed,
        result_bytes: usize::try_from(limits.result_bytes).unwrap_or(usize::MAX),
        clock: Arc::new(SystemClock),
    });
    let mut is_first = true;
    while let Some(message) = wire::receive(&mut &*main, ())? {
        match message {
            ToSandbox::Job(job) => {
                if matches!(job.program, Program::Entry { .. }) {
                    tree.save(&limits);
                }
                if std::mem::take(&mut is_first) {
                    tree.make_tmp();
                }
                let (result, report) = run(isolate, prepared, &limits, &log, &job)?;
                let mut out = Outbox { main: &main, frames: Vec::new() };
                tree.overlays.iter_mut().try_for_each(|written| written.send(&mut out))?;
                out.send_result(result, report, SandboxBounds::of(&limits))?;
            }
            ToSandbox::Members { path, prefix, most } => {
                let quick = Limits { cpu: limits.cpu.min(MEMBERS_TIME), wall: limits.wall, ..limits };
                let result = prepared.watchdog.during(&quick, || isolate.members(&path, &prefix, most));
                answer(&main, &limits, result)?;
            }
            ToSandbox::Cwd => answer(&main, &limits, isolate.cwd())?,
            ToSandbox::Undo { entries } => {
                // The first entry may be among them, before which nobody had made `/tmp`.
                is_first = true;
                answer(&main, &limits, tree.undo(entries))?;
            }
            ToSandbox::Root { mount, stat, listing } => tree.learn(mount, stat, listing),
            ToSandbox::Collect => {
                isolate.collect_garbage();
                let report = Report { heap_bytes: isolate.heap_bytes(), ..Report::default() };
                let mut out = Outbox { main: &main, frames: Vec::new() };
                out.send_result(done(), report, SandboxBounds::of(&limits))?;
            }
            ToSandbox::Delta { mount, piece } => tree.written_before(mount, piece, &main)?,
            ToSandbox::DeltaEnd { .. } => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    Ok(())
}

/// What naming members may take of a processor: an object may have millions.
const MEMBERS_TIME: Duration = Duration::from_secs(2);

fn done() -> JobResult {
    Outcome::Completed { exit_code: 0 }.into()
}

/// Answers what is no job.
fn answer(main: &UnixStream, limits: &Limits, result: JobResult) -> io::Result<()> {
    let mut out = Outbox { main, frames: Vec::new() };
    out.send_result(result, Report::default(), SandboxBounds::of(limits))
}

fn run(
    isolate: &mut Isolate,
    prepared: &Prepared,
    limits: &Limits,
    log: &Log,
    job: &Job,
) -> io::Result<(JobResult, Report)> {
    let before = sys::cpu_time();
    let result = prepared.watchdog.during(limits, || isolate.run(&prepared.runtime, job));
    let log_bytes = log.finish()?;
    let (_, peak_memory_bytes) = sys::own_usage();
    let cpu_nanos = u64::try_from((sys::cpu_time() - before).as_nanos()).unwrap_or(u64::MAX);
    Ok((result, Report { cpu_nanos, peak_memory_bytes, heap_bytes: isolate.heap_bytes(), log_bytes }))
}

/// Messages on their way out, as few writes as can be: each wakes the supervisor.
struct Outbox<'a> {
    main: &'a UnixStream,
    frames: Vec<u8>,
}

impl Outbox<'_> {
    fn push(&mut self, message: &FromSandbox) -> io::Result<()> {
        self.frames = wire::encode(message, std::mem::take(&mut self.frames));
        if self.frames.len() >= wire::PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::Write::write_all(&mut &*self.main, &self.frames)?;
        self.frames.clear();
        Ok(())
    }

    /// Sends a result, or says that it is longer than a result may be.
    fn send_result(&mut self, result: JobResult, report: Report, bounds: SandboxBounds) -> io::Result<()> {
        let before = self.frames.len();
        self.frames = wire::encode(&FromSandbox::Result(result, report), std::mem::take(&mut self.frames));
        let max = FromSandbox::max_len(FromSandbox::RESULT, bounds).unwrap_or(0);
        if self.frames.len() - before > max {
            self.frames.truncate(before);
            let message = format!("the result is longer than {} bytes", bounds.result_bytes);
            let text = format!("RangeError: {message}");
            let thrown = Thrown { name: "RangeError".into(), message, text, frames: Vec::new() };
            self.push(&FromSandbox::Result(Outcome::Threw(thrown).into(), report))?;
        }
        self.flush()
    }
}

/// The trees that the sandbox sees.
struct Tree {
    vfs: Vfs,
    program: Option<Vfs>,
    overlays: Vec<Written>,
    /// What is behind each mount.
    below: Vec<Arc<RemoteLayer>>,
    /// All files as they were before each of the last entries.
    saves: VecDeque<TreeSavepoint>,
}

impl Tree {
    fn new(fs: UnixStream, spills: Vec<OwnedFd>, request: &SpawnRequest) -> io::Result<Tree> {
        let connection = Arc::new(Connection::new(fs));
        let remote = |index: usize, info| RemoteLayer::new(connection.clone(), index as u16, info);
        let mut spills = spills.into_iter();
        let mut overlays = Vec::new();
        let mut layers = Vec::new();
        let mut below = Vec::new();
        for (index, info) in request.mounts.iter().enumerate() {
            let lower = Arc::new(remote(index, info));
            below.push(lower.clone());
            let layer: Arc<dyn Layer> = if info.writable {
                let spill = if info.spills { spills.next().map(Into::into) } else { None };
                let limits = delta::scratch(&request.limits);
                // What a run writes counts together, whichever mount it goes to.
                let budget = overlays.first().map(|first: &Written| first.overlay.budget());
                let options = OverlayOptions { limits, spill, budget, ..OverlayOptions::default() };
                let overlay = Arc::new(Overlay::new(lower, options));
                overlays.push(Written {
                    mount: index as u16,
                    overlay: overlay.clone(),
                    stamp: overlay.stamp(),
                });
                overlay
            } else {
                lower
            };
            layers.push((info, layer));
        }
        let mut layers = layers.into_iter();
        let (info, root) = layers.next().ok_or(io::ErrorKind::InvalidInput)?;
        let vfs = Vfs::new(root, VfsOptions { read_only: !info.writable, ..VfsOptions::default() });
        for (info, layer) in layers {
            let options = MountOptions { read_only: !info.writable, ..MountOptions::default() };
            vfs.mount(&info.at, layer, options).map_err(io::Error::other)?;
        }
        let program = request.program.as_ref().map(|info| {
            let layer = Arc::new(remote(request.mounts.len(), info));
            Vfs::new(layer, VfsOptions { read_only: true, ..VfsOptions::default() })
        });
        Ok(Tree { vfs, program, overlays, below, saves: VecDeque::new() })
    }

    /// Remembers all files as they are before an entry; the supervisor does the same with its copy.
    fn save(&mut self, limits: &Limits) {
        let overlays = self.overlays.iter().map(|written| &*written.overlay);
        undo::make_room(&mut self.saves, overlays, limits);
        // Where it cannot be had there is nothing to undo, which is said when it is asked for.
        match self.vfs.savepoint() {
            Ok(savepoint) => self.saves.push_back(savepoint),
            Err(_) => self.saves.clear(),
        }
    }

    /// Makes all files what they were before so many entries. The supervisor does that to its copy by itself.
    fn undo(&mut self, entries: u32) -> JobResult {
        let kept = self.saves.len().checked_sub(entries as usize);
        let undone = kept.and_then(|kept| {
            let savepoint = self.saves.drain(kept..).next()?;
            savepoint.roll_back().ok()
        });
        self.overlays.iter_mut().for_each(|written| written.stamp = written.overlay.stamp());
        match undone {
            Some(()) => done(),
            None => Outcome::Misused { message: "that is not remembered any more".into() }.into(),
        }
    }

    /// Makes the `/tmp` that programs take for granted, where the root can be written and has none. Not before the
    /// first job: what was written earlier may bring one.
    fn make_tmp(&self) {
        const TMP: &str = "/tmp";
        // A root that cannot be written, or holds all it may, has none; whoever needs it is told then.
        if self.overlays.first().is_some_and(|written| written.mount == 0)
            && self.vfs.mkdir(TMP, 0o777).is_ok()
        {
            let _ = self.vfs.chmod(TMP, 0o1777);
        }
    }

    /// Notes what the supervisor tells of the root of a tree without being asked.
    fn learn(&self, mount: u16, stat: Stat, listing: Listing) {
        if let Some(layer) = self.below.get(usize::from(mount)) {
            layer.learn(stat, listing);
        }
    }

    /// Takes in what was written on a mount in an earlier sandbox.
    fn written_before(&mut self, mount: u16, piece: Blob, main: &UnixStream) -> io::Result<()> {
        let written = self.overlays.iter_mut().find(|written| written.mount == mount);
        let written = written.ok_or(io::ErrorKind::InvalidData)?;
        let mut pieces = Pieces::new(piece, || match wire::receive(&mut &*main, ())? {
            Some(ToSandbox::Delta { mount: other, piece }) if other == mount => Ok(Some(piece)),
            Some(ToSandbox::DeltaEnd { mount: other }) if other == mount => Ok(None),
            _ => Err(io::ErrorKind::InvalidData.into()),
        });
        written
            .overlay
            .merge(&mut pieces, &DeltaBounds::of(&ScratchLimits::UNLIMITED))
            .map_err(io::Error::other)?;
        pieces.finish()?;
        written.stamp = written.overlay.stamp();
        Ok(())
    }
}

/// What is written on a mount, and how much of it the supervisor knows.
struct Written {
    mount: u16,
    overlay: Arc<Overlay>,
    stamp: u64,
}

impl Written {
    /// Sends what is new since the last time.
    fn send(&mut self, out: &mut Outbox<'_>) -> io::Result<()> {
        if self.overlay.stamp() == self.stamp {
            return Ok(());
        }
        let mount = self.mount;
        let send = |piece| out.push(&FromSandbox::Delta { mount, piece });
        self.stamp = delta::send(&self.overlay, self.stamp, send)?;
        out.push(&FromSandbox::DeltaEnd { mount })
    }
}

/// What a job logs, on its way out, up to a bound.
struct Log {
    main: Rc<UnixStream>,
    bound: u64,
    /// Bytes so far in this job.
    used: Cell<u64>,
    /// Why nothing can be sent any more.
    broken: RefCell<Option<io::Error>>,
}

impl Log {
    fn write(&self, mut event: Event) {
        let len = event.text_len() + Event::COST;
        let used = self.used.replace(self.used.get().saturating_add(len));
        if used.saturating_add(Event::COST) >= self.bound {
            return;
        }
        let room = self.bound - used - Event::COST;
        if len - Event::COST > room {
            cut(&mut event, usize::try_from(room).unwrap_or(usize::MAX));
        }
        self.send(event);
    }

    fn send(&self, event: Event) {
        let sent = wire::send(&mut &*self.main, &FromSandbox::Event(event));
        if let Err(error) = sent {
            self.broken.borrow_mut().get_or_insert(error);
        }
    }

    /// Ends the log of a job, and says how many bytes it would have had.
    fn finish(&self) -> io::Result<u64> {
        let used = self.used.take();
        if used > self.bound {
            self.send(Event::LogsDropped { bytes: used - self.bound });
        }
        self.broken.take().map_or(Ok(used), Err)
    }
}

fn cut(event: &mut Event, len: usize) {
    match event {
        Event::Console { text, .. } => text.truncate(text.floor_char_boundary(len)),
        Event::Stdout(bytes) | Event::Stderr(bytes) => bytes.truncate(len),
        Event::LogsDropped { .. } => {}
    }
}
