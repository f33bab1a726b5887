//! One sandbox, from the supervisor's side.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cowry_vfs::{
    DeltaBounds, Layer, Overlay, OverlayOptions, Savepoint, ScratchBudget, ScratchLimits, VPathBuf,
};

use super::bell::Unwanted;
use super::birth::{self, Spares};
use super::error::RuntimeError;
use super::link::{End, Link, Next};
use super::patience::Refused;
use super::verdict::{Killed, judge};
use crate::delta::{self, Pieces};
use crate::job::{Event, Job, JobResult, Member, Outcome, Program, TimeLimit};
use crate::remote;
use crate::sandbox::{PATIENCE, undo};
use crate::spec::{JobReport, Limits, Lockdown, Mount, SandboxSpec, Usage};
use crate::sys;
use crate::wire::{Blob, FromSandbox, Report, SandboxBounds, ToSandbox};
use crate::zygote::INTERRUPT;

/// What a job may take past its wall limit before its sandbox is killed: the watchdog's own patience, and what a busy
/// machine may need to notice.
const WALL_SLACK: Duration = PATIENCE.saturating_add(Duration::from_secs(5));
/// The same of processor time.
const CPU_SLACK: Duration = Duration::from_secs(2);

/// How often at most the processor time of a sandbox is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Threads of a sandbox: its own and the watchdog's. None can be started once it is locked.
const THREADS: u32 = 2;

/// How long a sandbox may take to send what was written, once its job is over.
const DELTA_TIME: Duration = Duration::from_secs(60);
/// How long naming members may take before the sandbox is taken to be stuck.
const MEMBERS_TIME: Duration = Duration::from_secs(60);
/// The longest chain of names that is looked up, and the most bytes it may have.
const MEMBERS_DEPTH: usize = 32;
const MEMBERS_LENGTH: usize = 32 << 10;
/// How long going back to a state may take.
const UNDO_TIME: Duration = Duration::from_secs(60);

/// A wall limit past this is none.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A sandbox. Dropping it kills its process.
#[derive(Debug)]
pub struct Sandbox {
    link: Link,
    limits: Limits,
    strict: bool,
    lockdown: Lockdown,
    /// Whether it has said so.
    is_locked: bool,
    running: Arc<Running>,
    is_alive: bool,
    jobs: u32,
    /// What earlier jobs used.
    before: Before,
    /// What it has written, as far as we know, one for each mount.
    overlays: Vec<Option<Overlay>>,
    /// Mounts that begin with something written, until the sandbox has been told.
    untold: Vec<u16>,
    /// The overlays as they were before each of the last entries; the sandbox remembers the same.
    saves: VecDeque<Vec<Option<Savepoint>>>,
}

/// Counters of the sandbox at the beginning of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    cpu: Duration,
    fs_requests: u64,
    fs_bytes: u64,
}

/// What an interrupter needs.
#[derive(Debug)]
struct Running {
    process: Arc<OwnedFd>,
    /// The job that runs, counted from 1, or 0.
    job: AtomicU32,
    unwanted: Arc<Unwanted>,
}

/// How a job came to its end.
enum Finish {
    Result(JobResult, Report),
    Ended(End, Option<Killed>),
}

/// The processor time of a job, by the kernel's account. The watchdog ends a job long before; code that has broken
/// out of its engine may have stopped the watchdog.
struct Budget {
    process: Arc<OwnedFd>,
    /// What the clock of the process may show.
    end: Duration,
    /// When it can first have come to that.
    look: Instant,
}

impl Budget {
    /// Whether there is some left.
    fn look(&mut self) -> bool {
        let used = sys::pid_of(&self.process).and_then(sys::cpu_time_of);
        let left = self.end.saturating_sub(used.unwrap_or_default());
        self.look = Instant::now() + (left / THREADS).max(LOOK);
        !left.is_zero()
    }
}

