//! Workspaces in a bucket: pushed, listed, pulled.
//!
//! # What is in the bucket
//!
//! Below the address, which is a prefix of its own:
//!
//! | object | what it is |
//! |---|---|
//! | `cowry-push` | says what this prefix is, and in which format (`cowry push format 1`); where it is lost, the pushes that are there tell as well, and the next push writes it anew |
//! | `blocks/hh/HASH` | a block: a piece of a workspace file as a Zstandard frame; HASH is the BLAKE3 of what is in it, in hexadecimal, and `hh` its first two digits |
//! | `pushes/NAME/NUMBER` | a push: which blocks, in order, are the file. NUMBER has ten digits, counts from 1, and the highest is the latest |
//! | `running/…` | who is pushing or cleaning up now; goes when that is done |
//!
//! A push (see [`manifest`]) is a magic line, the format, a header, the hashes of the blocks in order, and a hash of all
//! that. What is pushed is the workspace file itself, copied page by page: what did not change since the last push is
//! the same bytes at the same place, and its blocks are there already. Deleted content that lies in free pages of the
//! file does not travel, nor does what belongs to its place (see `sqlite::travel`).
//!
//! Content of the workspace that lies in a bucket is pushed, too, each piece as a block, so that a push needs nothing
//! but itself. What was pulled goes on reading it there, as it is needed, until it is moved.
//!
//! # What can happen
//!
//! - The object `pushes/NAME/NUMBER` is written last, and only if there is none of that number: that is the moment at
//!   which a push takes place, and of two that push at once the second is told. There is no object that says which
//!   push is the latest, so none can be wrong about it; one listing tells.
//! - A push that is killed leaves blocks; the next one finds them by listing and uploads the others.
//! - A pull that is killed leaves a partial file beside the target. The next one looks which blocks are in it by
//!   their hashes, so no note about it can be wrong, and fetches the others. The target appears when it is whole, was
//!   verified block by block and passed the check of the whole file.
//! - Cleaning up and pushing exclude each other (see [`running`]); what was left by a push that is not under way any
//!   more goes after a grace period.
//!
//! Whatever is read from the bucket is hostile: sizes and counts are bounded before anything is allocated, hashes are
//! verified before anything is used, names that are none of ours are ignored.

mod about;
mod block;
mod depot;
mod download;
mod draft;
mod error;
mod manifest;
mod name;
mod parallel;
mod partial;
mod prune;
mod running;
mod shop;
mod upload;

#[cfg(test)]
mod tests;

use crate::clock::Timestamp;
use crate::sqlite::{Revision, WorkspaceId};

pub use self::depot::list_pushes;
pub use self::download::{PullOptions, Pulled, pull};
pub use self::error::PushError;
pub use self::name::{PushName, PushNameError};
pub use self::prune::{PrunePushes, PrunedPushes, prune_pushes, remove_push};
pub use self::upload::{PushOptions, Pushed, push};

/// Requests under way at once, unless it is said otherwise.
pub const PARALLEL: usize = 8;

/// What a push holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Content {
    /// A workspace with its history.
    Workspace,
    /// One revision of a workspace, as a workspace of its own.
    Revision,
}

/// A push, as its header tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushInfo {
    /// What it is called.
    pub name: PushName,
    /// Which push under this name it is, counted from 1.
    pub number: u64,
    /// The workspace's id.
    pub workspace: WorkspaceId,
    /// The latest sealed revision in it.
    pub revision: Revision,
    /// When that was sealed.
    pub sealed_at: Timestamp,
    /// When it was pushed, by the clock of who pushed.
    pub pushed_at: Timestamp,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// Everything, or one revision.
    pub content: Content,
    /// The version of Cowry that pushed it.
    pub version: String,
}

/// What a push or pull is about just now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Copying the workspace file.
    Copying,
    /// Sending content that lies in another place of a bucket.
    Content,
    /// Sending blocks of the file.
    Uploading,
    /// Fetching blocks.
    Downloading,
    /// Checking what came.
    Checking,
}

/// How far a push or pull is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PushProgress {
    /// What it is about.
    pub stage: Stage,
    /// Blocks done in this stage.
    pub blocks: u64,
    /// Bytes of the file done in this stage.
    pub bytes: u64,
    /// Bytes of the file.
    pub of_bytes: u64,
}
