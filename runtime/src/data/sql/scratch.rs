//! Where SQLite puts what it cannot hold in memory: files without a name in the scratch of the sandbox.
//!
//! In a sandbox nothing can be opened. This is all of a file system that SQLite gets: sorts, automatic indexes and
//! tables of its own become files here, within the same bounds as everything a program writes. It opens no file that
//! has a name, so that no statement reaches one.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cowry_vfs::{Clock, Errno, File, OpenOptions, Vfs};
use rusqlite::ffi;

/// The Unix epoch as SQLite counts: milliseconds since noon of 24 November 4714 BC.
const EPOCH_MILLIS: i64 = 210_866_760_000_000;

/// A file system of SQLite's, known to it under its own name for as long as this lives. Connections that use it have
/// to be closed first.
pub(crate) struct ScratchFiles {
    vfs: Box<ffi::sqlite3_vfs>,
    name: CString,
    shared: Arc<Shared>,
}

/// What its files and its users know together.
struct Shared {
    /// A tree of its own. Without one there are no files.
    tree: Option<Vfs>,
    clock: Arc<dyn Clock>,
    written: AtomicU64,
}

impl ScratchFiles {
    /// Registers a file system whose files are in `tree`, which nobody else sees.
    pub(crate) fn new(tree: Option<Vfs>, clock: Arc<dyn Clock>) -> ScratchFiles {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("cowry-scratch-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let name = CString::new(name).expect("it has no zeros");
        let shared = Arc::new(Shared { tree, clock, written: AtomicU64::new(0) });
        let vfs = Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<ScratchFile>() as c_int,
            mxPathname: 512,
            pNext: ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: Arc::as_ptr(&shared).cast_mut().cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_path),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_millis),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        let mut files = ScratchFiles { vfs, name, shared };
        // SAFETY: the struct and the name live until `drop` takes them out of SQLite's list.
        unsafe { ffi::sqlite3_vfs_register(&raw mut *files.vfs, 0) };
        files
    }

    /// What SQLite knows it by.
    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }

    /// Whether there can be files.
    pub(crate) fn has_tree(&self) -> bool {
        self.shared.tree.is_some()
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }
}

impl Drop for ScratchFiles {
    fn drop(&mut self) {
        // SAFETY: it was registered in `new` and nowhere else.
        unsafe { ffi::sqlite3_vfs_unregister(&raw mut *self.vfs) };
    }
}

