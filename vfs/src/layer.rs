//! The trait that is a filesystem, for those who implement one.

use std::any::Any;
use std::fmt;

use bytes::Bytes;

use crate::errno::NodeResult;
use crate::node::{
    Allocate, DirEntry, Features, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs, XattrMode,
};
use crate::path::Name;
use crate::savepoint::Savepoint;

/// One filesystem: a tree of inodes. Paths, symlinks, permissions and mounts are handled above, in `Vfs`.
///
/// # Contract
/// - Each call is atomic: it happens entirely, or returns an error and changes nothing.
/// - `name` is a single valid component; `.` and `..` never arrive.
/// - A layer never follows symlinks, never sees a path, never checks permissions.
/// - Offsets and lengths are in bytes; times are nanoseconds since the Unix epoch.
/// - An inode that does not exist (any more) is `ESTALE`; a name that does not exist is `ENOENT`.
/// - A call on the wrong kind of node: an entry operation on what is no directory is `ENOTDIR`; reading or
///   writing a directory is `EISDIR`; content operations on any other non-file are `EINVAL`.
/// - Every change of entries sets mtime and ctime of the directory; every change of content sets mtime and
///   ctime of the file; link, unlink and rename set ctime of the node; reading sets nothing
///   (`Vfs` says when atime moves, through `setattr`).
/// - A layer that cannot be written answers every change with `EROFS`.
/// - If an outcome cannot be known (a lost reply), the layer finds out or stops taking writes; it never guesses.
/// - One writer at a time, many readers; calls may come from any thread.
pub trait Layer: Any + fmt::Debug + Send + Sync {
    /// What kind of layer it is, for messages: `memory`, `sqlite`.
    fn name(&self) -> &str;

    /// What it can do.
    fn features(&self) -> Features;

    /// The root directory. It always exists and cannot be renamed or removed.
    fn root(&self) -> Ino;

    /// The node that `name` leads to.
    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat>;

    /// The attributes of a node.
    fn getattr(&self, ino: Ino) -> NodeResult<Stat>;

    /// Changes attributes and returns them all. ctime becomes now, unless only atime changes.
    ///
    /// # Errors
    /// `EISDIR`/`EINVAL` for the size of what is no regular file; `EFBIG`; `EDQUOT`, `ENOSPC`.
    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat>;

    /// Entries in name order (by bytes), strictly after `after`, at most `limit`.
    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>>;

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// `EINVAL` if it is none.
    fn readlink(&self, ino: Ino) -> NodeResult<String>;

    /// Up to `len` bytes from `offset`; shorter only at the end of the file. Holes read as zeros.
    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes>;

    /// Says that a range of a file is going to be read, as `posix_fadvise` does: what has to be fetched for it from far
    /// away is on its way from now on, as far as bounds allow. Waits for nothing and cannot fail. `false` if reading
    /// the range now would wait for that.
    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        let _ = (ino, offset, len);
        true
    }

    /// Writes all of `data` at `offset`; a gap before it becomes a hole. Empty data changes nothing.
    ///
    /// # Errors
    /// `EFBIG` past `i64::MAX`; `EDQUOT`, `ENOSPC`.
    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()>;

    /// Writes all of `data` at the end, wherever that is by now, and returns the offset it went to.
    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64>;

    /// Allocates, punches or zeroes a range.
    ///
    /// # Errors
    /// `EINVAL` for an empty range; `EOPNOTSUPP` where the layer knows no holes and a hole is asked for.
    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()>;

    /// The offset of the next data or hole at or after `offset`.
    ///
    /// # Errors
    /// `ENXIO` at or past the end of the file, and if there is no more data.
    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64>;

    /// Pins an inode: opened n times, it outlives its last link until released n times.
    fn open(&self, ino: Ino) -> NodeResult<()>;

    /// Undoes one `open`. A node without links and pins is gone.
    fn release(&self, ino: Ino);

    /// Hands on what was written to a file and is held back until nobody has it open. Who closes a file calls it
    /// before `release`, which cannot tell of a failure. Where writes are done when they return, it does nothing.
    ///
    /// # Errors
    /// `EBUSY` where somebody else changed the file meanwhile: nothing of theirs was overwritten, and what was written here
    /// can still be read. Whatever else keeps it from being handed on; then it can be tried again.
    fn flush(&self, ino: Ino) -> NodeResult<()>;

    /// Makes a node.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken; `EMLINK`; `EDQUOT`, `ENOSPC`; `ENOENT` in a directory that was removed;
    /// `EOPNOTSUPP` for a kind of node the layer cannot hold.
    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat>;

    /// Gives a node one more name.
    ///
    /// # Errors
    /// `EPERM` for a directory; `EEXIST` if the name is taken; `EMLINK` past 65,000;
    /// `ENOENT` for a node that has lost its last name.
    fn link(&self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat>;

    /// Removes a name of what is no directory.
    ///
    /// # Errors
    /// `EISDIR` for a directory.
    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `ENOTDIR`, `ENOTEMPTY`.
    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()>;

    /// Moves an entry. Replacing is atomic; if both names lead to one file, nothing happens.
    ///
    /// # Errors
    /// `ENOENT`; `EEXIST` (no-replace); `EISDIR`, `ENOTDIR`, `ENOTEMPTY` if the kinds do not fit;
    /// `EINVAL` for a directory moved below itself.
    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()>;

    /// An extended attribute.
    ///
    /// # Errors
    /// `ENODATA` if there is none of that name; as [`Layer::setxattr`] for a name that cannot be.
    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes>;

    /// The names of all extended attributes, in order.
    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>>;

    /// Sets an extended attribute.
    ///
    /// # Errors
    /// `EOPNOTSUPP` outside the `user.` namespace; `EINVAL` for nothing after `user.`; `ERANGE` for a name past 255 bytes;
    /// `ENOSPC` for a value past 64 KiB; `EEXIST`, `ENODATA` by `mode`.
    fn setxattr(&self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()>;

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// As [`Layer::getxattr`].
    fn removexattr(&self, ino: Ino, name: &str) -> NodeResult<()>;

    /// Makes `ino` durable; `None` means everything written so far.
    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()>;

    /// How full it is.
    fn statfs(&self) -> NodeResult<StatFs>;

    /// Remembers everything as it is now. Unlike a batch it keeps nobody from writing.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the layer cannot; `EDEADLK` within a batch.
    fn savepoint(&self) -> NodeResult<Savepoint>;

    /// Makes everything what it was, whoever changed it since. What is held open stays so; what was made since is
    /// `ESTALE`. A savepoint can be gone back to again.
    ///
    /// # Errors
    /// `EINVAL` for a savepoint of another layer; `EDEADLK` within a batch.
    fn roll_back(&self, to: &Savepoint) -> NodeResult<()>;

    /// Runs `work` as one transaction: what it does through the layer it is handed becomes visible to
    /// others and durable at once, and is undone if it returns an error. Others' writes wait. Batches nest: an
    /// inner one that fails undoes its own part. Inside, versions can be compared before acting on them.
    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()>;
}
