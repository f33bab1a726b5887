//! `createArchive`, `listArchive`, `extractArchive`: tar, with long names, links, modes and times.
//!
//! Nothing is written outside the destination: a name that leads out, or through a link, is an error, and then nothing of
//! the archive is left.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, BufWriter};

use cowry_vfs::archive::{ArchiveError, EntryType, Member, Members, Packed, Packer, safe_path, uncompressed};
use cowry_vfs::{Access, Errno, FileType, Follow, OpenOptions, SetTime, TraverseEntry, VPathBuf};
use serde::Serialize;

use super::gzip::of_file;
use super::look::kind_of;
use super::pattern::Budget;
use super::{State, StateError, path};

/// How much is read and written at once, in bytes.
const PIECE: usize = 256 << 10;

/// What an archive holds of one node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub(crate) struct ArchiveEntry {
    /// Without a leading slash; the root is `.`.
    pub(crate) path: String,
    /// `file`, `directory`, `symlink` or `fifo`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Bytes of a file.
    pub(crate) size: u64,
}

/// An archive that was written.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    pub(crate) path: String,
    pub(crate) entries: Vec<ArchiveEntry>,
    pub(crate) bytes_written: u64,
}

/// An archive that was unpacked.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Extracted {
    pub(crate) destination: String,
    pub(crate) entries: Vec<ArchiveEntry>,
}

impl State<'_> {
    /// Packs files, links and directories with what is below them. The archive itself is left out, and what is named
    /// twice comes once.
    ///
    /// # Errors
    /// Those of reading and writing, and then nothing was written; one that names what cannot be packed.
    pub(crate) fn create_archive(&self, path: &str, sources: &[String]) -> Result<Created, StateError> {
        let mut entries = Vec::new();
        self.atomically(|| {
            self.with_parents(path, |path| self.vfs.write(path, b""))?;
            let own = self.vfs.stat(path)?;
            let file = self.vfs.open(path, OpenOptions::update())?;
            let own = (file.mount(), own.ino);
            let mut out = BufWriter::with_capacity(PIECE, file);
            let mut packer = Packer::new(&mut out);
            let (mut seen, mut budget) = (BTreeSet::new(), Budget::default());
            for source in sources {
                self.each_node(source, &mut |node| {
                    if (node.mount, node.stat.ino) != own && seen.insert(node.path.clone()) {
                        budget.take(node.path.len() + size_of::<ArchiveEntry>())?;
                        entries.push(self.pack(&mut packer, &node)?);
                    }
                    Ok(())
                })?;
            }
            packer.finish().map_err(|error| refused(error, path))
        })?;
        let bytes_written = self.vfs.stat(path)?.size;
        Ok(Created { path: path.to_owned(), entries, bytes_written })
    }

    /// What is at a path, a link itself included, and everything below it.
    fn each_node(
        &self,
        path: &str,
        each: &mut dyn FnMut(TraverseEntry) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let path = path::normal(path)?;
        let found = self.vfs.locate(&path, Follow::No)?;
        if found.stat.is_dir() {
            return self.vfs.walk_tree(&path)?.try_for_each(|entry| each(entry?));
        }
        each(TraverseEntry { path: found.path, depth: 0, mount: found.mount, stat: found.stat })
    }

    fn pack(&self, packer: &mut Packer<'_>, node: &TraverseEntry) -> Result<ArchiveEntry, StateError> {
        let shown = node.path.as_str();
        if node.stat.is_file() {
            self.vfs.access(shown, Access::READ)?;
        }
        let layer = self.vfs.locate(shown, Follow::No)?.layer;
        let name = if node.path.is_root() { "." } else { &shown[1..] };
        match packer
            .add(&*layer, Some(node.mount), name, &node.stat)
            .map_err(|error| refused(error, shown))?
        {
            Packed::Whole | Packed::Link => {
                let size = if node.stat.is_file() { node.stat.size } else { 0 };
                let kind = if node.stat.kind == FileType::Fifo { "fifo" } else { kind_of(&node.stat) };
                Ok(ArchiveEntry { path: name.to_owned(), kind, size })
            }
            Packed::Unfit => {
                let what = format!("{shown} is no file, directory, link or FIFO: it cannot be archived");
                Err(StateError::coded(Errno::EINVAL, what, shown))
            }
        }
    }

    /// What an archive holds, by path.
    ///
    /// # Errors
    /// If it is no tar archive or a damaged one; those of reading.
    pub(crate) fn list_archive(&self, path: &str) -> Result<Vec<ArchiveEntry>, StateError> {
        let mut entries = Vec::new();
        self.members(path, &mut |entry, _, _| {
            entries.push(entry.clone());
            Ok(())
        })?;
        entries.sort_unstable();
        Ok(entries)
    }

    /// Unpacks an archive below a directory, which is made if it is missing. Absolute names become relative; files that
    /// are there are replaced, directories merged.
    ///
    /// # Errors
    /// For a member that would be outside, or that is no file, directory, link or FIFO; as [`State::list_archive`];
    /// those of writing. Nothing was written then.
    pub(crate) fn extract_archive(&self, path: &str, destination: &str) -> Result<Extracted, StateError> {
        let mut entries = Vec::new();
        self.atomically(|| {
            self.vfs.mkdir_all(destination, 0o777)?;
            let into = self.vfs.realpath(destination)?;
            let mut unpacking = Unpacking { state: self, into, directories: BTreeMap::new() };
            self.members(path, &mut |entry, member, members| {
                unpacking.member(entry, member, members, path)?;
                entries.push(entry.clone());
                Ok(())
            })?;
            unpacking.finish()
        })?;
        Ok(Extracted { destination: destination.to_owned(), entries })
    }

    /// Reads an archive, member by member.
    fn members(&self, path: &str, each: &mut EachMember<'_>) -> Result<(), StateError> {
        let broken = |error| refused(error, path);
        let mut file = self.vfs.open(path, OpenOptions::read())?;
        if file.stat()?.is_dir() {
            return Err(cowry_vfs::Error::at("read", path, Errno::EISDIR).into());
        }
        let mut archive = BufReader::with_capacity(PIECE, uncompressed(&mut file).map_err(broken)?);
        let mut members = Members::new(&mut archive);
        let (mut sizes, mut budget) = (BTreeMap::new(), Budget::default());
        while let Some(member) = members.next_member().map_err(broken)? {
            let entry = described(&member, &mut sizes);
            budget.take(2 * (entry.path.len() + size_of::<ArchiveEntry>()))?;
            each(&entry, member, &mut members)?;
        }
        Ok(())
    }
}