/// An open file. SQLite allocates it and sees only the first field.
#[repr(C)]
struct ScratchFile {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

struct Open {
    file: File,
    shared: Arc<Shared>,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// What SQLite is told of an error; where the scratch is full it says that the disk is.
fn code(error: &cowry_vfs::Error, otherwise: c_int) -> c_int {
    match error.errno() {
        Errno::EDQUOT | Errno::ENOSPC | Errno::EFBIG => ffi::SQLITE_FULL,
        _ => otherwise,
    }
}

impl Shared {
    /// Makes a file that goes away when it is closed.
    fn make(self: &Arc<Self>) -> Result<Open, c_int> {
        const PATH: &str = "/.cowry-sql";
        let tree = self.tree.as_ref().ok_or(ffi::SQLITE_CANTOPEN)?;
        let options = OpenOptions { read: true, write: true, create: true, ..OpenOptions::default() };
        let made = tree.open(PATH, options).and_then(|file| {
            tree.unlink(PATH)?;
            Ok(Open { file, shared: self.clone() })
        });
        made.map_err(|error| code(&error, ffi::SQLITE_CANTOPEN))
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let file = file.cast::<ScratchFile>();
    // SAFETY: SQLite hands over `szOsFile` bytes. Without methods there is nothing for it to close.
    unsafe { (*file).base.pMethods = ptr::null() };
    if !name.is_null() {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `pAppData` is an `Arc` that the owner of the registration keeps.
    let made = unsafe {
        let shared = (*vfs).pAppData.cast_const().cast::<Shared>();
        Arc::increment_strong_count(shared);
        Arc::from_raw(shared).make()
    };
    match made {
        Ok(open) => {
            // SAFETY: as above; `out_flags` may be null.
            unsafe {
                (*file).open = Box::into_raw(Box::new(open));
                (*file).base.pMethods = &raw const METHODS;
                if let Some(out) = out_flags.as_mut() {
                    *out = flags;
                }
            }
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

/// The file behind SQLite's pointer.
///
/// # Safety
/// It was opened by `open` and is not closed yet.
unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> &'a Open {
    // SAFETY: `open` made the box, and only `close` takes it back.
    unsafe { &*(*file.cast::<ScratchFile>()).open }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes what it opened once.
    drop(unsafe { Box::from_raw((*file.cast::<ScratchFile>()).open) });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    len: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's buffer has `len` bytes; what is not read is to be zeros.
    let (open, buffer) = unsafe {
        ptr::write_bytes(buffer.cast::<u8>(), 0, len as usize);
        (opened(file), std::slice::from_raw_parts_mut(buffer.cast::<u8>(), len as usize))
    };
    let mut done = 0;
    while done < buffer.len() {
        match open.file.read_at(&mut buffer[done..], offset as u64 + done as u64) {
            Ok(0) => return ffi::SQLITE_IOERR_SHORT_READ,
            Ok(count) => done += count,
            Err(_) => return ffi::SQLITE_IOERR_READ,
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    len: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's data has `len` bytes.
    let (open, data) = unsafe { (opened(file), std::slice::from_raw_parts(data.cast::<u8>(), len as usize)) };
    open.shared.written.fetch_add(data.len() as u64, Ordering::Relaxed);
    let mut done = 0;
    while done < data.len() {
        match open.file.write_at(&data[done..], offset as u64 + done as u64) {
            Ok(count) => done += count,
            Err(error) => return code(&error, ffi::SQLITE_IOERR_WRITE),
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: see `opened`.
    match unsafe { opened(file) }.file.truncate(size as u64) {
        Ok(()) => ffi::SQLITE_OK,
        Err(error) => code(&error, ffi::SQLITE_IOERR_TRUNCATE),
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: see `opened`.
    match unsafe { opened(file) }.file.stat() {
        Ok(stat) => {
            // SAFETY: SQLite wants an answer there.
            unsafe { *size = stat.size as ffi::sqlite3_int64 };
            ffi::SQLITE_OK
        }
        Err(_) => ffi::SQLITE_IOERR_FSTAT,
    }
}

/// What goes away when it is closed need not be durable.
unsafe extern "C" fn sync(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

/// Nobody else can open a file.
unsafe extern "C" fn lock(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn reserved(_: *mut ffi::sqlite3_file, is_reserved: *mut c_int) -> c_int {
    // SAFETY: SQLite wants an answer there.
    unsafe { *is_reserved = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, _: *const c_char, _: c_int) -> c_int {
    ffi::SQLITE_IOERR_DELETE_NOENT
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    _: *const c_char,
    _: c_int,
    answer: *mut c_int,
) -> c_int {
    // SAFETY: SQLite wants an answer there.
    unsafe { *answer = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_path(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    len: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: both are SQLite's, and the name ends with a zero.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if name.len() > len as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(name.as_ptr().cast(), out, name.len());
    }
    ffi::SQLITE_OK
}

/// Nothing: `random()` is a function of ours, and nothing else asks.
unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, len: c_int, out: *mut c_char) -> c_int {
    // SAFETY: SQLite's buffer has `len` bytes.
    unsafe { ptr::write_bytes(out, 0, len as usize) };
    len
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn current_millis(vfs: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: `pAppData` lives as long as the registration; SQLite wants an answer in `out`.
    unsafe {
        let shared = &*(*vfs).pAppData.cast_const().cast::<Shared>();
        let millis = shared.clock.now().0.div_euclid(1_000_000);
        *out = millis + EPOCH_MILLIS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    let mut millis = 0;
    // SAFETY: as for `current_millis`.
    unsafe {
        current_millis(vfs, &raw mut millis);
        *out = millis as f64 / 86_400_000.0;
    }
    ffi::SQLITE_OK
}
