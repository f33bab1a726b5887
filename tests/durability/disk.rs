//! A disk under SQLite that can lose power: what was written and not synced is kept apart, sector by sector.
//!
//! An SQLite VFS that hands everything on to the real one and keeps a model beside it: of each file what is surely on the
//! disk, and the writes since the last sync, any part of which may be there after a power cut. It can also fail: a full
//! disk, an I/O error, a sync that does not succeed, or the end of the process in the middle of a write. It only looks at
//! files in folders that somebody [`watch`]es.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use cowry_tests::chance::Chance;
use rusqlite::ffi;

/// The unit that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What is to happen at an event, which is a write, a sync, a truncation or a removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The disk is full from here on, until the fault is cleared.
    Full,
    /// Writing fails from here on.
    Io,
    /// Syncing fails from here on.
    Sync,
    /// The process is killed, a write half done.
    Kill,
}

/// A folder whose files are watched.
pub struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Image>,
    events: u64,
    fault: Option<(u64, Fault)>,
    /// Every how many events what is on the disk is put aside.
    every: Option<u64>,
    acknowledged: usize,
    cuts: Vec<Cut>,
}

/// One file: what is on the disk for certain, and what may be.
#[derive(Clone, Default)]
struct Image {
    synced: Vec<u8>,
    pending: Vec<Pending>,
    removed: bool,
}

#[derive(Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// The moment of a power cut.
#[derive(Clone)]
pub struct Cut {
    files: BTreeMap<String, Image>,
    /// How much had been acknowledged by then.
    pub acknowledged: usize,
    /// Which event it was.
    pub event: u64,
}

static DISKS: LazyLock<Mutex<Vec<Arc<Disk>>>> = LazyLock::new(Mutex::default);

fn disks() -> MutexGuard<'static, Vec<Arc<Disk>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches a folder until the disk is dropped with [`Disk::forget`].
pub fn watch(folder: &Path) -> Arc<Disk> {
    let folder = folder.canonicalize().expect("a folder");
    let disk = Arc::new(Disk { folder, state: Mutex::default() });
    disks().push(disk.clone());
    disk
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches no longer.
    pub fn forget(self: &Arc<Disk>) {
        disks().retain(|disk| !Arc::ptr_eq(disk, self));
    }

    /// Lets something happen at an event, counted from now.
    pub fn fail_at(&self, event: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.events + event, fault));
    }

    pub fn mend(&self) {
        self.state().fault = None;
    }

    /// Puts aside what a power cut leaves at every so many events.
    pub fn cut_every(&self, events: u64) {
        self.state().every = Some(events);
    }

    /// Notes how much has been acknowledged.
    pub fn acknowledge(&self, count: usize) {
        self.state().acknowledged = count;
    }

    pub fn events(&self) -> u64 {
        self.state().events
    }

    /// One more event that is none of the disk's; it may be the last one.
    pub fn count_or_die(&self) {
        let fault = self.state().event();
        kill_or(fault, || {});
    }

    pub fn cuts(&self) -> Vec<Cut> {
        std::mem::take(&mut self.state().cuts)
    }

    /// Whether there is nothing of a file that a power cut could take.
    pub fn is_synced(&self, file: &str) -> bool {
        self.state().files.get(file).is_none_or(|image| image.pending.is_empty())
    }
}

impl State {
    /// Counts an event; what is wrong from now on.
    fn event(&mut self) -> Option<Fault> {
        self.events += 1;
        if self.every.is_some_and(|every| self.events.is_multiple_of(every)) {
            let cut = Cut { files: self.files.clone(), acknowledged: self.acknowledged, event: self.events };
            self.cuts.push(cut);
        }
        self.fault.filter(|(at, _)| self.events >= *at).map(|(_, fault)| fault)
    }
}

impl Cut {
    /// Writes what one power cut left into a folder.
    pub fn restore(&self, folder: &Path, chance: &mut Chance) {
        for (name, image) in &self.files {
            // The removal of a file may not have got to the disk.
            if image.removed && chance.one_in(2) {
                continue;
            }
            std::fs::write(folder.join(name), image.after(chance)).expect("written");
        }
    }
}