type EachMember<'a> = dyn FnMut(&ArchiveEntry, Member, &mut Members<'_>) -> Result<(), StateError> + 'a;

/// A member as it is shown. A hard link has the size of what it is a name of.
fn described(member: &Member, sizes: &mut BTreeMap<String, u64>) -> ArchiveEntry {
    let name = String::from_utf8_lossy(&member.name).into_owned();
    let shown = name.trim_start_matches("./").trim_matches('/');
    let path = if shown.is_empty() { ".".to_owned() } else { shown.to_owned() };
    let kind = match member.kind {
        EntryType::Directory => "directory",
        EntryType::Symlink => "symlink",
        EntryType::Fifo => "fifo",
        EntryType::Regular if name.ends_with('/') => "directory",
        _ => "file",
    };
    let size = match (kind, member.kind) {
        ("file", EntryType::Link) => {
            let link = String::from_utf8_lossy(&member.link);
            sizes.get(link.trim_start_matches("./").trim_matches('/')).copied().unwrap_or(0)
        }
        ("file", _) => member.size,
        _ => 0,
    };
    if kind == "file" {
        sizes.insert(path.clone(), size);
    }
    ArchiveEntry { path, kind, size }
}

/// An archive on its way into a directory.
struct Unpacking<'a> {
    state: &'a State<'a>,
    into: VPathBuf,
    /// Modes and times of directories, which are set when nothing more is written into them.
    directories: BTreeMap<String, (u32, SetTime)>,
}

