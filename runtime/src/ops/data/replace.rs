//! Operations behind `write`: a file takes the place of another when all of it is there.

use std::collections::BTreeMap;

use deno_core::{OpDecl, OpState, op2};
use rand_core::RngCore;

use crate::data::Replacement;
use crate::host::Host;
use crate::ops::Random;
use crate::ops::error::FsError;

/// The files that are being written, by numbers that are given once. One that is dropped leaves nothing behind.
#[derive(Default)]
pub(crate) struct Replacements {
    known: BTreeMap<u32, Replacement>,
    next: u32,
}

impl Replacements {
    /// What is not finished by the end of a job never will be.
    pub(crate) fn end_job(&mut self) {
        self.known.clear();
    }
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![op_data_replace(), op_data_replace_end(), op_data_replace_write()]
}

/// Begins to write what becomes the file at a path.
#[op2(fast)]
#[smi]
fn op_data_replace(state: &mut OpState, #[string] path: &str) -> Result<u32, FsError> {
    let seed = state.borrow_mut::<Random>().rng().next_u64();
    let replacement = Replacement::begin(&state.borrow::<Host>().vfs, path, seed)?;
    let replacements = state.borrow_mut::<Replacements>();
    let id = replacements.next;
    replacements.next = replacements.next.wrapping_add(1) & (i32::MAX as u32);
    replacements.known.insert(id, replacement);
    Ok(id)
}

/// Appends text. One that is not there belonged to a job that is over, and takes none.
#[op2(fast)]
fn op_data_replace_write(state: &mut OpState, #[smi] id: u32, #[string] text: &str) -> Result<(), FsError> {
    let found = state.borrow::<Replacements>().known.get(&id);
    Ok(found.map_or(Ok(()), |replacement| replacement.write_all(text.as_bytes()))?)
}

/// Puts the file in its place, or forgets it.
#[op2(fast)]
fn op_data_replace_end(state: &mut OpState, #[smi] id: u32, is_whole: bool) -> Result<(), FsError> {
    match state.borrow_mut::<Replacements>().known.remove(&id) {
        Some(replacement) if is_whole => Ok(replacement.finish()?),
        _ => Ok(()),
    }
}