impl Sandbox {
    pub(super) fn spawn(
        control: &OwnedFd,
        spares: &Spares,
        spec: &SandboxSpec,
        lockdown: Lockdown,
    ) -> Result<Sandbox, RuntimeError> {
        let asked = birth::ask(control, spares, spec)?;
        // While the zygote forks.
        let overlays = mirrors(spec, spares);
        let looks =
            (0_u16..).zip(&spec.mounts).filter_map(|(index, mount)| look(index, mount)).collect::<Vec<_>>();
        spares.refill();
        let ends = asked.wait()?;
        let unwanted = Arc::new(Unwanted::new().map_err(RuntimeError::Spawn)?);
        let running =
            Running { process: ends.process.clone(), job: AtomicU32::new(0), unwanted: unwanted.clone() };
        let bounds = SandboxBounds::of(&spec.limits);
        let untold = (0_u16..).zip(&spec.mounts).filter(|(_, mount)| mount.written.is_some());
        let trees = spec.mounts.iter().map(|m| m.layer.clone()).chain(spec.program.clone()).collect();
        let mut link = Link::new(ends, trees, bounds, unwanted).map_err(RuntimeError::Spawn)?;
        looks.iter().for_each(|look| link.queue(look));
        Ok(Sandbox {
            link,
            limits: spec.limits,
            strict: spec.strict,
            lockdown,
            is_locked: false,
            running: Arc::new(running),
            is_alive: true,
            jobs: 0,
            before: Before::default(),
            overlays: overlays.map_err(RuntimeError::Spawn)?,
            untold: untold.map(|(index, _)| index).collect(),
            saves: VecDeque::new(),
        })
    }

    /// Runs one job to its end, whatever that is, and hands on what it logs as it happens.
    ///
    /// A job that does not leave its sandbox in a state to go on ends it: see [`is_alive`](Sandbox::is_alive).
    ///
    /// # Errors
    /// [`RuntimeError::Ended`] if an earlier job ended the sandbox; [`RuntimeError::Refused`] if the specification
    /// is strict and a lock could not be put on in the sandbox.
    pub fn run(&mut self, job: &Job, on_event: &mut dyn FnMut(Event)) -> Result<JobReport, RuntimeError> {
        if self.is_alive && matches!(job.program, Program::Entry { .. }) {
            self.save();
        }
        self.count();
        self.running.job.store(self.jobs, Ordering::SeqCst);
        let report = self.ask(&ToSandbox::Job(Box::new(job.clone())), self.limits.wall, on_event);
        self.running.job.store(0, Ordering::SeqCst);
        report
    }

    /// Names the properties of what a chain of names stands for that begin with `prefix`, at most `most` of them, by
    /// name: `["a", "b"]` is `a.b`, and no names are the global scope. Nothing of the program's runs for it: a chain
    /// that leads through a getter or a proxy has no members.
    ///
    /// # Errors
    /// [`RuntimeError::Ended`] if an earlier job ended the sandbox.
    pub fn members(
        &mut self,
        path: &[String],
        prefix: &str,
        most: usize,
    ) -> Result<Vec<Member>, RuntimeError> {
        let length = path.iter().map(String::len).sum::<usize>() + prefix.len();
        if path.len() > MEMBERS_DEPTH || length > MEMBERS_LENGTH {
            return Ok(Vec::new());
        }
        self.count();
        let most_asked = u32::try_from(most).unwrap_or(u32::MAX);
        let message = ToSandbox::Members { path: path.to_vec(), prefix: prefix.into(), most: most_asked };
        let report = self.ask(&message, MEMBERS_TIME, &mut |_| {})?;
        let answer = report.result.value.and_then(|value| value.text).unwrap_or_default();
        Ok(Member::read(&answer, most))
    }

    /// The directory that the last entry left the program in.
    ///
    /// # Errors
    /// [`RuntimeError::Ended`] if an earlier job ended the sandbox.
    pub fn cwd(&mut self) -> Result<VPathBuf, RuntimeError> {
        let report = self.ask(&ToSandbox::Cwd, MEMBERS_TIME, &mut |_| {})?;
        let text = report.result.value.and_then(|value| value.text);
        let path = text.and_then(|text| VPathBuf::parse(&text).ok());
        Ok(path.unwrap_or_else(VPathBuf::root))
    }