impl Unpacking<'_> {
    fn member(
        &mut self,
        entry: &ArchiveEntry,
        member: Member,
        members: &mut Members<'_>,
        archive: &str,
    ) -> Result<(), StateError> {
        let at = self.place(&member.name, &entry.path)?;
        let vfs = self.state.vfs;
        let mtime = SetTime::At(member.mtime);
        let mode = member.mode & 0o7777;
        match (entry.kind, member.kind) {
            ("directory", _) => {
                if !vfs.lstat(&at).is_ok_and(|stat| stat.is_dir()) {
                    vfs.mkdir(&at, 0o777)?;
                }
                self.directories.insert(at, (mode, mtime));
                return Ok(());
            }
            ("symlink", _) => {
                let target = String::from_utf8(member.link)
                    .map_err(|_| unfit(&entry.path, "its target is not UTF-8"))?;
                self.clear(&at)?;
                vfs.symlink(&target, &at)?;
                vfs.lutimes(&at, SetTime::Keep, mtime)?;
                return Ok(());
            }
            (_, EntryType::Link) => {
                let to = self.place(&member.link, &entry.path)?;
                if !(vfs.exists(&at) && vfs.same_file(&to, &at)?) {
                    self.clear(&at)?;
                    vfs.link(&to, &at)?;
                }
                return Ok(());
            }
            (_, EntryType::Fifo) => {
                self.clear(&at)?;
                vfs.mknod(&at, FileType::Fifo, mode, 0)?;
            }
            (_, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse) => {
                self.clear(&at)?;
                self.file(&at, &member, members, archive)?;
                for (name, value) in &member.xattrs {
                    vfs.setxattr(&at, name, value, cowry_vfs::XattrMode::Any)?;
                }
            }
            _ => return Err(unfit(&entry.path, "it is no file, directory, link or FIFO")),
        }
        vfs.chmod(&at, mode)?;
        Ok(vfs.utimes(&at, SetTime::Keep, mtime)?)
    }

    fn file(
        &self,
        at: &str,
        member: &Member,
        members: &mut Members<'_>,
        archive: &str,
    ) -> Result<(), StateError> {
        let options = OpenOptions { exclusive: true, create: true, write: true, ..OpenOptions::default() };
        let file = self.state.vfs.open(at, options)?;
        let whole = [(0, member.size)];
        let pieces = member.map.as_ref().map_or(&whole[..], |map| &map.pieces);
        for (offset, length) in pieces {
            let (mut at, end) = (*offset, offset + length);
            while at < end {
                let most = PIECE.min(usize::try_from(end - at).unwrap_or(PIECE));
                let piece = members.piece(most).map_err(|error| refused(error, archive))?;
                file.write_at(&piece, at)?;
                at += piece.len() as u64;
            }
        }
        Ok(file.truncate(member.size)?)
    }

    /// Where a name leads: below the destination and through no link. The directories above it are made.
    fn place(&self, name: &[u8], shown: &str) -> Result<String, StateError> {
        let below = safe_path(name).map_err(|why| unfit(shown, why))?;
        let mut at = self.into.clone();
        let mut components = below.components().peekable();
        while let Some(name) = components.next() {
            at = at.join(&name);
            if components.peek().is_none() {
                break;
            }
            match self.state.vfs.lstat(&at) {
                Ok(stat) if stat.is_dir() => {}
                Ok(_) => return Err(unfit(shown, "something that is no directory stands above it")),
                Err(error) if error.errno() == Errno::ENOENT => self.state.vfs.mkdir(&at, 0o777)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(at.as_str().to_owned())
    }

    /// Removes what is in the way of a new file or link; a directory is not.
    fn clear(&self, at: &str) -> Result<(), StateError> {
        match self.state.vfs.unlink(at) {
            Err(error) if error.errno() != Errno::ENOENT => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The innermost come last and are set first.
    fn finish(self) -> Result<(), StateError> {
        for (at, (mode, mtime)) in self.directories.iter().rev() {
            // A later member may stand in its place.
            if self.state.vfs.lstat(at).is_ok_and(|stat| stat.is_dir()) {
                self.state.vfs.chmod(at, *mode)?;
                self.state.vfs.utimes(at, SetTime::Keep, *mtime)?;
            }
        }
        Ok(())
    }
}

fn unfit(name: &str, why: &str) -> StateError {
    let what = format!("cannot extract {name:?}: {why}: nothing was extracted");
    StateError::coded(Errno::EINVAL, what, name)
}

/// What is wrong with an archive, or with what goes into it.
fn refused(error: ArchiveError, path: &str) -> StateError {
    let invalid = |what: String| StateError {
        path: Some(path.to_owned()),
        ..StateError::new(format!("Invalid archive {path}: {what}"))
    };
    match error {
        ArchiveError::Node(error) => cowry_vfs::Error::at("read", path, error).into(),
        ArchiveError::Read(error) | ArchiveError::Write(error)
            if error.get_ref().is_some_and(|inner| inner.is::<cowry_vfs::Error>()) =>
        {
            of_file(error, path)
        }
        ArchiveError::Read(error) | ArchiveError::Write(error) => invalid(error.to_string()),
        ArchiveError::Compressed => invalid("it is compressed: use decompressFile first".into()),
        error => invalid(error.to_string()),
    }
}
