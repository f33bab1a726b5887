//! A workspace: a durable tree of files with its history, and everything that can be done with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cowry_runtime::Event;
use cowry_vfs::sqlite::{
    CheckReport, Durability, GcReport, OpenError, Quota, RepairReport, Revision, RevisionFilter,
    RevisionInfo, RevisionKind, SealInfo, SqliteLayer, SqliteOptions,
};
use cowry_vfs::{Clock, Layer, MemoryLayer, SystemClock, Timestamp, VPathBuf, Vfs, VfsOptions};

use crate::cache;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::record::{BucketRecord, RunRecord};
use crate::revision::{RevisionError, RevisionSpec, format_time};
use crate::run::{self, Finish, Run, RunReport, Side};
use crate::runtime::Runtime;
use crate::session::{Session, SessionOptions};
use crate::watch::RevisionWatch;
use crate::writing::{BucketProgress, OnWriting};

/// How to open a workspace.
#[derive(Clone, Debug)]
pub struct OpenWorkspace {
    /// Whether to make the file if it is missing.
    pub create: bool,
    /// Whether to refuse every change. Runs must be dry then.
    pub read_only: bool,
    /// How long to wait for another process that is writing.
    pub busy_timeout: Duration,
    /// The processes that runs are made of; a lazily started one of its own if `None`.
    pub runtime: Option<Runtime>,
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
}

impl Default for OpenWorkspace {
    fn default() -> OpenWorkspace {
        OpenWorkspace {
            create: false,
            read_only: false,
            busy_timeout: Duration::from_secs(10),
            runtime: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl OpenWorkspace {
    /// Opens the file, or makes it.
    pub fn or_create() -> OpenWorkspace {
        OpenWorkspace { create: true, ..OpenWorkspace::default() }
    }
}

/// A tree of files with its history, in one file; or a scratch tree that is forgotten.
///
/// Clones are cheap and share everything. All calls may come from any thread.
#[derive(Clone, Debug)]
pub struct Workspace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    runtime: Runtime,
    clock: Arc<dyn Clock>,
    on_writing: OnWriting,
}

#[derive(Debug)]
enum Store {
    File { layer: Arc<SqliteLayer>, path: PathBuf, read_only: bool, created: bool },
    Scratch(Arc<MemoryLayer>),
}

impl Workspace {
    /// Opens a workspace file.
    ///
    /// # Errors
    /// If it is missing (and is not to be made), is something else, is newer, damaged or locked; and if
    /// `COWRY_CACHE_SIZE` is no size.
    pub fn open(path: impl AsRef<Path>, how: &OpenWorkspace) -> Result<Workspace> {
        let path = path.as_ref();
        let options = SqliteOptions {
            clock: how.clock.clone(),
            read_only: how.read_only,
            busy_timeout: how.busy_timeout,
            chunk_folder: cache::folder()?,
            ..SqliteOptions::default()
        };
        let (layer, created) = match SqliteLayer::open(path, &options) {
            Err(OpenError::NotFound { .. }) if how.create && !how.read_only => {
                match SqliteLayer::create(path, &options) {
                    // Another process made it in between.
                    Err(OpenError::Exists { .. }) => (SqliteLayer::open(path, &options)?, false),
                    created => (created?, true),
                }
            }
            opened => (opened?, false),
        };
        let store =
            Store::File { layer: Arc::new(layer), path: path.into(), read_only: how.read_only, created };
        let workspace = Workspace::over(store, how);
        if !how.read_only {
            crate::run::finish_host_writes(&workspace)?;
            crate::run::bucket::clean(&workspace)?;
        }
        Ok(workspace)
    }

    /// An empty tree in memory. Runs work on it, and everything they write is forgotten.
    pub fn scratch() -> Workspace {
        Workspace::scratch_with(&OpenWorkspace::default())
    }

    /// The same with a runtime and clock of the caller's.
    pub fn scratch_with(how: &OpenWorkspace) -> Workspace {
        Workspace::over(Store::Scratch(Arc::new(MemoryLayer::with_clock(how.clock.clone()))), how)
    }

    /// A workspace that was made, and is open already.
    pub(crate) fn of_file(layer: SqliteLayer, how: &OpenWorkspace) -> Workspace {
        let path = layer.path().clone();
        Workspace::over(Store::File { layer: Arc::new(layer), path, read_only: false, created: true }, how)
    }

    fn over(store: Store, how: &OpenWorkspace) -> Workspace {
        let runtime = how.runtime.clone().unwrap_or_default();
        Workspace {
            inner: Arc::new(Inner {
                store,
                runtime,
                clock: how.clock.clone(),
                on_writing: OnWriting::default(),
            }),
        }
    }

    /// Tells how far writes to buckets are that follow commits, from any thread, and with `None` that they are over, until
    /// the next ones. Meanwhile they are journalled: a process that ends in between loses nothing.
    pub fn on_bucket_writes(&self, tell: impl Fn(Option<BucketProgress>) + Send + Sync + 'static) {
        self.inner.on_writing.set(Arc::new(tell));
    }

    #[cfg(feature = "object")]
    pub(crate) fn on_writing(&self) -> &OnWriting {
        &self.inner.on_writing
    }

    /// The file; `None` for scratch.
    pub fn path(&self) -> Option<&Path> {
        match &self.inner.store {
            Store::File { path, .. } => Some(path),
            Store::Scratch(_) => None,
        }
    }

    /// Whether the file is still where it was opened. While it is not, every change fails. Scratch always is.
    pub fn is_in_place(&self) -> bool {
        match &self.inner.store {
            Store::File { layer, .. } => layer.is_in_place(),
            Store::Scratch(_) => true,
        }
    }

    /// Whether this call of [`open`](Workspace::open) made the file.
    pub fn was_created(&self) -> bool {
        matches!(self.inner.store, Store::File { created: true, .. })
    }

    /// Whether it was opened to be read.
    pub fn is_read_only(&self) -> bool {
        matches!(self.inner.store, Store::File { read_only: true, .. })
    }

    /// Whether it is a scratch tree that is forgotten.
    pub fn is_scratch(&self) -> bool {
        matches!(self.inner.store, Store::Scratch(_))
    }

    /// The processes its runs are made of.
    pub fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    /// Where its times come from.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock.clone()
    }

    /// The tree as it is now, the open revision included. What is written goes to the open revision.
    pub fn fs(&self) -> Vfs {
        let root: Arc<dyn Layer> = match &self.inner.store {
            Store::File { layer, .. } => layer.clone(),
            Store::Scratch(layer) => layer.clone(),
        };
        Vfs::new(root, self.vfs_options(self.is_read_only()))
    }

    /// The tree as it was in a revision, read-only.
    ///
    /// # Errors
    /// If there is no such revision.
    pub fn fs_at(&self, revision: Revision) -> Result<Vfs> {
        let root = self.file("read a revision of")?.at(self.existing(revision)?)?;
        Ok(Vfs::new(root, self.vfs_options(true)))
    }

    /// Seals what was written directly as one revision. `None`: nothing was.
    ///
    /// # Errors
    /// If it is read-only or scratch, or the file cannot be written.
    pub fn seal(&self, message: Option<&str>) -> Result<Option<RevisionInfo>> {
        self.seal_as(RevisionKind::Edit, message)
    }

    /// The same for a revision that says it was imported.
    ///
    /// # Errors
    /// As [`seal`](Workspace::seal).
    pub fn seal_import(&self, message: Option<&str>) -> Result<Option<RevisionInfo>> {
        self.seal_as(RevisionKind::Import, message)
    }

    fn seal_as(&self, kind: RevisionKind, message: Option<&str>) -> Result<Option<RevisionInfo>> {
        self.writable("seal")?;
        let info = SealInfo { message: message.map(Into::into), ..SealInfo::of(kind) };
        Ok(self.file("seal")?.seal(&info)?)
    }

    /// The latest sealed revision; 0 is the empty tree that every workspace begins as.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn head(&self) -> Result<Revision> {
        Ok(self.file("read the history of")?.head()?)
    }

