//! A server on loopback that speaks S3 over a folder, signatures checked: `s3s-fs` behind a socket of its own. And
//! what goes wrong between a client and such a server, on purpose: [`Faulty`] round a store, [`Proxy`] on the wire.
//!
//! For tests and for trying things out. It is not for production: it knows one pair of keys and no TLS.

mod bucket;
mod exchange;
mod faults;
mod faulty;
mod files;
mod gate;
mod keys;
mod proxy;
mod server;

pub use bucket::TestBucket;
pub use faults::{Fault, Faults, Plan, Request};
pub use faulty::Faulty;
pub use gate::Gate;
pub use keys::Keys;
pub use proxy::Proxy;
pub use server::{ACCESS_KEY, SECRET_KEY, Server};
