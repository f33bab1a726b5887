//! The kernel's requests, each put into the layer's words and handed to whoever may do it.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, FileHandle, Filesystem, FopenFlags, INodeNo, InitFlags, KernelConfig,
    LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow,
    WriteFlags,
};

use super::answer::{Answer, Lookup, Measured};
use super::convert;
use super::core::Core;
use super::edit::{self, Maker, New};
use super::fetch::{Fetchers, Read};
use super::gather::Write;
use super::list::{Listing, fill};
use super::worker::{Job, Queue, Task};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, RenameMode, SeekTo, SetAttr, XattrMode};
use crate::path::Name;

/// Requests that the kernel keeps in flight by itself, such as reading ahead.
const BACKGROUND: u16 = 64;
/// The longest write in one request; the kernel may have a lower bound.
const WRITE_MAX: u32 = 1 << 20;
/// What takes the kernel's requests.
pub(super) struct Server {
    core: Arc<Core>,
    queue: Queue,
    fetchers: Fetchers,
}

impl Server {
    pub(super) fn new(core: Arc<Core>, queue: Queue) -> Server {
        let fetchers = Fetchers::new(core.clone(), queue.clone());
        Server { core, queue, fetchers }
    }

    fn ino(&self, number: INodeNo) -> Ino {
        convert::ino(number, self.core.root)
    }

    /// The work and its answer as one.
    fn job<A: Answer>(
        &self,
        reply: A,
        work: impl FnOnce(&Core, &dyn Layer) -> NodeResult<A::Value> + Send + 'static,
    ) -> Job {
        let core = self.core.clone();
        Box::new(move |layer| {
            let result = layer.and_then(|layer| work(&core, layer));
            let outcome = result.as_ref().map(|_| ()).map_err(|error| error.errno());
            reply.answer(&core, result);
            outcome
        })
    }

    /// Does what changes nothing: at once if it may see everything from here, else after what is under way.
    fn look<A: Answer>(
        &self,
        reply: A,
        work: impl FnOnce(&Core, &dyn Layer) -> NodeResult<A::Value> + Send + 'static,
    ) {
        let job = self.job(reply, work);
        if self.queue.is_idle() {
            let _ = job(Ok(&*self.core.layer));
        } else {
            self.queue.send(Task::Look(job));
        }
    }

    fn change<A: Answer>(
        &self,
        ino: Ino,
        reply: A,
        work: impl FnOnce(&Core, &dyn Layer) -> NodeResult<A::Value> + Send + 'static,
    ) {
        self.queue.send(Task::Change(ino, self.job(reply, work)));
    }

    /// A change of entries of the directory `parent`, among them `name`.
    fn change_entry<A: Answer>(
        &self,
        parent: INodeNo,
        name: &OsStr,
        reply: A,
        work: impl FnOnce(&Core, &dyn Layer, Ino, &Name) -> NodeResult<A::Value> + Send + 'static,
    ) {
        let parent = self.ino(parent);
        match convert::name(name) {
            Ok(name) => self.change(parent, reply, move |core, layer| work(core, layer, parent, &name)),
            Err(error) => reply.answer(&self.core, Err(error)),
        }
    }

    fn make(&self, by: &Request, parent: INodeNo, name: &OsStr, mode: u32, new: New, reply: ReplyEntry) {
        let maker = Maker { uid: by.uid(), gid: by.gid(), mode };
        self.change_entry(parent, name, reply, move |core, layer, parent, name| {
            core.create(layer, parent, name, &new, maker)
        });
    }

    fn commit(&self, ino: Ino, reply: ReplyEmpty) {
        let job = self.job(reply, move |core, layer| {
            core.confess(ino)?;
            layer.fsync(Some(ino))
        });
        self.queue.send(Task::Commit(job));
    }

    fn list<R: Listing>(&self, dir: INodeNo, handle: FileHandle, offset: u64, mut reply: R) {
        let dir = self.ino(dir);
        let listed = self.core.dirs.lock().get(handle.0);
        let job = self.job(Done, move |core, layer| {
            let filled =
                listed.and_then(|listed| fill(core, layer, dir, offset, &mut listed.lock(), &mut reply));
            reply.end(filled.as_ref().err().map(convert::errno));
            filled
        });
        if self.queue.is_idle() {
            let _ = job(Ok(&*self.core.layer));
        } else {
            self.queue.send(Task::Look(job));
        }
    }
}