    /// The revision that a text names: a number, a name, `latest`, `latest~N` or a time.
    ///
    /// # Errors
    /// If it names none, or there is none.
    pub fn resolve(&self, text: &str) -> Result<Revision> {
        self.resolve_spec(text.parse()?, text)
    }

    /// The revision that was named; `text` stands for it in messages.
    ///
    /// # Errors
    /// If there is none.
    pub fn resolve_spec(&self, spec: RevisionSpec, text: &str) -> Result<Revision> {
        let (file, latest) = (self.file("read the history of")?, self.head()?);
        let missing = || Error::Revision(RevisionError::Missing { text: text.into(), latest });
        match spec {
            RevisionSpec::Number(number) if number > latest => Err(missing()),
            RevisionSpec::Number(number) => Ok(file.revision(number)?.id),
            RevisionSpec::Latest(back) => file.nth_latest(back)?.ok_or_else(missing),
            RevisionSpec::Name(name) => {
                file.named(&name)?.ok_or_else(|| RevisionError::NoName { name: name.to_string() }.into())
            }
            RevisionSpec::At(time) => self.sealed_by(time, text),
        }
    }

    fn existing(&self, revision: Revision) -> Result<Revision> {
        let latest = self.head()?;
        if revision <= latest {
            return Ok(revision);
        }
        Err(RevisionError::Missing { text: revision.to_string(), latest }.into())
    }

