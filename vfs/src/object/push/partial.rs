//! The file that becomes a workspace that is pulled.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::block::{self, Cut};
use super::depot::Depot;
use super::manifest::Manifest;
use super::parallel::in_parallel;
use super::{PushError, PushInfo, PushProgress, Stage};
use crate::object::Bucket;
use crate::sqlite::SqliteOptions;
use crate::sqlite::travel::{self, Claim};

/// The file that becomes the workspace. It stays where a pull fails on the way, for the next one.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    _claim: Claim,
}

impl Partial {
    pub(super) fn claim(target: &Path) -> Result<Partial, PushError> {
        let claim = Claim::take(travel::beside(target, "-pulling")).map_err(|source| {
            let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
            PushError::Host { what: "write into", path: folder.unwrap_or(Path::new(".")).to_owned(), source }
        })?;
        match claim {
            Some(claim) => Ok(Partial { path: travel::beside(target, "-pull"), _claim: claim }),
            None => Err(PushError::Conflict(format!(
                "{} is being pulled by another process: try again when that is done",
                target.display()
            ))),
        }
    }

    /// Makes the partial file what was pushed, and returns how many blocks were fetched for it.
    pub(super) fn fill(
        &self,
        bucket: &Bucket,
        manifest: &Manifest,
        target: &Path,
        parallel: usize,
        on_progress: &mut dyn FnMut(PushProgress),
    ) -> Result<u64, PushError> {
        travel::clear_beside(&self.path);
        let (bytes, block) = (manifest.info.bytes, manifest.block);
        let filling = Filling {
            bucket,
            manifest,
            here: Cut::as_is(&self.path, block).ok(),
            old: Cut::of(target, block).ok(),
            file: Mutex::new(self.open(bytes)?),
            path: &self.path,
            fetched: AtomicU64::new(0),
        };
        let mut done = PushProgress { stage: Stage::Downloading, blocks: 0, bytes: 0, of_bytes: bytes };
        in_parallel(
            manifest.hashes.len(),
            parallel,
            &|number| filling.one(number as u64),
            &mut |number, ()| {
                done.blocks += 1;
                done.bytes += block::length_of(number as u64, bytes, block);
                on_progress(done);
                Ok(())
            },
            &mut || Ok(()),
        )
        .map_err(|error| replaced(bucket, manifest, error))?;
        Ok(filling.fetched.load(Ordering::Relaxed))
    }

    fn open(&self, bytes: u64) -> Result<File, PushError> {
        let write = || PushError::host("write", &self.path);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&self.path);
        let file = file.map_err(write())?;
        file.set_len(bytes).map_err(write())?;
        Ok(file)
    }

    /// It is the workspace that the push says it is, and sound. If not, it is of no use to anybody.
    pub(super) fn settle(
        &self,
        pushed: &PushInfo,
        content: &str,
        how: &SqliteOptions,
    ) -> Result<(), PushError> {
        let settled = travel::inspect(&self.path).and_then(|arrival| {
            if (arrival.workspace, arrival.head, arrival.sealed_at)
                != (pushed.workspace, pushed.revision, pushed.sealed_at)
            {
                return Err(travel::TravelError::Unsound(
                    "it is not the workspace that its push says".into(),
                ));
            }
            arrival.settle(&self.path, content, how)
        });
        if matches!(settled, Err(travel::TravelError::Unsound(_))) {
            super::draft::remove(&self.path);
        }
        Ok(settled?)
    }

    pub(super) fn done(self) {
        super::draft::remove(&self.path);
    }
}

/// A push that was removed while it was pulled is no damage.
fn replaced(bucket: &Bucket, manifest: &Manifest, error: PushError) -> PushError {
    let (name, number) = (&manifest.info.name, manifest.info.number);
    let gone = |depot: Depot<'_>| depot.numbers(name).is_ok_and(|numbers| !numbers.contains(&number));
    match (&error, Depot::find(bucket)) {
        (PushError::Unusable(_), Ok(Some(depot))) if gone(depot) => PushError::Conflict(format!(
            "push {number} of {name} was removed while it was pulled: pull once more to have a later one"
        )),
        _ => error,
    }
}

/// Blocks on their way into the partial file.
struct Filling<'a> {
    bucket: &'a Bucket,
    manifest: &'a Manifest,
    /// What an earlier pull left.
    here: Option<Cut>,
    /// The workspace that is there, whose blocks are much the same. It may be changed meanwhile: hashes tell.
    old: Option<Cut>,
    file: Mutex<File>,
    path: &'a Path,
    fetched: AtomicU64,
}

impl Filling<'_> {
    fn one(&self, number: u64) -> Result<(), PushError> {
        let length = block::length_of(number, self.manifest.info.bytes, self.manifest.block);
        let hash = &self.manifest.hashes[number as usize];
        let read = |cut: &Option<Cut>| {
            let content = cut.as_ref().and_then(|cut| cut.read(number, length).ok().flatten());
            content.filter(|content| block::hash_of(content) == *hash)
        };
        if read(&self.here).is_some() {
            return Ok(());
        }
        let content = match read(&self.old) {
            Some(content) => content,
            None => {
                let content = block::fetch(self.bucket, hash, length)?;
                self.fetched.fetch_add(1, Ordering::Relaxed);
                content
            }
        };
        self.write(number, &content).map_err(PushError::host("write", self.path))
    }

    fn write(&self, number: u64, content: &[u8]) -> io::Result<()> {
        let mut file = self.file.lock();
        file.seek(SeekFrom::Start(number * self.manifest.block))?;
        file.write_all(content)
    }
}