/// The answer of a job that has given its reply by itself.
struct Done;

impl Answer for Done {
    type Value = ();

    fn answer(self, _: &Core, _: NodeResult<()>) {}
}

impl Filesystem for Server {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let mut wanted = vec![
            InitFlags::FUSE_NO_OPEN_SUPPORT,
            InitFlags::FUSE_CACHE_SYMLINKS,
            InitFlags::FUSE_ASYNC_DIO,
            // Otherwise the kernel asks for an attribute before every single write.
            InitFlags::FUSE_HANDLE_KILLPRIV_V2,
        ];
        if !self.core.remote {
            wanted.extend([InitFlags::FUSE_DO_READDIRPLUS, InitFlags::FUSE_READDIRPLUS_AUTO]);
        }
        if self.core.finds_out {
            wanted.push(InitFlags::FUSE_AUTO_INVAL_DATA);
        }
        for flag in wanted {
            // An older kernel does without.
            let _ = config.add_capabilities(flag);
        }
        let _ = config.set_max_write(WRITE_MAX);
        let _ = config.set_max_background(BACKGROUND);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let parent = self.ino(parent);
        match convert::name(name) {
            Ok(name) => self.look(Lookup(reply), move |core, layer| core.lookup(layer, parent, &name)),
            Err(error) => reply.error(convert::errno(&error)),
        }
    }

    fn forget(&self, _: &Request, ino: INodeNo, times: u64) {
        let ino = self.ino(ino);
        if self.core.known.lock().forget(ino, times) {
            self.change(ino, Done, move |_, layer| {
                layer.release(ino);
                Ok(())
            });
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let ino = self.ino(ino);
        self.look(reply, move |core, layer| core.getattr(layer, ino));
    }

    fn setattr(
        &self,
        by: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let (ino, by) = (self.ino(ino), by.uid());
        let time = |time: Option<TimeOrNow>| time.map(|time| edit::time(&self.core, time));
        let set = SetAttr {
            mode: mode.map(|mode| mode & 0o7777),
            uid,
            gid,
            size,
            atime: time(atime),
            mtime: time(mtime),
        };
        self.change(ino, reply, move |core, layer| core.setattr(layer, ino, set, by));
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        let ino = self.ino(ino);
        self.look(reply, move |_, layer| layer.readlink(ino).map(Into::into));
    }

    fn mknod(
        &self,
        by: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        match FileType::from_mode_bits(mode) {
            Some(kind) => self.make(by, parent, name, mode, New::Special(kind, rdev.into()), reply),
            None => reply.error(fuser::Errno::EINVAL),
        }
    }

    fn mkdir(&self, by: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        self.make(by, parent, name, mode, New::Directory, reply);
    }

    fn symlink(&self, by: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        match convert::text(target.as_os_str()) {
            Ok(target) => self.make(by, parent, name, 0o777, New::Symlink(target.into()), reply),
            Err(error) => reply.error(convert::errno(&error)),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.change_entry(parent, name, reply, Core::unlink);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.change_entry(parent, name, reply, Core::rmdir);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mode = match flags {
            flags if flags.is_empty() => RenameMode::Replace,
            RenameFlags::RENAME_NOREPLACE => RenameMode::NoReplace,
            RenameFlags::RENAME_EXCHANGE => RenameMode::Exchange,
            _ => return reply.error(fuser::Errno::EINVAL),
        };
        let new_parent = self.ino(new_parent);
        match convert::name(new_name) {
            Ok(new_name) => self.change_entry(parent, name, reply, move |core, layer, parent, name| {
                core.rename(layer, (parent, name), (new_parent, &new_name), mode)
            }),
            Err(error) => reply.error(convert::errno(&error)),
        }
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let ino = self.ino(ino);
        self.change_entry(parent, name, reply, move |core, layer, parent, name| {
            core.link(layer, ino, parent, name)
        });
    }

    /// Where it makes no difference, the kernel takes the error to mean that files need not be opened, and never asks again.
    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        if !self.core.remote {
            return reply.error(fuser::Errno::ENOSYS);
        }
        let ino = self.ino(ino);
        self.look(reply, move |_, layer| layer.open(ino));
    }

    /// After what is under way, so that what was written to it is there.
    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        let ino = self.ino(ino);
        self.change(ino, reply, move |_, layer| {
            layer.release(ino);
            Ok(())
        });
    }

    /// The kernel then makes a node and opens it, which needs no answer: one request instead of two.
    fn create(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (ino, size) = (self.ino(ino), size as usize);
        if self.core.layer.will_need(ino, offset, size) {
            self.look(reply, move |_, layer| layer.read(ino, offset, size));
        } else {
            self.fetchers.send(Read { ino, offset, size, reply });
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        how: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let kills_set_id = how.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID);
        let (ino, data) = (self.ino(ino), data.to_vec());
        self.queue.send(Task::Write(Write { ino, offset, data, kills_set_id, reply }));
    }

    /// Closing a file. Where errors of writing were told when it was written, it has nothing to say; not asked again.
    fn flush(&self, _: &Request, ino: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        if !self.core.remote {
            return reply.error(fuser::Errno::ENOSYS);
        }
        let ino = self.ino(ino);
        self.change(ino, reply, move |core, layer| {
            core.confess(ino)?;
            layer.flush(ino)
        });
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.commit(self.ino(ino), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.commit(self.ino(ino), reply);
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(self.core.dirs.lock().open()), FopenFlags::empty());
    }

    fn readdir(&self, _: &Request, ino: INodeNo, handle: FileHandle, offset: u64, reply: ReplyDirectory) {
        self.list(ino, handle, offset, reply);
    }

    fn readdirplus(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        self.list(ino, handle, offset, reply);
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.core.dirs.lock().close(handle.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        self.look(reply, Core::statfs);
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let ino = self.ino(ino);
        match convert::text(name).map(str::to_owned) {
            Ok(name) => self.look(Measured(reply, size), move |core, layer| core.getxattr(layer, ino, &name)),
            Err(error) => reply.error(convert::errno(&error)),
        }
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        let ino = self.ino(ino);
        self.look(Measured(reply, size), move |core, layer| core.listxattr(layer, ino));
    }

    fn setxattr(
        &self,
        _: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        let mode = match flags {
            0 => XattrMode::Any,
            1 => XattrMode::Create,
            2 => XattrMode::Replace,
            _ => return reply.error(fuser::Errno::EINVAL),
        };
        let (ino, value) = (self.ino(ino), value.to_vec());
        match convert::text(name).map(str::to_owned) {
            Ok(name) => self.change(ino, reply, move |_, layer| layer.setxattr(ino, &name, &value, mode)),
            Err(error) => reply.error(convert::errno(&error)),
        }
    }

    fn removexattr(&self, _: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let ino = self.ino(ino);
        match convert::text(name).map(str::to_owned) {
            Ok(name) => self.change(ino, reply, move |_, layer| layer.removexattr(ino, &name)),
            Err(error) => reply.error(convert::errno(&error)),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        len: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let ino = self.ino(ino);
        self.change(ino, reply, move |core, layer| core.allocate(layer, ino, mode as u32, offset, len));
    }

    fn lseek(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        const SEEK_DATA: i32 = 3;
        const SEEK_HOLE: i32 = 4;
        let to = match whence {
            SEEK_DATA => SeekTo::Data,
            SEEK_HOLE => SeekTo::Hole,
            _ => return reply.error(fuser::Errno::EINVAL),
        };
        let ino = self.ino(ino);
        let offset = u64::try_from(offset).map_err(|_| Errno::ENXIO);
        self.look(reply, move |_, layer| layer.seek(ino, offset?, to));
    }

    fn copy_file_range(
        &self,
        _: &Request,
        from: INodeNo,
        _: FileHandle,
        at: u64,
        to: INodeNo,
        _: FileHandle,
        offset: u64,
        len: u64,
        _: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let (from, to) = (self.ino(from), self.ino(to));
        self.change(to, reply, move |core, layer| core.copy(layer, (from, at), (to, offset), len));
    }
}