    /// Makes all files what they were before the last `entries` entries. Globals stay as they are.
    ///
    /// Up to 50 entries are remembered, fewer where much is written; `false` says that so many are not.
    ///
    /// # Errors
    /// [`RuntimeError::Ended`] if an earlier job ended the sandbox.
    pub fn undo(&mut self, entries: usize) -> Result<bool, RuntimeError> {
        let Some(kept) = self.saves.len().checked_sub(entries).filter(|_| entries > 0) else {
            return Ok(false);
        };
        let message = ToSandbox::Undo { entries: u32::try_from(entries).unwrap_or(u32::MAX) };
        let report = self.ask(&message, UNDO_TIME, &mut |_| {})?;
        let saved = self.saves.drain(kept..).next().unwrap_or_default();
        if !self.is_alive || report.result.outcome != (Outcome::Completed { exit_code: 0 }) {
            return Ok(false);
        }
        for (overlay, save) in self.overlays.iter().zip(&saved) {
            if let (Some(overlay), Some(save)) = (overlay, save)
                && let Err(error) = overlay.roll_back(save)
            {
                self.kill(Killed::Broken(describe(&error)));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Remembers the overlays as they are before an entry.
    fn save(&mut self) {
        undo::make_room(&mut self.saves, self.overlays.iter().flatten(), &self.limits);
        let save = |overlay: &Option<Overlay>| overlay.as_ref().and_then(|overlay| overlay.savepoint().ok());
        self.saves.push_back(self.overlays.iter().map(save).collect());
    }

    /// The sandbox counts what it watches over the same way.
    fn count(&mut self) {
        if self.is_alive {
            self.jobs += 1;
        }
    }

    /// Frees what the engine no longer reaches, which it does by itself only as its heap grows.
    ///
    /// # Errors
    /// As [`run`](Sandbox::run).
    pub fn collect_garbage(&mut self) -> Result<JobReport, RuntimeError> {
        self.ask(&ToSandbox::Collect, self.limits.wall, &mut |_| {})
    }

    fn ask(
        &mut self,
        message: &ToSandbox,
        wall: Duration,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<JobReport, RuntimeError> {
        if !self.is_alive {
            return Err(RuntimeError::Ended);
        }
        self.before.fs_requests = self.link.fs_requests;
        self.before.fs_bytes = self.link.fs_bytes;
        let told = self.tell();
        let begun = Instant::now();
        self.link.begin(self.running.job.load(Ordering::SeqCst), begun + wall.min(FOREVER));
        let finish = match told.and_then(|()| self.link.send(message)) {
            Ok(()) => self.attend(begun, wall, on_event),
            Err(error) => Ok(self.kill(Killed::Broken(error.to_string()))),
        };
        Ok(self.report(finish?, begun.elapsed()))
    }

    /// Tells a new sandbox what was written on its mounts before.
    fn tell(&mut self) -> io::Result<()> {
        for mount in std::mem::take(&mut self.untold) {
            let Some(Some(overlay)) = self.overlays.get(usize::from(mount)) else { continue };
            let link = &mut self.link;
            delta::send(overlay, 0, |piece| {
                link.send(&ToSandbox::Delta { mount, piece })?;
                link.drain(Instant::now() + DELTA_TIME)
            })?;
            link.send(&ToSandbox::DeltaEnd { mount })?;
        }
        Ok(())
    }

    /// Waits for the end of the job.
    fn attend(
        &mut self,
        begun: Instant,
        wall: Duration,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Finish, RuntimeError> {
        let mut deadline = begun + wall.saturating_add(WALL_SLACK).min(FOREVER);
        let mut told = Vec::new();
        let mut log_bytes: u64 = 0;
        let mut budget = self.budget();
        loop {
            let message = match self.link.next(deadline.min(budget.look)) {
                Next::Message(message) => message,
                Next::Late if Instant::now() < deadline => match budget.look() {
                    true => continue,
                    false => return Ok(self.kill(Killed::Busy)),
                },
                stopped => return Ok(self.stopped(stopped)),
            };
            match message {
                FromSandbox::Locked { missing } if !self.is_locked => self.locked(missing)?,
                FromSandbox::Locked { .. } => {
                    return Ok(self.kill(Killed::Broken("a greeting out of turn".into())));
                }
                FromSandbox::Event(event) => {
                    log_bytes += event.text_len() + Event::COST;
                    if log_bytes > self.limits.log_bytes.saturating_add(Event::COST) {
                        return Ok(self.kill(Killed::Broken("more log than it may send".into())));
                    }
                    on_event(event);
                }
                FromSandbox::Delta { mount, piece } => {
                    if told.is_empty() {
                        deadline = deadline.max(Instant::now() + DELTA_TIME);
                    }
                    if told.contains(&mount) {
                        return Ok(self.kill(Killed::Broken("changes of a mount told twice".into())));
                    }
                    told.push(mount);
                    if let Some(finish) = self.take_in(mount, piece, deadline) {
                        return Ok(finish);
                    }
                }
                FromSandbox::DeltaEnd { .. } => {
                    return Ok(self.kill(Killed::Broken("the end of no changes".into())));
                }
                FromSandbox::Result(mut result, report) => {
                    result.outcome.cut();
                    return Ok(Finish::Result(result, report));
                }
            }
        }
    }

    /// What a job may use from now.
    fn budget(&mut self) -> Budget {
        // The first job answers for everything since the fork, and needs no look at the clock.
        let used =
            if self.is_locked { sys::cpu_time_of(self.pid()).unwrap_or_default() } else { Duration::ZERO };
        let room = self.limits.cpu.saturating_add(CPU_SLACK).min(FOREVER);
        let process = self.running.process.clone();
        Budget { process, end: used + room, look: Instant::now() + room / THREADS }
    }

    /// What it means that no message comes any more.
    fn stopped(&mut self, next: Next) -> Finish {
        match next {
            Next::Ended(end) => {
                self.is_alive = false;
                Finish::Ended(end, None)
            }
            Next::Late => self.kill(Killed::Late),
            Next::Broken(what) => self.kill(Killed::Broken(what)),
            Next::Message(_) => self.kill(Killed::Broken("a message out of turn".into())),
        }
    }

    /// Takes what was written on a mount into our copy, all of it or nothing. A sandbox whose changes are not what
    /// an overlay writes is killed.
    fn take_in(&mut self, mount: u16, first: Blob, deadline: Instant) -> Option<Finish> {
        let Some(Some(overlay)) = self.overlays.get(usize::from(mount)) else {
            return Some(self.kill(Killed::Broken("changes on a mount that cannot be written".into())));
        };
        let link = &mut self.link;
        let mut stopped = None;
        let mut pieces = Pieces::new(first, || match link.next(deadline) {
            Next::Message(FromSandbox::Delta { mount: other, piece }) if other == mount => Ok(Some(piece)),
            Next::Message(FromSandbox::DeltaEnd { mount: other }) if other == mount => Ok(None),
            other => {
                stopped = Some(other);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        });
        let bounds = DeltaBounds::of(&delta::scratch(&self.limits));
        let merged = overlay.merge(&mut pieces, &bounds).map_err(|e| describe(&e));
        let merged = merged.and_then(|()| pieces.finish().map_err(|e| describe(&e)));
        match (stopped, merged) {
            (Some(stopped), _) => Some(self.stopped(stopped)),
            (None, Err(what)) => Some(self.kill(Killed::Broken(what))),
            (None, Ok(())) => None,
        }
    }

    /// Takes what a sandbox says of its locks: before its first job, when no code of a user's has run yet.
    fn locked(&mut self, missing: Vec<String>) -> Result<(), RuntimeError> {
        self.is_locked = true;
        for part in missing {
            if !self.lockdown.missing.contains(&part) {
                self.lockdown.missing.push(part);
            }
        }
        if self.strict && !self.lockdown.is_complete() {
            self.link.kill();
            self.is_alive = false;
            return Err(RuntimeError::Refused { missing: self.lockdown.missing.clone() });
        }
        Ok(())
    }

    fn kill(&mut self, why: Killed) -> Finish {
        self.is_alive = false;
        Finish::Ended(self.link.kill(), Some(why))
    }

    fn report(&mut self, finish: Finish, wall: Duration) -> JobReport {
        let mut usage = Usage {
            wall,
            fs_requests: self.link.fs_requests - self.before.fs_requests,
            fs_bytes: self.link.fs_bytes - self.before.fs_bytes,
            ..Usage::default()
        };
        let result = match finish {
            Finish::Result(result, report) => {
                usage.cpu = Duration::from_nanos(report.cpu_nanos);
                usage.peak_memory_bytes = report.peak_memory_bytes;
                usage.heap_bytes = report.heap_bytes;
                usage.log_bytes = report.log_bytes;
                self.before.cpu = self.before.cpu.saturating_add(usage.cpu);
                excused(result, self.link.refused())
            }
            Finish::Ended(end, killed) => {
                if let End::Status { cpu, peak_memory_bytes, .. } = end {
                    usage.cpu = cpu.saturating_sub(self.before.cpu);
                    usage.peak_memory_bytes = peak_memory_bytes;
                }
                judge(end, killed, self.link.stderr(), self.limits.memory_bytes).into()
            }
        };
        JobReport { result, usage }
    }

    /// Whether the sandbox can run another job.
    pub fn is_alive(&self) -> bool {
        self.is_alive
    }

    /// What has been written, one overlay per mount in order, `None` for those that cannot be written.
    ///
    /// Up to date with the last job that the sandbox survived; everything in them has been validated.
    pub fn overlays(&self) -> &[Option<Overlay>] {
        &self.overlays
    }

    /// Which parts of the lockdown hold in this sandbox: known for certain once it has run a job.
    pub fn lockdown(&self) -> &Lockdown {
        &self.lockdown
    }

    /// The number of its process here; 0 once that has ended.
    pub fn pid(&self) -> u32 {
        sys::pid_of(&self.running.process).unwrap_or(0)
    }

    /// A handle that interrupts the running job from any thread.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { running: self.running.clone() }
    }
}

/// What a sandbox is told of a tree that it remembers.
fn look(index: u16, mount: &Mount) -> Option<ToSandbox> {
    if !mount.writable && !mount.layer.features().immutable {
        return None;
    }
    let (stat, listing) = remote::look(&*mount.layer)?;
    Some(ToSandbox::Root { mount: index, stat, listing })
}

/// Our copies of what a sandbox writes, mount by mount, counted together as the sandbox counts.
fn mirrors(spec: &SandboxSpec, spares: &Spares) -> io::Result<Vec<Option<Overlay>>> {
    let mut budget = None;
    let mut mirrors = Vec::new();
    for mount in &spec.mounts {
        let mirror = mirror(mount, &spec.limits, spares, budget.clone())?;
        budget = budget.or_else(|| mirror.as_ref().map(Overlay::budget));
        mirrors.push(mirror);
    }
    Ok(mirrors)
}

fn mirror(
    mount: &Mount,
    limits: &Limits,
    spares: &Spares,
    budget: Option<ScratchBudget>,
) -> io::Result<Option<Overlay>> {
    if !mount.writable {
        return Ok(None);
    }
    if let Some(written) = &mount.written {
        return Ok(Some(written.fork()));
    }
    let limits = delta::scratch(limits);
    let spill = match limits.total_bytes > limits.memory_bytes {
        true => Some(spares.take()?),
        false => None,
    };
    // Old and new content are both there while a delta is taken in.
    let limits = ScratchLimits {
        total_bytes: limits.total_bytes.saturating_mul(2),
        nodes: limits.nodes.saturating_mul(2),
        ..limits
    };
    let options = OverlayOptions { limits, spill, budget, ..OverlayOptions::default() };
    Ok(Some(Overlay::new(mount.layer.clone(), options)))
}

/// What a job came to that was let go: what it made of the missing answer is not what ended it.
fn excused(result: JobResult, refused: Option<Refused>) -> JobResult {
    match (refused, &result.outcome) {
        (None, _) | (_, Outcome::TimedOut(_) | Outcome::Interrupted | Outcome::OutOfMemory) => result,
        (Some(Refused::Late), _) => Outcome::TimedOut(TimeLimit::Wall).into(),
        (Some(Refused::Unwanted), _) => Outcome::Interrupted.into(),
    }
}

/// An error with its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.link.let_die();
    }
}

/// Interrupts the job that a sandbox is running.
#[derive(Clone, Debug)]
pub struct Interrupter {
    running: Arc<Running>,
}

impl Interrupter {
    /// Interrupts: the job ends as [`Outcome::Interrupted`](crate::Outcome::Interrupted), or its sandbox ends if the
    /// code does not come back. Between jobs nothing happens.
    pub fn interrupt(&self) {
        let job = self.running.job.load(Ordering::SeqCst);
        if job != 0 {
            self.running.unwanted.set(job);
            // A process that has ended needs no interrupting.
            let _ = sys::queue_signal(&self.running.process, INTERRUPT, job);
        }
    }
}

#[cfg(test)]
mod tests;
