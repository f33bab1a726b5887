//! What a filesystem is made of: inode numbers, kinds, attributes, entries.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::path::{NAME_MAX, Name};

/// The number of an inode, unique within its layer for as long as anything names or holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Ino(pub u64);

/// What kind of node it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FileType {
    Regular,
    Directory,
    Symlink,
    Fifo,
    CharDevice,
    BlockDevice,
    Socket,
}

impl FileType {
    /// The `S_IFMT` bits.
    pub fn mode_bits(self) -> u32 {
        match self {
            FileType::Regular => 0o100_000,
            FileType::Directory => 0o040_000,
            FileType::Symlink => 0o120_000,
            FileType::Fifo => 0o010_000,
            FileType::CharDevice => 0o020_000,
            FileType::BlockDevice => 0o060_000,
            FileType::Socket => 0o140_000,
        }
    }

    /// The kind that these `S_IFMT` bits name.
    pub fn from_mode_bits(mode: u32) -> Option<FileType> {
        [
            FileType::Regular,
            FileType::Directory,
            FileType::Symlink,
            FileType::Fifo,
            FileType::CharDevice,
            FileType::BlockDevice,
            FileType::Socket,
        ]
        .into_iter()
        .find(|kind| kind.mode_bits() == mode & 0o170_000)
    }
}

/// The attributes of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stat {
    /// The inode.
    pub ino: Ino,
    /// What kind of node.
    pub kind: FileType,
    /// Permission bits, `0o0000` to `0o7777`; the kind is not in them.
    pub mode: u32,
    /// Names that lead to it; for a directory 2 plus its subdirectories.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device node, else 0.
    pub rdev: u64,
    /// Bytes of content; for a symbolic link the length of its target; for a directory 0.
    pub size: u64,
    /// Allocated space in units of 512 bytes; holes do not count.
    pub blocks: u64,
    /// Last read. Never a change in the sense of a revision.
    pub atime: Timestamp,
    /// Last change of content (of a directory: of its entries).
    pub mtime: Timestamp,
    /// Last change of content or attributes.
    pub ctime: Timestamp,
    /// Birth.
    pub btime: Timestamp,
    /// Grows with every change of content or attributes (atime aside).
    pub version: u64,
}

impl Stat {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileType::Regular
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.kind == FileType::Symlink
    }
}

/// One entry of a directory, with the attributes of what it names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DirEntry {
    /// The name.
    pub name: Name,
    /// What it names.
    pub stat: Stat,
}

/// What to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewNode<'a> {
    /// A regular file with this content.
    File(&'a [u8]),
    /// An empty directory.
    Directory,
    /// A symbolic link to this target: 1–4,095 bytes, else `ENOENT`/`ENAMETOOLONG`.
    Symlink(&'a str),
    /// A FIFO: it can exist but not be opened.
    Fifo,
    /// A socket: it can exist but not be opened.
    Socket,
    /// A character device with this number: it can exist but not be opened.
    CharDevice(u64),
    /// A block device with this number: it can exist but not be opened.
    BlockDevice(u64),
}

impl NewNode<'_> {
    /// The kind of node this makes.
    pub fn kind(&self) -> FileType {
        match self {
            NewNode::File(_) => FileType::Regular,
            NewNode::Directory => FileType::Directory,
            NewNode::Symlink(_) => FileType::Symlink,
            NewNode::Fifo => FileType::Fifo,
            NewNode::Socket => FileType::Socket,
            NewNode::CharDevice(_) => FileType::CharDevice,
            NewNode::BlockDevice(_) => FileType::BlockDevice,
        }
    }
}

/// Attributes of a node that is being made. Times left out are the layer's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewAttr {
    /// Permission bits, umask already applied.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change of content, where it is not now (imports, commits).
    pub mtime: Option<Timestamp>,
}

impl NewAttr {
    /// Attributes with this mode, owned by uid and gid 1000, made now.
    pub fn with_mode(mode: u32) -> NewAttr {
        NewAttr { mode, uid: 1000, gid: 1000, mtime: None }
    }
}

/// Which attributes to change; `None` leaves one as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SetAttr {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Size of a regular file: cuts off, or extends with a hole.
    pub size: Option<u64>,
    /// Last read.
    pub atime: Option<Timestamp>,
    /// Last change of content. A change of size sets it to now unless it is given.
    pub mtime: Option<Timestamp>,
}

impl SetAttr {
    /// Changes the size and nothing else.
    pub fn size(size: u64) -> SetAttr {
        SetAttr { size: Some(size), ..SetAttr::default() }
    }

