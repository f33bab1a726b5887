//! A tree of the supervisor's, seen from a sandbox: questions and answers on the `fs` socket.

mod cache;
mod layer;
mod protocol;
mod server;

pub(crate) use layer::{Connection, RemoteLayer};
pub(crate) use protocol::{FsReply, FsRequest, Listing};
pub(crate) use server::{answer, look};

#[cfg(test)]
mod tests;
