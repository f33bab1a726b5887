//! One list of random operations on two filesystems, and everything they say compared: results, error numbers, and
//! after every few steps the whole tree with modes, owners, links, sizes, content, extended attributes and times.
//!
//! One of the two is usually a directory of the machine's own filesystem, used through system calls: there the
//! kernel says what is right. What is meant to differ is in one table, [`exceptions::EXCEPTIONS`], each with its
//! reason. A list that shows a difference is cut down to the operations that matter before it is printed.

pub mod exceptions;

mod choose;
mod kernel;
mod op;
mod over_vfs;
mod run;
mod subject;

pub use choose::{Likes, steps};
pub use kernel::Kernel;
pub use op::{Op, Step, Who};
pub use over_vfs::VfsSubject;
pub use run::{Pair, differ};
pub use subject::{Answer, Facts, Leaf, Said, Subject, Tree, When};
