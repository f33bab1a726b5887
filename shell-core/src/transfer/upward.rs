//! Files of an import on their way through a bucket: uploaded as they come, named when their batch is written.

use bytes::Bytes;
use cowry_vfs::sqlite::{Ahead, Piece};
use cowry_vfs::{Layer, SqliteLayer, Timestamp, VPathBuf};

use super::entry::{Attributes, Entry};
use crate::error::Result;

/// A file shorter than this is one piece and stays in one entry: to hash it again costs less than one more write.
const ONE_PIECE: usize = 128 << 10;

/// Uploads the content of entries, and cuts long files into entries as their content is cut.
pub(super) struct Upward<'a> {
    ahead: Ahead<'a>,
    least: u64,
    file: Option<Current>,
}

/// The file that content comes for.
struct Current {
    path: VPathBuf,
    mtime: Timestamp,
    /// Where the piece begins that is cut off next.
    cut: u64,
    /// Where the content ends that has come.
    end: u64,
}

impl<'a> Upward<'a> {
    /// `None` where content does not go to a bucket.
    pub fn of(layer: &'a dyn Layer) -> Result<Option<Upward<'a>>> {
        let Some(workspace) = SqliteLayer::of(layer) else { return Ok(None) };
        let ahead = workspace.ahead()?;
        Ok(ahead.map(|ahead| Upward { least: ahead.least(), ahead, file: None }))
    }

    /// Stands for everything that was taken so far.
    pub fn mark(&self) -> u64 {
        self.ahead.mark()
    }

    /// Waits until the bucket has everything up to a mark.
    pub fn wait(&mut self, mark: u64) -> Result<()> {
        Ok(self.ahead.wait(mark)?)
    }

    /// Takes an entry, and returns those that are to be staged by now.
    pub fn take(&mut self, entry: Entry) -> Result<Vec<Entry>> {
        match entry {
            Entry::More { path, mtime: _, at, content } if self.is_at(&path) => self.more(at, &content),
            Entry::File { path, attributes, content } => {
                let mut staged = self.end()?;
                staged.extend(self.file(path, attributes, content)?);
                Ok(staged)
            }
            other => {
                let mut staged = self.end()?;
                staged.push(other);
                Ok(staged)
            }
        }
    }

    /// Ends the file that content came for.
    pub fn end(&mut self) -> Result<Vec<Entry>> {
        let rest = self.ahead.cut_off()?;
        let staged = self.entries(rest);
        self.file = None;
        Ok(staged)
    }

    fn is_at(&self, path: &VPathBuf) -> bool {
        self.file.as_ref().is_some_and(|file| file.path == *path)
    }

    fn file(&mut self, path: VPathBuf, attributes: Attributes, content: Vec<u8>) -> Result<Vec<Entry>> {
        let length = content.len();
        if length < ONE_PIECE {
            if length as u64 >= self.least {
                self.ahead.push(&content)?;
                self.ahead.cut_off()?;
            } else if length == 0 {
                // A file with holes: its content comes piece by piece.
                self.file = Some(Current { path: path.clone(), mtime: attributes.mtime, cut: 0, end: 0 });
            }
            return Ok(vec![Entry::File { path, attributes, content }]);
        }
        self.file = Some(Current { path: path.clone(), mtime: attributes.mtime, cut: 0, end: 0 });
        let mut staged = vec![Entry::File { path, attributes, content: Vec::new() }];
        staged.extend(self.more(0, &content)?);
        Ok(staged)
    }

    fn more(&mut self, at: u64, content: &[u8]) -> Result<Vec<Entry>> {
        let mut staged = Vec::new();
        if self.file.as_ref().is_some_and(|file| file.end != at) {
            let rest = self.ahead.cut_off()?;
            staged = self.entries(rest);
            self.file.iter_mut().for_each(|file| file.cut = at);
        }
        self.file.iter_mut().for_each(|file| file.end = at + content.len() as u64);
        let cut = self.ahead.push(content)?;
        staged.extend(self.entries(cut));
        Ok(staged)
    }

    fn entries(&mut self, pieces: Vec<(Piece, Bytes)>) -> Vec<Entry> {
        let Some(file) = &mut self.file else { return Vec::new() };
        let entry = |(piece, content): (Piece, Bytes)| {
            let at = file.cut;
            file.cut += content.len() as u64;
            Entry::Piece { path: file.path.clone(), mtime: file.mtime, at, piece, content }
        };
        pieces.into_iter().map(entry).collect()
    }
}
