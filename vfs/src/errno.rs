//! Error numbers and the two error types: what a layer knows, and what a user is told.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

macro_rules! errnos {
    ($($name:ident = $code:literal, $message:literal;)*) => {
        /// A POSIX error number. Branch on this; everything else in an error is for people.
        #[allow(clippy::upper_case_acronyms, missing_docs)]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum Errno { $($name),* }

        impl Errno {
            /// Every error number there is, in numeric order.
            pub const ALL: &[Errno] = &[$(Errno::$name),*];

            /// The POSIX spelling, such as `ENOENT`.
            pub fn name(self) -> &'static str {
                match self { $(Errno::$name => stringify!($name)),* }
            }

            /// Node's wording, such as `no such file or directory`.
            pub fn message(self) -> &'static str {
                match self { $(Errno::$name => $message),* }
            }

            /// The number Linux gives it (positive).
            pub fn code(self) -> i32 {
                match self { $(Errno::$name => $code),* }
            }

            /// The error with this Linux number, if it is one of ours.
            pub fn from_code(code: i32) -> Option<Errno> {
                match code { $($code => Some(Errno::$name),)* _ => None }
            }
        }
    };
}

errnos! {
    EPERM = 1, "operation not permitted";
    ENOENT = 2, "no such file or directory";
    EINTR = 4, "interrupted system call";
    EIO = 5, "i/o error";
    ENXIO = 6, "no such device or address";
    EBADF = 9, "bad file descriptor";
    EAGAIN = 11, "resource temporarily unavailable";
    ENOMEM = 12, "not enough memory";
    EACCES = 13, "permission denied";
    EBUSY = 16, "resource busy or locked";
    EEXIST = 17, "file already exists";
    EXDEV = 18, "cross-device link not permitted";
    ENODEV = 19, "no such device";
    ENOTDIR = 20, "not a directory";
    EISDIR = 21, "illegal operation on a directory";
    EINVAL = 22, "invalid argument";
    EMFILE = 24, "too many open files";
    ETXTBSY = 26, "text file is busy";
    EFBIG = 27, "file too large";
    ENOSPC = 28, "no space left on device";
    ESPIPE = 29, "invalid seek";
    EROFS = 30, "read-only file system";
    EMLINK = 31, "too many links";
    ERANGE = 34, "result too large";
    EDEADLK = 35, "resource deadlock avoided";
    ENAMETOOLONG = 36, "name too long";
    ENOSYS = 38, "function not implemented";
    ENOTEMPTY = 39, "directory not empty";
    ELOOP = 40, "too many symbolic links encountered";
    ENODATA = 61, "no data available";
    EOVERFLOW = 75, "value too large for defined data type";
    EILSEQ = 84, "illegal byte sequence";
    EOPNOTSUPP = 95, "operation not supported";
    ETIMEDOUT = 110, "connection timed out";
    ESTALE = 116, "stale file handle";
    EDQUOT = 122, "disk quota exceeded";
}

impl Errno {
    /// Whether the same call may succeed later without anything being changed by the caller.
    pub fn is_retryable(self) -> bool {
        matches!(self, Errno::EAGAIN | Errno::EINTR | Errno::EBUSY | Errno::ETIMEDOUT)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.message())
    }
}

/// An error of a layer: it knows no path.
#[derive(Clone, Debug)]
pub struct NodeError {
    errno: Errno,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What every operation of a [`Layer`](crate::Layer) returns.
pub type NodeResult<T> = std::result::Result<T, NodeError>;

impl NodeError {
    /// An error with the failure of a backend behind it.
    pub fn with_source(errno: Errno, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        NodeError { errno, source: Some(Arc::from(source.into())) }
    }

    /// An unexpected failure of a backend: `EIO`, with what it said.
    pub fn io(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::with_source(Errno::EIO, source)
    }

    /// The error number.
    pub fn errno(&self) -> Errno {
        self.errno
    }
}

impl From<Errno> for NodeError {
    fn from(errno: Errno) -> Self {
        NodeError { errno, source: None }
    }
}

impl PartialEq<Errno> for NodeError {
    fn eq(&self, other: &Errno) -> bool {
        self.errno == *other
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errno.fmt(f)
    }
}

impl StdError for NodeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

/// An error of a path-level operation. Displays as Node does:
/// `ENOENT: no such file or directory, open '/a'`.
#[derive(Clone, Debug)]
pub struct Error {
    op: &'static str,
    path: Option<String>,
    dest: Option<String>,
    node: NodeError,
}

/// What every operation of a [`Vfs`](crate::Vfs) returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `op` on no path in particular (a handle, a whole filesystem).
    pub fn new(op: &'static str, node: impl Into<NodeError>) -> Self {
        Error { op, path: None, dest: None, node: node.into() }
    }

    /// An error of `op` on `path`.
    pub fn at(op: &'static str, path: impl Into<String>, node: impl Into<NodeError>) -> Self {
        Error { op, path: Some(path.into()), dest: None, node: node.into() }
    }

    /// The same error with the second path of a rename, link or copy.
    #[must_use]
    pub fn to(mut self, dest: impl Into<String>) -> Self {
        self.dest = Some(dest.into());
        self
    }

    /// The error number.
    pub fn errno(&self) -> Errno {
        self.node.errno
    }

    /// The operation that failed, in POSIX spelling (`open`, `rename`, `scandir`).
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// The path it failed on, as the caller wrote it.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The second path, where the operation has two.
    pub fn dest(&self) -> Option<&str> {
        self.dest.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.node, self.op)?;
        if let Some(path) = &self.path {
            write!(f, " '{path}'")?;
        }
        if let Some(dest) = &self.dest {
            write!(f, " -> '{dest}'")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.node.source()
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = std::io::Error::from_raw_os_error(error.errno().code()).kind();
        std::io::Error::new(kind, error)
    }
}
