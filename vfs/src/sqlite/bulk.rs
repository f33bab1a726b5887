//! Making many files in one directory: the same rows as one by one, with everything that is the same for all of them
//! done once.

use super::entry::INSERT_ENTRY;
use super::inode::{INSERT_INODE, Node};
use super::schema::LIVE;
use super::tx::{Next, Tx};
use super::{SqliteLayer, content::INSERT_CONTENT};
use crate::clock::Timestamp;
use crate::commit::{Bulk, NewFile};
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino, Stat};

impl Bulk for SqliteLayer {
    fn create_files(&self, dir: Ino, files: &[NewFile]) -> NodeResult<Vec<Stat>> {
        self.change(|tx| tx.create_files(dir.0 as i64, files))
    }
}

impl Tx<'_> {
    fn create_files(&mut self, dir: i64, files: &[NewFile]) -> NodeResult<Vec<Stat>> {
        self.open_dir(dir)?;
        for file in files {
            if self.is_taken(dir, &file.name)? {
                return Err(Errno::EEXIST.into());
            }
        }
        let (conn, rev) = (self.conn, self.rev());
        let mut contents = conn.prepare_cached(INSERT_CONTENT)?;
        let mut inodes = conn.prepare_cached(INSERT_INODE)?;
        let mut entries = conn.prepare_cached(INSERT_ENTRY)?;
        let mut made = Vec::with_capacity(files.len());
        for file in files {
            self.need_inode()?;
            let mut node = self.new_file(file);
            let size = file.content.len() as i64;
            if (1..=self.inline_max()).contains(&size) {
                self.need_bytes(&node, 0, size)?;
                let hash = blake3::hash(&file.content);
                let id = Next::take(&mut self.state.next.content);
                contents.execute((id, rev, &file.content[..], &hash.as_bytes()[..]))?;
                (node.content, node.size, node.space) = (Some(id), size, size);
            } else {
                self.write_node(&mut node, 0, &file.content)?;
            }
            node.insert_with(&mut inodes, rev)?;
            self.count_new(&mut node);
            entries.execute((dir, file.name.as_str(), rev, LIVE, node.ino))?;
            self.state.pending.note_entry(dir, &file.name);
            made.push(node.stat(Timestamp(node.btime)));
            self.state.pending.note_made(node);
        }
        self.touch_dir(dir, 0)?;
        Ok(made)
    }

    fn new_file(&mut self, file: &NewFile) -> Node {
        Node {
            ino: self.new_ino(),
            from: self.rev(),
            kind: FileType::Regular,
            mode: file.attr.mode & 0o7777,
            uid: file.attr.uid,
            gid: file.attr.gid,
            rdev: 0,
            nlink: 1,
            size: 0,
            space: 0,
            counted: 0,
            mtime: file.attr.mtime.map_or(self.now, |time| time.0),
            ctime: self.now,
            btime: self.now,
            version: 1,
            content: None,
            parent: None,
            target: None,
            xattrs: None,
        }
    }
}