    fn sealed_by(&self, time: Timestamp, text: &str) -> Result<Revision> {
        let file = self.file("read the history of")?;
        let by_then = RevisionFilter { until: Some(time), limit: Some(1), ..RevisionFilter::default() };
        if let Some(found) = file.revisions(&by_then)?.first() {
            return Ok(found.id);
        }
        let first = file.first_revision()?.sealed_at;
        Err(RevisionError::TooEarly { text: text.into(), first: format_time(first) }.into())
    }

    /// Every sealed revision, the latest first.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn log(&self) -> Result<Vec<RevisionInfo>> {
        Ok(self.file("read the history of")?.revisions(&RevisionFilter::default())?)
    }

    /// Tells of every revision after `after` (the latest, if it is `None`), whoever makes it: other processes too.
    ///
    /// # Errors
    /// If it is scratch, there is no such revision, or the file cannot be read.
    pub fn watch(&self, after: Option<Revision>) -> Result<RevisionWatch> {
        let seen = match after {
            Some(revision) => self.existing(revision)?,
            None => self.head()?,
        };
        Ok(RevisionWatch::new(self.clone(), seen))
    }

    /// What differs between two revisions.
    ///
    /// # Errors
    /// If there is no such revision.
    pub fn diff(&self, before: Revision, after: Revision) -> Result<Diff> {
        let changes =
            self.file("compare revisions of")?.diff(self.existing(before)?, self.existing(after)?)?;
        Ok(Diff::new(changes, self.fs_at(before)?, self.fs_at(after)?))
    }

    /// Makes the paths (all, if there are none) what they were in a revision, as a revision of its own.
    /// `None`: they are that already.
    ///
    /// # Errors
    /// If there is no such revision, or a path is not in it nor in the latest.
    pub fn restore(&self, revision: Revision, paths: &[VPathBuf]) -> Result<Option<RevisionInfo>> {
        self.writable("restore")?;
        self.existing(revision)?;
        self.seal(None)?;
        let message = match paths {
            [] => format!("restore {}", revision.0),
            paths => {
                let paths: Vec<&str> = paths.iter().map(VPathBuf::as_str).collect();
                format!("restore {} {}", revision.0, paths.join(" "))
            }
        };
        let info = SealInfo { message: Some(message), ..SealInfo::of(RevisionKind::Restore) };
        Ok(self.file("restore")?.restore(revision, paths, &info)?)
    }

    /// Removes expired paths, run changes that are kept no longer, and content that nothing refers to.
    ///
    /// # Errors
    /// If it is read-only or scratch, or others are using it.
    pub fn gc(&self) -> Result<GcReport> {
        self.writable("collect garbage in")?;
        Ok(self.file("collect garbage in")?.gc()?)
    }

    /// How much the tree may take up; no bound at first.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn quota(&self) -> Result<Quota> {
        Ok(self.file("read the quota of")?.quota()?)
    }

    /// Says how much the tree may take up from now on. Whatever would take more is `EDQUOT`, the commit of a run
    /// included, whose changes are kept then.
    ///
    /// # Errors
    /// If it is read-only or scratch, or the file cannot be written.
    pub fn set_quota(&self, quota: Quota) -> Result<()> {
        self.writable("set the quota of")?;
        Ok(self.file("set the quota of")?.set_quota(quota)?)
    }

    /// Checks the file's structure and the hash of every piece of content. What is wrong is in the report, in words.
    ///
    /// # Errors
    /// If it cannot be read at all.
    pub fn check(&self) -> Result<CheckReport> {
        Ok(self.file("check")?.check()?)
    }

    /// Mends what [`check`](Workspace::check) finds wrong, as a new revision; what has lost its name goes to `/lost+found`.
    ///
    /// # Errors
    /// If it is read-only or scratch, in use, or too damaged to be mended: then [`salvage`](crate::salvage()) it.
    pub fn repair(&self) -> Result<RepairReport> {
        self.writable("repair")?;
        Ok(self.file("repair")?.repair()?)
    }

    /// When a change has reached the disk.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn durability(&self) -> Result<Durability> {
        Ok(self.file("read the durability of")?.durability()?)
    }

    /// Says when a change has reached the disk from now on; other processes follow when they open the workspace next.
    ///
    /// # Errors
    /// If it is read-only or scratch, or the file cannot be written.
    pub fn set_durability(&self, durability: Durability) -> Result<()> {
        self.writable("set the durability of")?;
        Ok(self.file("set the durability of")?.set_durability(durability)?)
    }

    /// Runs a program as one transaction: what it writes is committed at its end as the policy says, or not at all.
    ///
    /// Direct writes are sealed first; the run sees the tree as it is then. A program that throws, is killed or
    /// conflicts with somebody else's changes is no error: the report says so.
    ///
    /// # Errors
    /// If the run could not begin: no such program, bad input, a mount or the sandbox that cannot be made.
    pub fn run(&self, run: &Run, on_event: &mut dyn FnMut(Event)) -> Result<RunReport> {
        run::execute(self, run, on_event)
    }

    /// Begins a session: a sandbox that stays, for one entry after another.
    ///
    /// # Errors
    /// If the sandbox cannot be made.
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        Session::begin(self, options)
    }

    /// The records of the latest runs, the latest first.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        let rows = self.file("list the runs of")?.runs(limit)?;
        rows.iter().map(|row| RunRecord::decode(&row.record)).collect()
    }

    /// The record of a run, by its id or the beginning of it; `latest` is the newest.
    ///
    /// # Errors
    /// If there is none, or several begin so.
    pub fn run_record(&self, id: &str) -> Result<RunRecord> {
        run::find(self, id)
    }

    /// What a run changed, in full, as long as its changes are kept or committed.
    ///
    /// # Errors
    /// If they are not.
    pub fn run_diff(&self, id: &str) -> Result<Diff> {
        run::diff_kept(self, &run::find(self, id)?)
    }

    /// Commits the kept changes of a run after all, as its policy would have for a success.
    ///
    /// # Errors
    /// If they are not kept, or on a conflict without a side to take.
    pub fn run_commit(&self, id: &str, side: Option<Side>) -> Result<RunRecord> {
        self.writable("commit a run")?;
        run::commit_kept(self, run::find(self, id)?, side)
    }

    /// Forgets the kept changes of a run. Its record stays.
    ///
    /// # Errors
    /// If they are not kept.
    pub fn run_drop(&self, id: &str) -> Result<RunRecord> {
        self.writable("drop a run's changes")?;
        run::drop_kept(self, run::find(self, id)?)
    }

    /// What runs and commits of sessions could not write to buckets yet, each with the id to finish it by.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn unfinished(&self) -> Result<Vec<(String, Vec<BucketRecord>)>> {
        run::bucket::unfinished(self)
    }

    /// Writes to buckets what a run, or the commit of a session, could not write yet; or promotes its files again, if
    /// all was written. The id may be the beginning of one.
    ///
    /// # Errors
    /// If there is nothing of that id to write. A bucket that does not take it is no error: the records say so.
    pub fn run_finish(&self, id: &str, how: Finish) -> Result<(String, Vec<BucketRecord>)> {
        self.writable("write to a bucket from")?;
        run::finish(self, id, how)
    }

    /// Seals direct writes and gives the latest revision with its tree: what a run or session starts from.
    pub(crate) fn base(&self) -> Result<(Revision, Arc<dyn Layer>)> {
        match &self.inner.store {
            Store::Scratch(layer) => Ok((Revision(0), Arc::new(layer.fork()))),
            Store::File { layer, read_only, .. } => {
                if !read_only {
                    layer.seal(&SealInfo::of(RevisionKind::Edit))?;
                }
                Ok(layer.latest()?)
            }
        }
    }

    /// The tree of a revision; for scratch the tree itself.
    pub(crate) fn layer_at(&self, revision: Revision) -> Result<Arc<dyn Layer>> {
        match &self.inner.store {
            Store::Scratch(layer) => Ok(Arc::new(layer.fork())),
            Store::File { layer, .. } => Ok(layer.at(revision)?),
        }
    }

    /// The file behind it, for what scratch cannot do.
    pub(crate) fn file(&self, what: &'static str) -> Result<&Arc<SqliteLayer>> {
        match &self.inner.store {
            Store::File { layer, .. } => Ok(layer),
            Store::Scratch(_) => Err(Error::Scratch { what }),
        }
    }

    pub(crate) fn writable(&self, what: &'static str) -> Result<()> {
        if self.is_read_only() { Err(Error::ReadOnly { what }) } else { Ok(()) }
    }

    pub(crate) fn vfs_options(&self, read_only: bool) -> VfsOptions {
        let atime = if read_only { cowry_vfs::Atime::Never } else { cowry_vfs::Atime::default() };
        VfsOptions { clock: self.clock(), read_only, atime, ..VfsOptions::default() }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Error {
        match error {
            OpenError::NotFound { path } => Error::NoWorkspace { path },
            OpenError::NotAWorkspace { path, .. } => Error::NotAWorkspace { path },
            OpenError::NewerSchema { path, found, supported } => {
                Error::NewerSchema { path, found, supported }
            }
            OpenError::Locked { path } => Error::Locked { path },
            OpenError::Corrupt { path, source } => Error::Damaged { path, detail: source.to_string() },
            OpenError::Hopeless { path, source } => Error::Hopeless { path, detail: source.to_string() },
            OpenError::Io { path, source } => Error::Unopenable { path, reason: source.to_string() },
            other => Error::Usage(other.to_string()),
        }
    }
}
