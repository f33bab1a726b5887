//! In a build that knows no buckets: what lies in one cannot be read, and nothing goes there.

use std::convert::Infallible;
use std::marker::PhantomData;

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::ChunkCache;
use super::{Object, Tier};
use crate::commit::{InoMap, Judge};
use crate::errno::{NodeError, NodeResult};
use crate::node::Ino;
use crate::overlay::Overlay;

fn unknown() -> NodeError {
    NodeError::io("the content is in a bucket and this build knows none: build it with the feature object")
}

/// Whether an object was not there: nobody knows.
pub(in crate::sqlite) fn is_gone(_: &NodeError) -> bool {
    false
}

impl Tier {
    pub(in crate::sqlite) fn fetch(
        &self,
        objects: Vec<Object>,
        _ahead: Vec<Object>,
        _chunks: &ChunkCache,
    ) -> Vec<NodeResult<Bytes>> {
        let one = |object: Object| self.address(object.home).and_then(|_| Err(unknown()));
        objects.into_iter().map(one).collect()
    }

    pub(super) fn is_unasked(&self, _object: &Object) -> bool {
        false
    }

    pub(in crate::sqlite) fn ahead(&self, _ahead: Vec<Object>) -> bool {
        true
    }
}

/// Content on its way to a bucket: there is none.
pub struct Ahead<'a>(Infallible, PhantomData<&'a ()>);

/// Content that is in a bucket and waits to be named: there is none.
pub struct Sent<'a>(Ahead<'a>);

/// A piece of content that goes to a bucket: there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {}

#[expect(missing_docs, clippy::missing_errors_doc, reason = "nobody can call them")]
impl<'a> Ahead<'a> {
    pub fn least(&self) -> u64 {
        match self.0 {}
    }

    pub fn push(&mut self, _: &[u8]) -> NodeResult<Vec<(Piece, Bytes)>> {
        match self.0 {}
    }

    pub fn cut_off(&mut self) -> NodeResult<Vec<(Piece, Bytes)>> {
        match self.0 {}
    }

    pub fn mark(&self) -> u64 {
        match self.0 {}
    }

    pub fn wait(&mut self, _: u64) -> NodeResult<()> {
        match self.0 {}
    }

    pub fn finish(self) -> NodeResult<Sent<'a>> {
        match self.0 {}
    }
}

impl Piece {
    #[expect(missing_docs, reason = "nobody can call it")]
    pub fn length(&self) -> usize {
        match *self {}
    }
}

impl SqliteLayer {
    /// Begins to upload content: this build uploads none, and says so when it is sealed.
    ///
    /// # Errors
    /// None.
    pub fn ahead(&self) -> NodeResult<Option<Ahead<'_>>> {
        Ok(None)
    }

    /// Writes a piece of content that was uploaded.
    ///
    /// # Errors
    /// None.
    pub fn write_piece(
        &self,
        _: Ino,
        _: u64,
        piece: &Piece,
        _: &mut dyn FnMut() -> NodeResult<Bytes>,
    ) -> NodeResult<()> {
        match *piece {}
    }

    /// # Errors
    /// `EIO` of a workspace whose content goes to a bucket.
    pub(in crate::sqlite) fn stage_content(
        &self,
        _states: (Option<&Overlay>, &Overlay),
        _committed: &InoMap,
        _judge: &dyn Judge,
    ) -> NodeResult<Option<Sent<'_>>> {
        self.raise().map(|()| None)
    }

    /// # Errors
    /// `EIO` if anything is in a bucket.
    pub(in crate::sqlite) fn own_content(&self) -> NodeResult<()> {
        let sql = "SELECT 1 FROM main.chunk WHERE home IS NOT NULL LIMIT 1";
        let any = self.read_now(|view| Ok(view.conn.prepare(sql)?.exists([])?))?;
        if any { Err(unknown()) } else { Ok(()) }
    }

    /// # Errors
    /// `EIO` of a workspace whose content goes to a bucket.
    pub(in crate::sqlite) fn raise(&self) -> NodeResult<()> {
        if self.content_tier()?.is_some() { Err(unknown()) } else { Ok(()) }
    }
}
