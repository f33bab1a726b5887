//! Getting files out of a workspace that is too damaged to be opened.

use std::error::Error as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cowry_vfs::archive::data_after;
use cowry_vfs::sqlite::{SalvageReport, SqliteLayer, SqliteOptions, salvage as salvage_file};
use cowry_vfs::{DirEntry, Layer, NodeResult, Vfs, VfsOptions};

use crate::error::{Error, Result, is_lost};
use crate::transfer::{Progress, Totals, export_sound, pack_sound, replace};

/// What was got out of a damaged workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salvaged {
    /// What could be read, and what is lost.
    pub report: SalvageReport,
    /// What was exported; `None` where the target is a workspace.
    pub exported: Option<Totals>,
}

/// Saves what can be read of the newest state of a workspace, which is not changed: into a folder, or an archive if
/// the name ends in `.tar`, or a new workspace if it ends in `.cowry`. What has lost its name is in `lost+found`. Files of
/// which something is lost in a bucket are left out and listed; a new workspace asks no bucket and refers to it as before.
///
/// # Errors
/// If there is something at `target` already, nothing at all can be read, or the target cannot be written.
pub fn salvage(workspace: &Path, target: &Path, on_progress: &mut dyn FnMut(Progress)) -> Result<Salvaged> {
    if target.symlink_metadata().is_ok() {
        let target = target.display();
        return Err(Error::Usage(format!("{target} already exists: name a folder or file that does not")));
    }
    let options = SqliteOptions { chunk_folder: crate::cache::folder()?, ..SqliteOptions::default() };
    if extension(target) == Some("cowry") {
        let (_, report) = salvage_file(workspace, target, &options)?;
        return Ok(Salvaged { report, exported: None });
    }
    // On the disk that the files go to, which has room for them.
    let between = Between(beside(target, &format!(".salvage-{}.cowry", std::process::id())));
    let (layer, report) = salvage_file(workspace, &between.0, &options)?;
    let exported = export(Arc::new(layer), target, on_progress)?;
    Ok(Salvaged { report, exported: Some(exported) })
}

fn export(layer: Arc<SqliteLayer>, target: &Path, on_progress: &mut dyn FnMut(Progress)) -> Result<Totals> {
    // Only what is in a bucket may be lost and not be known to be.
    let in_buckets = !layer.content_use()?.homes.is_empty();
    let root: Arc<dyn Layer> = layer;
    let lost = |entry: &DirEntry| if in_buckets { lost(&*root, entry) } else { Ok(None) };
    let tree = Vfs::new(root.clone(), VfsOptions { read_only: true, ..VfsOptions::default() });
    if extension(target) != Some("tar") {
        return export_sound(&tree, "/", target, &lost, on_progress);
    }
    replace(target, |file| {
        let mut archive = BufWriter::with_capacity(1 << 20, file);
        let done = pack_sound(&tree, "/", &mut archive, &lost, on_progress)?;
        archive.flush().map_err(|error| Error::host("write", target, error))?;
        Ok(done)
    })
}

/// Reads a file to its end: why, where that shows that some of it is lost.
fn lost(layer: &dyn Layer, entry: &DirEntry) -> NodeResult<Option<String>> {
    const PIECE: usize = 1 << 20;
    let (stat, mut at) = (&entry.stat, 0);
    while stat.is_file()
        && let Some((start, end)) = data_after(layer, stat, at)?
    {
        let length = PIECE.min(usize::try_from(end - start).unwrap_or(PIECE));
        match layer.read(stat.ino, start, length) {
            Ok(piece) if piece.is_empty() => return Ok(None),
            Ok(piece) => at = start + piece.len() as u64,
            Err(error) => match error.source().filter(|cause| is_lost(Some(*cause))) {
                Some(cause) => return Ok(Some(cause.to_string())),
                None => return Err(error),
            },
        }
    }
    Ok(None)
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The workspace in between, which goes when all is done.
struct Between(PathBuf);

impl Drop for Between {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-lock", "-turn"] {
            let _ = std::fs::remove_file(beside(&self.0, suffix));
        }
    }
}
