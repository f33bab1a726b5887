//! One file of the host into a tree.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cowry_vfs::sqlite::{Piece, Sent};
use cowry_vfs::{Errno, Follow, Layer, NodeError, NodeResult, OpenOptions, SqliteLayer, VPathBuf, Vfs};
use rustix::fs::SeekFrom;

use crate::error::{Error, Result};

/// How much is held in memory at once.
const PIECE: u64 = 1 << 20;

/// Copies a regular file of the host, called `shown` in messages, to a path of a tree, with its holes. All of it or
/// nothing: after a failure what was there is there, and nobody else sees a part. Returns its size in bytes.
///
/// Where content goes to a bucket, it is uploaded before anything is written.
///
/// # Errors
/// If the file cannot be read or the tree not written, or the bucket does not take it.
pub fn put_file(source: &File, shown: &Path, tree: &Vfs, path: &VPathBuf) -> Result<u64> {
    let size = source.metadata().map_err(|error| Error::host("read", shown, error))?.len();
    let source = Source { file: source, shown, size };
    let layer = layer_at(tree, path)?;
    let uploaded = match SqliteLayer::of(&*layer) {
        Some(workspace) if source.fits(tree, path, workspace)? => source.upload(workspace)?,
        _ => None,
    };
    let mut failure = None;
    let done = tree.transaction(|| {
        if let Some(parent) = path.parent() {
            tree.mkdir_all(&parent, 0o755)?;
        }
        let target = tree.open(path, OpenOptions::write())?;
        let found = tree.locate(path, Follow::Yes)?;
        let copied = match (&uploaded, SqliteLayer::of(&*layer)) {
            (Some(uploaded), Some(workspace)) if Arc::ptr_eq(&found.layer, &layer) => {
                let named = source.name(workspace, found.stat.ino, uploaded);
                named.map_err(|error| cowry_vfs::Error::at("write", path.as_str(), error).into())
            }
            _ => source.copy(&target),
        };
        copied.map_err(|error| {
            failure = Some(error);
            cowry_vfs::Error::new("write", Errno::EIO)
        })?;
        target.truncate(source.size)
    });
    failure.map_or_else(|| Ok(done.map(|()| source.size)?), Err)
}

/// The layer that a file at a path is in or would be.
fn layer_at(tree: &Vfs, path: &VPathBuf) -> Result<Arc<dyn Layer>> {
    let mut at = path.clone();
    loop {
        match (tree.locate(&at, Follow::Yes), at.parent()) {
            (Err(error), Some(parent)) if error.errno() == Errno::ENOENT => at = parent,
            (found, _) => return Ok(found?.layer),
        }
    }
}

/// What is put.
struct Source<'a> {
    file: &'a File,
    shown: &'a Path,
    size: u64,
}

/// Content that is in the bucket: its pieces, and where in the file they belong.
struct Uploaded<'a> {
    pieces: Vec<(u64, Piece)>,
    _sent: Sent<'a>,
}

impl Source<'_> {
    /// Whether there seems to be room for it. What has none is refused when it is written, and was not sent in vain.
    fn fits(&self, tree: &Vfs, path: &VPathBuf, workspace: &SqliteLayer) -> Result<bool> {
        let mut needed = 0;
        self.each_stretch(&mut |start, end| {
            needed += end - start;
            Ok(())
        })?;
        let replaced = tree.stat(path).map_or(0, |stat| stat.blocks * 512);
        let Ok(usage) = workspace.statfs() else { return Ok(false) };
        Ok(needed <= usage.total_bytes.saturating_sub(usage.used_bytes).saturating_add(replaced))
    }

    /// Uploads it. `None` where it does not go to a bucket.
    fn upload<'a>(&self, workspace: &'a SqliteLayer) -> Result<Option<Uploaded<'a>>> {
        let ahead = workspace.ahead()?.filter(|ahead| self.size >= ahead.least());
        let Some(mut ahead) = ahead else { return Ok(None) };
        let (mut pieces, mut cut, mut read) = (Vec::new(), 0, 0);
        self.each_piece(&mut |at, bytes| {
            if at != read {
                note(&mut pieces, &mut cut, ahead.cut_off()?);
                cut = at;
            }
            read = at + bytes.len() as u64;
            note(&mut pieces, &mut cut, ahead.push(bytes)?);
            Ok(())
        })?;
        note(&mut pieces, &mut cut, ahead.cut_off()?);
        Ok(Some(Uploaded { pieces, _sent: ahead.finish()? }))
    }

    /// Lets a file have what was uploaded. What is not there any more is read again.
    fn name(&self, workspace: &SqliteLayer, ino: cowry_vfs::Ino, uploaded: &Uploaded<'_>) -> NodeResult<()> {
        uploaded.pieces.iter().try_for_each(|(at, piece)| {
            workspace.write_piece(ino, *at, piece, &mut || self.read_again(*at, piece.length()))
        })
    }

    fn read_again(&self, at: u64, length: usize) -> NodeResult<Bytes> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at).map_err(NodeError::io)?;
        Ok(bytes.into())
    }

    /// Copies it to an empty file.
    fn copy(&self, target: &cowry_vfs::File) -> Result<()> {
        self.each_piece(&mut |at, bytes| Ok(target.write_at(bytes, at).map(drop)?))
    }

    /// Reads what is no hole, in order.
    fn each_piece(&self, each: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let mut piece = vec![0; PIECE as usize];
        self.each_stretch(&mut |mut at, end| {
            while at < end {
                let wanted = PIECE.min(end - at) as usize;
                match self.file.read_at(&mut piece[..wanted], at) {
                    Ok(0) => break,
                    Ok(read) => {
                        each(at, &piece[..read])?;
                        at += read as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.unreadable(error)),
                }
            }
            Ok(())
        })
    }

    /// Finds what is no hole; where a filesystem knows no holes all is data.
    fn each_stretch(&self, each: &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<()> {
        let mut at = 0;
        while at < self.size {
            let start = match rustix::fs::seek(self.file, SeekFrom::Data(at)) {
                Err(rustix::io::Errno::NXIO) => return Ok(()),
                Err(rustix::io::Errno::INVAL) => return each(at, self.size),
                found => found.map_err(|error| self.unreadable(error.into()))?,
            };
            let end = rustix::fs::seek(self.file, SeekFrom::Hole(start));
            at = end.map_err(|error| self.unreadable(error.into()))?.min(self.size);
            if start < at {
                each(start, at)?;
            }
        }
        Ok(())
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::host("read", self.shown, error)
    }
}

fn note(pieces: &mut Vec<(u64, Piece)>, at: &mut u64, cut: Vec<(Piece, Bytes)>) {
    for (piece, bytes) in cut {
        pieces.push((*at, piece));
        *at += bytes.len() as u64;
    }
}
