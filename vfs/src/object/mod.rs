//! Object storage: buckets of S3, R2, GCS, Azure, a local folder or memory, through the crate `object_store`.
//!
//! A [`Location`] is an address such as `s3://bucket/prefix`. [`Bucket`] is what stands there, met synchronously:
//! requests run on a runtime of their own, and a caller waits with a deadline. Everything else in this module knows
//! a bucket, and nothing outside [`bridge`] knows that the crate below is asynchronous.

mod bridge;
mod bucket;
mod connect;
mod contained;
mod layer;
mod location;
mod profile;
pub mod push;
mod s3;
mod sending;
mod sift;
mod trouble;
mod upload;

#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Expect, Found, From as ListFrom, Page, WRITE_MARK, Written};
pub use connect::Connect;
pub use layer::{ObjectLayer, ObjectOptions, Unwritten, node_metadata};
pub use location::{Location, LocationError, Scheme};
pub use sending::Sending;
pub use trouble::{Trouble, TroubleKind};
pub use upload::PART_BYTES;
