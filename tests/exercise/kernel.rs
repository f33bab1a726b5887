//! The kernel: a directory of the host, or a mount, used through system calls.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use cowry_vfs::{Allocate, SeekTo};
use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::Errno;

use super::target::{Abilities, Answer, How, SLOTS, Target};

/// A directory that the kernel serves.
#[derive(Debug)]
pub struct KernelTarget {
    dir: PathBuf,
    slots: [Option<File>; SLOTS],
}

impl KernelTarget {
    /// Works in this directory, which is empty.
    pub fn new(dir: &Path) -> KernelTarget {
        KernelTarget { dir: dir.to_owned(), slots: Default::default() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn file(&self, slot: usize) -> &File {
        self.slots[slot].as_ref().expect("the exerciser knows what is open")
    }
}

fn told<T>(result: Result<T, impl ToString>) -> Answer<T> {
    result.map_err(|error| error.to_string())
}

fn read_full(file: &File, offset: u64, len: usize) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

impl Target for KernelTarget {
    fn abilities(&self) -> Abilities {
        Abilities { hard_links: true, holes: true, unlinked: true }
    }

    fn open(&mut self, slot: usize, name: &str, how: How) -> Answer<()> {
        let mut options = OpenOptions::new();
        options.read(true).create(how.create);
        // The standard library refuses to append and truncate at once; the kernel does not mind.
        if how.append {
            options.append(true)
        } else {
            options.write(true).truncate(how.truncate)
        };
        let file = told(options.open(self.at(name)))?;
        if how.append && how.truncate {
            told(file.set_len(0))?;
        }
        self.slots[slot] = Some(file);
        Ok(())
    }

    fn close(&mut self, slot: usize) {
        self.slots[slot] = None;
    }

    fn read(&self, slot: usize, offset: u64, len: usize) -> Answer<Vec<u8>> {
        told(read_full(self.file(slot), offset, len))
    }

    fn write(&self, slot: usize, offset: u64, data: &[u8]) -> Answer<()> {
        told(self.file(slot).write_all_at(data, offset))
    }

    fn truncate(&self, slot: usize, size: u64) -> Answer<()> {
        told(self.file(slot).set_len(size))
    }

    fn allocate(&self, slot: usize, how: Allocate, offset: u64, len: u64) -> Answer<()> {
        let flags = match how {
            Allocate::Reserve => FallocateFlags::empty(),
            Allocate::KeepSize => FallocateFlags::KEEP_SIZE,
            Allocate::Punch => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            Allocate::Zero => FallocateFlags::ZERO_RANGE,
        };
        told(rustix::fs::fallocate(self.file(slot), flags, offset, len))
    }

    fn seek(&self, slot: usize, offset: u64, to: SeekTo) -> Answer<Option<u64>> {
        let to = match to {
            SeekTo::Data => SeekFrom::Data(offset),
            SeekTo::Hole => SeekFrom::Hole(offset),
        };
        match rustix::fs::seek(self.file(slot), to) {
            Err(Errno::NXIO) => Ok(None),
            found => told(found).map(Some),
        }
    }

    fn copy_range(&self, from: usize, offset: u64, to: usize, at: u64, len: u64) -> Answer<u64> {
        let (mut offset, mut at, mut copied) = (offset, at, 0);
        let (source, target) = (self.file(from), self.file(to));
        // Called again, it would find what it has just written.
        let len = len.min(self.size(from)?.saturating_sub(offset));
        while copied < len {
            let wanted = usize::try_from(len - copied).expect("ranges are small");
            let some = rustix::fs::copy_file_range(source, Some(&mut offset), target, Some(&mut at), wanted);
            match told(some)? {
                0 => break,
                some => copied += some as u64,
            }
        }
        Ok(copied)
    }

    fn sync(&self, slot: usize) -> Answer<()> {
        told(self.file(slot).sync_data())
    }

    fn size(&self, slot: usize) -> Answer<u64> {
        told(self.file(slot).metadata()).map(|meta| meta.len())
    }

    fn content(&self, name: &str) -> Answer<Vec<u8>> {
        let mut content = Vec::new();
        told(File::open(self.at(name)).and_then(|mut file| file.read_to_end(&mut content)))?;
        Ok(content)
    }

    fn replace(&self, name: &str, data: &[u8]) -> Answer<()> {
        told(File::create(self.at(name)).and_then(|mut file| file.write_all(data)))
    }

    fn truncate_name(&self, name: &str, size: u64) -> Answer<()> {
        let file = OpenOptions::new().write(true).open(self.at(name));
        told(file.and_then(|file| file.set_len(size)))
    }

    fn copy(&self, from: &str, to: &str) -> Answer<()> {
        told(fs::copy(self.at(from), self.at(to))).map(drop)
    }

    fn rename(&self, from: &str, to: &str) -> Answer<()> {
        told(fs::rename(self.at(from), self.at(to)))
    }

    fn link(&self, from: &str, to: &str) -> Answer<()> {
        told(fs::hard_link(self.at(from), self.at(to)))
    }

    fn unlink(&self, name: &str) -> Answer<()> {
        told(fs::remove_file(self.at(name)))
    }

    fn names(&self) -> Answer<Vec<String>> {
        let mut names = Vec::new();
        for entry in told(fs::read_dir(&self.dir))? {
            names.push(told(entry)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn reopen(&mut self) -> bool {
        false
    }
}