    /// Changes the mode and nothing else.
    pub fn mode(mode: u32) -> SetAttr {
        SetAttr { mode: Some(mode), ..SetAttr::default() }
    }

    /// Whether nothing but atime would change.
    pub fn is_atime_only(&self) -> bool {
        SetAttr { atime: None, ..*self } == SetAttr::default()
    }
}

/// What a rename does where the new name exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RenameMode {
    /// Replaces it, as `rename(2)`.
    #[default]
    Replace,
    /// Fails with `EEXIST`.
    NoReplace,
    /// Swaps the two; both must exist.
    Exchange,
}

/// What to do to a range of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allocate {
    /// Makes sure the range can be written; the file grows to hold it.
    Reserve,
    /// The same without growing the file.
    KeepSize,
    /// Makes the range a hole; the size stays.
    Punch,
    /// Makes the range read as zeros; the file grows to hold it.
    Zero,
}

/// What to look for from an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeekTo {
    /// The next byte of data.
    Data,
    /// The next hole; the end of the file counts as one.
    Hole,
}

/// What to require of an extended attribute that is being set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum XattrMode {
    /// Nothing.
    #[default]
    Any,
    /// That it is new, else `EEXIST`.
    Create,
    /// That it exists, else `ENODATA`.
    Replace,
}

/// The name of an extended attribute that a layer can have.
///
/// # Errors
/// `EOPNOTSUPP` outside the `user.` namespace; `ERANGE` past 255 bytes; `EINVAL` for nothing after `user.`, and for
/// a NUL.
pub(crate) fn check_xattr_name(name: &str) -> NodeResult<()> {
    match name.strip_prefix("user.") {
        _ if name.len() > NAME_MAX => Err(Errno::ERANGE.into()),
        None => Err(Errno::EOPNOTSUPP.into()),
        Some("") => Err(Errno::EINVAL.into()),
        Some(_) if name.contains('\0') => Err(Errno::EINVAL.into()),
        Some(_) => Ok(()),
    }
}

/// How full a filesystem is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatFs {
    /// Bytes in all; `u64::MAX` where there is no bound.
    pub total_bytes: u64,
    /// Bytes in use by live content.
    pub used_bytes: u64,
    /// Inodes in all; `u64::MAX` where there is no bound.
    pub total_inodes: u64,
    /// Inodes in use.
    pub used_inodes: u64,
}

/// What a layer can do. Tests select by it; a user's call that needs what is missing gets `EOPNOTSUPP`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Features {
    /// Whether it can be written at all (else `EROFS`).
    pub writable: bool,
    /// Hard links.
    pub hard_links: bool,
    /// Symbolic links.
    pub symlinks: bool,
    /// Extended attributes.
    pub xattrs: bool,
    /// FIFOs, sockets and device nodes.
    pub special_nodes: bool,
    /// Holes are kept and reported as such.
    pub sparse: bool,
    /// Modes and owners are kept.
    pub ownership: bool,
    /// Rename without replacing, and exchange.
    pub rename_modes: bool,
    /// `batch` undoes everything when it fails.
    pub transactions: bool,
    /// What is read never changes, so that it may be cached without asking again.
    pub immutable: bool,
    /// Each read is a request over a network, so that nothing is read before it is asked for. The attributes of a file are
    /// then those that `getattr` tells; by `lookup` and `readdir` its mode, owner and times may be less than is known.
    pub remote: bool,
    /// A read may have to wait for an answer from a network, were it for some of the content alone.
    pub waits: bool,
    /// All inode numbers are below `1 << ino_bits`.
    pub ino_bits: u8,
}

impl Features {
    /// What a layer can do that has files and directories, and nothing else of all this.
    pub(crate) fn files_only(ino_bits: u8) -> Features {
        Features {
            writable: true,
            hard_links: false,
            symlinks: false,
            xattrs: false,
            special_nodes: false,
            sparse: false,
            ownership: false,
            rename_modes: false,
            transactions: false,
            immutable: false,
            remote: false,
            waits: false,
            ino_bits,
        }
    }
}

/// Where a range of a file ends.
///
/// # Errors
/// `EFBIG` past what an offset can say.
pub(crate) fn end_of(offset: u64, len: u64) -> NodeResult<u64> {
    let end = offset.checked_add(len).filter(|end| i64::try_from(*end).is_ok());
    end.ok_or_else(|| Errno::EFBIG.into())
}
