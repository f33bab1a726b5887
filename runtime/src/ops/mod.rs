//! The operations JavaScript is built on: thin, one file per area. User code never holds one.

use deno_core::OpDecl;

mod atomic;
mod collate;
mod data;
mod error;
mod fd;
mod fs;
pub(crate) mod job;
mod module;
#[cfg(cowry_probe)]
mod probe;
mod random;
mod sql;
mod state;
mod time;

pub(crate) use atomic::Savepoints;
pub(crate) use data::{Readers, Replacements};
pub(crate) use error::fs_error;
pub(crate) use fd::Files;
pub(crate) use random::Random;
pub(crate) use sql::{MemoryBytes, Queries};
pub(crate) use state::Trees;
pub(crate) use time::Epoch;

/// Every operation there is.
pub(crate) fn all() -> Vec<OpDecl> {
    let ops = [
        atomic::ops(),
        collate::ops(),
        data::ops(),
        job::ops(),
        fd::ops(),
        fs::ops(),
        module::ops(),
        random::ops(),
        sql::ops(),
        state::ops(),
        time::ops(),
    ]
    .concat();
    #[cfg(cowry_probe)]
    let ops = [ops, probe::ops()].concat();
    ops
}

/// Replaces operations of the web platform by ours: clocks are coarse here.
pub(crate) fn replace(op: OpDecl) -> OpDecl {
    match op.name {
        "op_now" => op.with_implementation_from(&time::op_cowry_now()),
        "op_time_origin" => op.with_implementation_from(&time::op_cowry_time_origin()),
        _ => op,
    }
}