impl Image {
    /// What is there of a file after a power cut: all of the pending writes, none, some, or parts of some.
    fn after(&self, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let mode = chance.below(4);
        for pending in &self.pending {
            match pending {
                Pending::Truncate(len) if mode != 0 && (mode == 1 || chance.one_in(2)) => {
                    bytes.resize(*len, 0)
                }
                Pending::Truncate(_) => {}
                Pending::Write(at, data) => {
                    let whole = mode == 1 || mode == 2 && chance.one_in(2);
                    for (start, sector) in sectors(*at, data) {
                        if whole || mode == 3 && chance.one_in(2) {
                            place(&mut bytes, start, sector);
                        }
                    }
                }
            }
        }
        bytes
    }

    fn sync(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Write(at, data) => place(&mut self.synced, at, &data),
                Pending::Truncate(len) => self.synced.resize(len, 0),
            }
        }
    }
}

fn place(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

/// The parts of a write that lie in one sector each.
fn sectors(at: usize, data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let first = SECTOR - at % SECTOR;
    let (head, tail) = data.split_at(first.min(data.len()));
    std::iter::once(head).chain(tail.chunks(SECTOR)).scan(at, |at, part| {
        let start = *at;
        *at += part.len();
        Some((start, part))
    })
}

// The VFS. `ShimFile` lies before the real file in the memory that SQLite gives for one.

#[repr(C)]
struct ShimFile {
    methods: *const ffi::sqlite3_io_methods,
    watched: *mut Watched,
}

/// A file in a watched folder.
struct Watched {
    disk: Arc<Disk>,
    name: String,
}

/// The VFS that everything is handed on to, as an address, since raw pointers are not to be shared.
static REAL: LazyLock<usize> = LazyLock::new(|| {
    // SAFETY: asks for the default VFS, which is there for as long as the program runs.
    let real = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    assert!(!real.is_null(), "SQLite has a VFS");
    real as usize
});

fn real_vfs() -> *mut ffi::sqlite3_vfs {
    *REAL as *mut ffi::sqlite3_vfs
}

/// Makes all connections from now on go through here.
pub fn install() {
    let real = real_vfs();
    // SAFETY: `real` is valid; the copy is never freed. Only what is told apart by path is ours: the other functions get
    // by with a copy of the real VFS.
    unsafe {
        let mut ours: ffi::sqlite3_vfs = std::ptr::read(real);
        ours.zName = c"watched".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.szOsFile = size_of::<ShimFile>() as c_int + (*real).szOsFile;
        ours.xOpen = Some(x_open);
        ours.xDelete = Some(x_delete);
        let registered = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
        assert_eq!(registered, ffi::SQLITE_OK);
    }
}

/// The disk that watches a path, and the file's name there.
fn watched(path: *const c_char) -> Option<Watched> {
    if path.is_null() {
        return None;
    }
    // SAFETY: SQLite gives a string that ends with a zero byte.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    let (folder, name) = path.rsplit_once('/')?;
    let disk = disks().iter().find(|disk| disk.folder == Path::new(folder)).cloned()?;
    Some(Watched { disk, name: name.to_owned() })
}

unsafe extern "C" fn x_open(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let shim = file.cast::<ShimFile>();
    // SAFETY: SQLite gives as much memory as `szOsFile` says, and calls back with what it was given.
    unsafe {
        (*shim).methods = std::ptr::null();
        (*shim).watched = std::ptr::null_mut();
        let vfs = real_vfs();
        let opened = (*vfs).xOpen.expect("an open")(vfs, path, real(file), flags, out_flags);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        (*shim).methods = &METHODS;
        if let Some(watched) = watched(path) {
            let there = watched.disk.folder.join(&watched.name);
            let mut state = watched.disk.state();
            let image = state.files.entry(watched.name.clone()).or_insert_with(|| {
                // Made by other means than SQLite, or before anybody watched.
                Image { synced: std::fs::read(there).unwrap_or_default(), ..Image::default() }
            });
            if image.removed {
                *image = Image::default();
            }
            drop(state);
            (*shim).watched = Box::into_raw(Box::new(watched));
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_delete(_: *mut ffi::sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    if let Some(watched) = watched(path) {
        let mut state = watched.disk.state();
        kill_or(state.event(), || {});
        if let Some(image) = state.files.get_mut(&watched.name) {
            image.removed = true;
        }
    }
    // SAFETY: handed on as it came.
    unsafe {
        let vfs = real_vfs();
        (*vfs).xDelete.expect("a delete")(vfs, path, sync)
    }
}

/// Dies if that is what is to happen, after doing half of something.
fn kill_or(fault: Option<Fault>, half: impl FnOnce()) -> Option<Fault> {
    if fault == Some(Fault::Kill) {
        half();
        die();
    }
    fault
}

/// The end of this process, as `kill -9` makes it.
pub fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}

/// The real file behind ours.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: it lies right behind, see `szOsFile`.
    unsafe { file.cast::<u8>().add(size_of::<ShimFile>()).cast() }
}

unsafe fn of<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a Watched> {
    // SAFETY: set by `x_open`, freed by `x_close`, which SQLite calls last.
    unsafe { (*file.cast::<ShimFile>()).watched.as_ref() }
}

/// Hands a call on to the real file.
macro_rules! hand_on {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = real($file);
        (*(*real).pMethods).$method.expect("a method")(real $(, $argument)*)
    }};
}

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as for `of`.
    unsafe {
        let shim = file.cast::<ShimFile>();
        if !(*shim).watched.is_null() {
            drop(Box::from_raw((*shim).watched));
            (*shim).watched = std::ptr::null_mut();
        }
        hand_on!(file, xClose)
    }
}

