//! Chunks that were fetched, kept in a folder of the host for the next process.
//!
//! A file is named after the hash of its bytes and verified whenever it is read, so that one that is torn, damaged or
//! somebody else's is fetched again. It gets its name when it is whole. Losing any of them loses nothing, and nothing
//! that goes wrong here is an error. The bound holds for all processes together as far as each of them, having
//! written an eighth of it, looks at all of the folder and removes what was used least lately.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(unix)]
use rustix::fs::OFlags;

use super::super::chunk::Hash;
use super::ChunkFolder;
use crate::clock::Clock;

/// The bound if nobody says otherwise.
const BYTES: u64 = 1 << 30;
/// How old the note of the last use becomes before it is renewed.
const NOTE_AGAIN: Duration = Duration::from_secs(60);

impl ChunkFolder {
    fn place(&self, env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let usual = || {
            let home = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
            home.map(|home| home.join("cowry").join("chunks"))
        };
        self.folder.clone().or_else(|| set("COWRY_CACHE_DIR")).or_else(usual)
    }
}

/// The folder in use.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    bound: u64,
    clock: Arc<dyn Clock>,
    /// Bytes written since the folder was looked at; at first so many that it is at once.
    written: AtomicU64,
    drafts: AtomicU64,
}

impl Cache {
    /// `None` if nothing is to be kept.
    pub(super) fn new(how: &ChunkFolder, clock: Arc<dyn Clock>) -> Option<Cache> {
        let (folder, bound) = (how.place(&|name| std::env::var(name).ok())?, how.bytes.unwrap_or(BYTES));
        let (written, drafts) = (AtomicU64::new(bound), AtomicU64::new(0));
        (bound > 0).then_some(Cache { folder, bound, clock, written, drafts })
    }

    /// What may be written between two looks at the folder.
    pub(super) fn share(&self) -> u64 {
        self.bound / 8
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        let hex = blake3::Hash::from(*hash).to_hex();
        self.folder.join(&hex[..2]).join(&*hex)
    }

    /// Whether there seems to be such a file.
    pub(super) fn has(&self, hash: &Hash) -> bool {
        self.path(hash).symlink_metadata().is_ok_and(|meta| meta.is_file())
    }

    /// The bytes with this hash, if they are there and whole.
    pub(super) fn get(&self, hash: &Hash, length: usize) -> Option<Vec<u8>> {
        let path = self.path(hash);
        match self.read(&path, hash, length) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            // Whatever else is there is in the way of what belongs there.
            Err(_) | Ok(None) => {
                let _ = fs::remove_file(&path);
                None
            }
            Ok(bytes) => bytes,
        }
    }

    fn read(&self, path: &Path, hash: &Hash, length: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = open(path)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(length + 1);
        (&mut file).take(length as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() != length || *blake3::hash(&bytes).as_bytes() != *hash {
            return Ok(None);
        }
        self.note_use(&file);
        Ok(Some(bytes))
    }

    fn note_use(&self, file: &File) {
        let now = self.now();
        let noted = file.metadata().and_then(|meta| meta.modified()).unwrap_or(UNIX_EPOCH);
        if now.duration_since(noted).map_or(true, |age| age >= NOTE_AGAIN) {
            let _ = file.set_modified(now);
        }
    }

    /// Keeps bytes.
    pub(super) fn put(&self, hash: &Hash, bytes: &[u8]) {
        if bytes.len() as u64 <= self.share() && self.write(hash, bytes).is_ok() {
            let since = self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
            if since > self.share() {
                self.written.store(0, Ordering::Relaxed);
                self.evict();
            }
        }
    }

    fn write(&self, hash: &Hash, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.path(hash);
        let above = path.parent().expect("it has a folder");
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = above.join(format!("new-{}-{number}", std::process::id()));
        let mut file = File::create_new(&draft).or_else(|_| {
            make_private(&self.folder)?;
            fs::create_dir_all(above)?;
            // A process of this number left it behind, or somebody who means no good.
            let _ = fs::remove_file(&draft);
            File::create_new(&draft)
        })?;
        let written = file.write_all(bytes).and_then(|()| file.set_modified(self.now()));
        let named = written.and_then(|()| fs::rename(&draft, &path));
        if named.is_err() {
            let _ = fs::remove_file(&draft);
        }
        named
    }

    /// Removes what was used least lately until an eighth of the bound is free.
    fn evict(&self) {
        let mut files = self.files();
        let mut sum: u64 = files.iter().map(|file| file.bytes).sum();
        let most = self.bound - self.share();
        if sum <= most {
            return;
        }
        files.sort_by_key(|file| file.used);
        for file in files {
            if sum <= most {
                return;
            }
            sum -= file.bytes;
            let _ = fs::remove_file(file.path);
        }
    }

    /// All files there, drafts that nobody finished among them.
    fn files(&self) -> Vec<Kept> {
        let list = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        let kept = |entry: fs::DirEntry| {
            let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some(Kept { path: entry.path(), bytes: meta.len(), used: meta.modified().ok()? })
        };
        // Not where a link leads.
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_one = |entry: &fs::DirEntry| is_ours(&entry.file_name().to_string_lossy()) && is_folder(entry);
        let folders = list(&self.folder).filter(is_one);
        folders.flat_map(|folder| list(&folder.path())).filter_map(kept).collect()
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.clock.now().0.max(0) as u64)
    }
}

struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Whether a folder has a name as ours have: nothing else is touched, whatever the setting names.
fn is_ours(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Opens what is a file itself. A link is followed nowhere, and a pipe in which nobody writes is not waited for.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<Option<File>> {
    if path.symlink_metadata()?.is_file() { File::open(path).map(Some) } else { Ok(None) }
}

/// Makes a folder that nobody else can look into: what is kept is content of workspaces.
fn make_private(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    const START: i64 = 1_700_000_000_000_000_000;

    fn cache(folder: &Path, bound: u64) -> (Cache, Arc<ManualClock>) {
        let clock = ManualClock::new(Timestamp(START));
        let how = ChunkFolder { folder: Some(folder.join("chunks")), bytes: Some(bound) };
        (Cache::new(&how, clock.clone()).expect("it keeps something"), clock)
    }

    fn put(cache: &Cache, bytes: &[u8]) -> Hash {
        let hash = *blake3::hash(bytes).as_bytes();
        cache.put(&hash, bytes);
        hash
    }

    #[test]
    fn what_is_kept_is_found_and_what_is_damaged_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (cache, _) = cache(folder.path(), 1 << 20);
        let hash = put(&cache, b"some bytes");
        assert_eq!(cache.get(&hash, 10).as_deref(), Some(&b"some bytes"[..]));
        std::fs::write(cache.path(&hash), b"some bytez").expect("written");
        assert_eq!(cache.get(&hash, 10), None);
        assert!(!cache.has(&hash), "what is damaged goes");
        let hash = put(&cache, b"some bytes");
        std::fs::write(cache.path(&hash), b"some").expect("written");
        assert_eq!(cache.get(&hash, 10), None);
    }

    #[test]
    fn what_was_used_least_lately_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let (cache, clock) = cache(folder.path(), 8000);
        let mut hashes = Vec::new();
        for n in 0..7_u8 {
            hashes.push(put(&cache, &[n; 1000]));
            clock.advance(100_000_000_000);
        }
        assert!(cache.get(&hashes[0], 1000).is_some(), "seven eighths fit");
        clock.advance(100_000_000_000);
        for n in 7..9_u8 {
            hashes.push(put(&cache, &[n; 1000]));
            clock.advance(100_000_000_000);
        }
        let there: Vec<bool> = hashes.iter().map(|hash| cache.has(hash)).collect();
        assert_eq!(there, [true, false, false, true, true, true, true, true, true]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let (cache, _) = cache(folder.path(), 1 << 20);
        let hash = put(&cache, b"some bytes");
        let path = cache.path(&hash);
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, b"some bytes").expect("written");
        let pipe = |path: &Path| {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).expect("made");
        };
        let link = |path: &Path| symlink(&elsewhere, path).expect("linked");
        // Reading a pipe in which nobody writes would never end.
        for replace in [&pipe as &dyn Fn(&Path), &link] {
            std::fs::remove_file(&path).expect("removed");
            replace(&path);
            assert!(!cache.has(&hash));
            assert_eq!(cache.get(&hash, 10), None);
            put(&cache, b"some bytes");
            assert_eq!(cache.get(&hash, 10).as_deref(), Some(&b"some bytes"[..]));
        }
        assert_eq!(std::fs::read(&elsewhere).expect("still there"), b"some bytes");
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_removed_or_written_where_a_link_leads() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let (cache, _) = cache(folder.path(), 800);
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir_all(&elsewhere).expect("made");
        std::fs::write(elsewhere.join("mine"), [0; 1000]).expect("written");
        std::fs::create_dir_all(&cache.folder).expect("made");
        symlink(&elsewhere, cache.folder.join("zz")).expect("linked");
        symlink(&elsewhere, cache.folder.join("00")).expect("linked");
        // The names of drafts can be guessed.
        let hash = *blake3::hash(b"some bytes").as_bytes();
        let above = cache.path(&hash).parent().expect("a folder").to_owned();
        std::fs::create_dir_all(&above).expect("made");
        symlink(elsewhere.join("mine"), above.join(format!("new-{}-0", std::process::id()))).expect("linked");
        put(&cache, b"some bytes");
        cache.evict();
        assert_eq!(cache.get(&hash, 10).as_deref(), Some(&b"some bytes"[..]));
        assert_eq!(std::fs::read(elsewhere.join("mine")).expect("still there"), [0; 1000]);
    }

    #[test]
    fn a_folder_that_cannot_be_is_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("chunks"), b"a file").expect("written");
        let (cache, _) = cache(folder.path(), 1 << 20);
        let hash = put(&cache, b"some bytes");
        assert_eq!(cache.get(&hash, 10), None);
    }
}
