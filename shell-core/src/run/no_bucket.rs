//! In place of `bucket` in a build without object storage, where no [`Address`] can be made: nothing is ever written.

use std::sync::Arc;

use cowry_vfs::sqlite::{Revision, SqliteLayer};
use cowry_vfs::{Clock, Ino, Layer, NodeResult};

use super::late::{Finish, Promotion};
use super::trees::Trees;
use crate::address::Address;
use crate::diff::Diff;
use crate::error::Result;
use crate::policy::{FileRules, RuleJudge};
use crate::record::{BucketRecord, ConflictRecord};
use crate::workspace::Workspace;

#[derive(Debug)]
pub(crate) enum Staged {}

#[derive(Debug)]
pub(crate) enum BucketTree {}

pub(crate) enum Before {
    Ready(Option<Staged>),
    #[expect(dead_code, reason = "only buckets conflict here")]
    Conflict(Vec<ConflictRecord>),
}

pub(crate) fn meet(_: &FileRules) -> Result<()> {
    Ok(())
}

pub(crate) fn reach(_: &str, _: &Address) -> Result<()> {
    Ok(())
}

pub(crate) fn open(address: &Address, _: Arc<dyn Clock>) -> std::result::Result<Arc<dyn Layer>, String> {
    Err(address.to_string())
}

pub(crate) fn said(refusal: String, _: &Address) -> String {
    refusal
}

pub(crate) fn planned(_: &Trees, _: &Diff, _: &RuleJudge<'_>) -> Result<Vec<BucketRecord>> {
    Ok(Vec::new())
}

pub(crate) fn stage(_: &Workspace, _: &str, _: &Trees, _: &Diff, _: &RuleJudge<'_>) -> Result<Before> {
    Ok(Before::Ready(None))
}

pub(crate) fn unfinished(_: &Workspace) -> Result<Vec<(String, Vec<BucketRecord>)>> {
    Ok(Vec::new())
}

pub(crate) fn clean(_: &Workspace) -> Result<()> {
    Ok(())
}

pub(crate) fn finish(_: &Workspace, _: &str, _: Finish) -> Result<Option<(String, Vec<BucketRecord>)>> {
    Ok(None)
}

pub(crate) fn takes(_: &Address, _: &str, _: u64) -> bool {
    true
}

pub(crate) fn promote(_: &Workspace, _: &mut Option<Staged>, promotion: &Promotion<'_>) -> Result<()> {
    let Promotion { id, diff, judge, places, revision, again } = *promotion;
    // No rule can promote to an address.
    let _ = (id, diff, judge, places, revision, again);
    Ok(())
}

impl BucketTree {
    pub fn new(_: Arc<dyn Layer>) -> BucketTree {
        unreachable!("no address can be made")
    }

    pub fn layer(&self) -> Arc<dyn Layer> {
        match *self {}
    }

    pub fn tag(&self, _: Ino) -> Option<String> {
        match *self {}
    }
}

impl Staged {
    pub fn decide(&mut self, _: &SqliteLayer, _: Option<Revision>) -> NodeResult<()> {
        match *self {}
    }

    pub fn records(&self) -> Vec<BucketRecord> {
        match *self {}
    }

    pub fn put_in_place(self, _: &Workspace, _: Option<&Trees>) -> Result<Vec<BucketRecord>> {
        match self {}
    }

    pub fn abandon(self, _: &Workspace) -> Result<()> {
        match self {}
    }
}