unsafe extern "C" fn x_write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    len: c_int,
    at: i64,
) -> c_int {
    // SAFETY: `data` has `len` bytes, SQLite says.
    unsafe {
        if let Some(watched) = of(file) {
            let bytes = std::slice::from_raw_parts(data.cast::<u8>(), len as usize);
            let mut state = watched.disk.state();
            let fault = kill_or(state.event(), || _ = hand_on!(file, xWrite, data, len / 2, at));
            match fault {
                Some(Fault::Full) => return ffi::SQLITE_FULL,
                Some(Fault::Io) => return ffi::SQLITE_IOERR_WRITE,
                _ => {}
            }
            let image = state.files.get_mut(&watched.name).expect("open");
            image.pending.push(Pending::Write(at as usize, bytes.to_vec()));
        }
        hand_on!(file, xWrite, data, len, at)
    }
}

unsafe extern "C" fn x_truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: handed on as it came.
    unsafe {
        if let Some(watched) = of(file) {
            let mut state = watched.disk.state();
            kill_or(state.event(), || {});
            let image = state.files.get_mut(&watched.name).expect("open");
            image.pending.push(Pending::Truncate(len as usize));
        }
        hand_on!(file, xTruncate, len)
    }
}

unsafe extern "C" fn x_sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: handed on as it came.
    unsafe {
        let Some(watched) = of(file) else { return hand_on!(file, xSync, flags) };
        let mut state = watched.disk.state();
        if kill_or(state.event(), || {}) == Some(Fault::Sync) {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        state.files.get_mut(&watched.name).expect("open").sync();
        // The model knows what is on the disk; the machine's own disk need not be bothered.
        ffi::SQLITE_OK
    }
}

macro_rules! plain {
    ($($ours:ident = $method:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(unsafe extern "C" fn $ours(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> $result {
            // SAFETY: handed on as it came.
            unsafe { hand_on!(file, $method $(, $argument)*) }
        })*
    };
}

plain! {
    x_read = xRead(data: *mut c_void, len: c_int, at: i64) -> c_int;
    x_file_size = xFileSize(size: *mut i64) -> c_int;
    x_lock = xLock(lock: c_int) -> c_int;
    x_unlock = xUnlock(lock: c_int) -> c_int;
    x_check_reserved_lock = xCheckReservedLock(out: *mut c_int) -> c_int;
    x_file_control = xFileControl(what: c_int, argument: *mut c_void) -> c_int;
    x_sector_size = xSectorSize() -> c_int;
    x_device_characteristics = xDeviceCharacteristics() -> c_int;
    x_shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int;
    x_shm_lock = xShmLock(offset: c_int, n: c_int, flags: c_int) -> c_int;
    x_shm_barrier = xShmBarrier() -> ();
    x_shm_unmap = xShmUnmap(remove: c_int) -> c_int;
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // With shared memory, without memory-mapped files.
    iVersion: 2,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_file_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check_reserved_lock),
    xFileControl: Some(x_file_control),
    xSectorSize: Some(x_sector_size),
    xDeviceCharacteristics: Some(x_device_characteristics),
    xShmMap: Some(x_shm_map),
    xShmLock: Some(x_shm_lock),
    xShmBarrier: Some(x_shm_barrier),
    xShmUnmap: Some(x_shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
