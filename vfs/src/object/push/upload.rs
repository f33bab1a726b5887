//! Pushing.

use std::io;
use std::path::Path;

use bytes::Bytes;

use super::block::{self, Cut, Hash};
use super::depot::Depot;
use super::draft::Draft;
use super::manifest::{self, Manifest};
use super::parallel::in_parallel;
use super::running::{Doing, Running};
use super::shop::Shop;
use super::{PARALLEL, PushError, PushInfo, PushName, PushProgress, Stage};
use crate::failpoint;
use crate::object::Bucket;
use crate::sqlite::travel::{self, Outside};
use crate::sqlite::{Revision, SqliteLayer};

/// What to push, and how.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// What it is called.
    pub name: PushName,
    /// This revision alone, as a workspace without history; the whole workspace if `None`.
    pub revision: Option<Revision>,
    /// Sends every block, also those that are there: one of them may be damaged.
    pub all: bool,
    /// Requests under way at once.
    pub parallel: usize,
}

impl PushOptions {
    /// The whole workspace under this name.
    pub fn new(name: PushName) -> PushOptions {
        PushOptions { name, revision: None, all: false, parallel: PARALLEL }
    }
}

/// What a push did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// What is there now.
    pub info: PushInfo,
    /// Whether it was all there already, so that there is no new push.
    pub unchanged: bool,
    /// Blocks that it is.
    pub blocks: u64,
    /// Blocks that were sent.
    pub sent_blocks: u64,
    /// Bytes that were sent, compressed.
    pub sent_bytes: u64,
}

/// Pushes a workspace. It may be changed meanwhile: what is pushed is what was there when it was copied, which takes
/// as much room beside the file as the file. What was written and is in no revision goes along.
///
/// # Errors
/// [`PushError::Conflict`] if the latest push of the name has revisions that this workspace has not, while somebody
/// cleans up, and if somebody else pushes to the name meanwhile; [`PushError::Unusable`] if the name is another
/// workspace's, or something else is at the address. What was sent stays and is found by the next push.
pub fn push(
    bucket: &Bucket,
    layer: &SqliteLayer,
    options: &PushOptions,
    on_progress: &mut dyn FnMut(PushProgress),
) -> Result<Pushed, PushError> {
    let depot = Depot::find_or_make(bucket)?;
    // Nothing is copied for a push that cannot be.
    succeeded(&depot, layer, options)?;
    let draft = Draft::make(layer, options, on_progress)?;
    failpoint::pass("PUSH_COPIED")?;
    let mut running = Running::enter(bucket, Doing::Push)?;
    // While that was copied somebody may have cleaned up: what a push that went needed is not there any more.
    let last = succeeded(&depot, layer, options)?;
    let shop = Shop::new(depot, last.as_ref().filter(|_| !options.all), options.all)?;
    let mut sending = Sending { shop: &shop, running: &mut running, parallel: options.parallel, on_progress };
    let (pieces, lists) = sending.content(layer, &draft.path)?;
    let (bytes, block, hashes) = sending.file(&draft.path)?;
    failpoint::pass("PUSH_SENT")?;
    let info = draft.info(layer, options, last.as_ref(), bytes)?;
    let manifest = Manifest { info, block, hashes, pieces, lists };
    if let Some(last) = last.filter(|last| (&last.hashes, &last.lists) == (&manifest.hashes, &manifest.lists))
    {
        running.require()?;
        return Ok(shop.done(&last, true));
    }
    running.require()?;
    depot.write(&manifest)?;
    // Who took this for dead before that was written may have removed blocks.
    if let Err(error) = running.require() {
        let _ = depot.remove(&options.name, manifest.info.number);
        return Err(error);
    }
    Ok(shop.done(&manifest, false))
}

/// The latest push of the name, which the one that is to be made goes on from.
fn succeeded(
    depot: &Depot<'_>,
    layer: &SqliteLayer,
    options: &PushOptions,
) -> Result<Option<Manifest>, PushError> {
    let last = depot.latest(&options.name)?;
    last.iter().try_for_each(|last| require_succession(layer, options, &last.info))?;
    Ok(last)
}

/// Nobody's revisions are put out of sight by what is pushed now.
fn require_succession(layer: &SqliteLayer, options: &PushOptions, last: &PushInfo) -> Result<(), PushError> {
    let id = layer.id()?;
    let id = if options.revision.is_some() { travel::snapshot_id(id) } else { id };
    let (name, revision) = (&options.name, last.revision);
    if last.workspace != id {
        return Err(PushError::Unusable(format!(
            "{name} is another workspace there ({}): say another name with --name",
            last.workspace
        )));
    }
    if options.revision.is_some() || layer.has_merged(revision, last.sealed_at)? {
        return Ok(());
    }
    match layer.sealed_at(revision)? {
        Some(at) if at == last.sealed_at => Ok(()),
        // It was pruned here.
        None if revision < layer.head()? => Ok(()),
        None => Err(PushError::Conflict(format!(
            "{name} is at revision {revision} there, and this workspace at {}: pull it first",
            layer.head()?
        ))),
        Some(_) => Err(PushError::Conflict(format!(
            "revision {revision} of {name} there is another one than revision {revision} here: pull it into a file of \
             its own, `cowry merge` that and push again, or push under another name"
        ))),
    }
}

/// Blocks of a workspace on their way to the bucket.
struct Sending<'a, 'b> {
    shop: &'a Shop<'b>,
    running: &'a mut Running<'b>,
    parallel: usize,
    on_progress: &'a mut dyn FnMut(PushProgress),
}

impl Sending<'_, '_> {
    /// Sends the content that the copy refers to and that lies in a bucket, and lets the copy refer to that. Returns
    /// how many pieces it is, and the blocks that list them.
    fn content(&mut self, layer: &SqliteLayer, draft: &Path) -> Result<(u64, Vec<Hash>), PushError> {
        let outside = Outside::of(layer, draft)?;
        let pieces = outside.hashes.len() as u64;
        if pieces == 0 {
            return Ok((0, Vec::new()));
        }
        if pieces > manifest::PIECES_MOST {
            return Err(PushError::Unusable(
                "the workspace has too much content in a bucket to be pushed".into(),
            ));
        }
        let of_bytes = outside.bytes;
        let mut done = PushProgress { stage: Stage::Content, blocks: 0, bytes: 0, of_bytes };
        let (shop, running, on_progress) = (self.shop, &mut *self.running, &mut *self.on_progress);
        in_parallel(
            outside.hashes.len(),
            self.parallel,
            &|number| shop.put(&outside.hashes[number], || Ok(outside.fetch(&outside.hashes[number])?)),
            &mut |_, ()| {
                done.blocks += 1;
                done.bytes = (u128::from(of_bytes) * u128::from(done.blocks) / u128::from(pieces)) as u64;
                on_progress(done);
                Ok(())
            },
            &mut || running.beat(),
        )?;
        let lists = self.lists(&outside.hashes)?;
        outside.settle()?;
        Ok((pieces, lists))
    }

    /// Sends the list of pieces of content, and returns its blocks.
    fn lists(&self, pieces: &[Hash]) -> Result<Vec<Hash>, PushError> {
        let whole: Vec<u8> = pieces.concat();
        let lists = whole.chunks(manifest::LISTED as usize).map(|list| {
            let hash = block::hash_of(list);
            self.shop.put(&hash, || Ok(Bytes::copy_from_slice(list))).map(|()| hash)
        });
        lists.collect()
    }

    /// Sends the copy. Returns its size, the size of its blocks, and their hashes in order.
    fn file(&mut self, draft: &Path) -> Result<(u64, u64, Vec<Hash>), PushError> {
        let failed = || PushError::host("read", draft);
        let bytes = draft.metadata().map_err(failed())?.len();
        let block = block::size_for(bytes).ok_or_else(|| {
            PushError::Unusable("the workspace is too large to be pushed: 4 TiB is the most".into())
        })?;
        let cut = Cut::of(draft, block).map_err(failed())?;
        let mut hashes = vec![[0; 32]; bytes.div_ceil(block) as usize];
        let mut done = PushProgress { stage: Stage::Uploading, blocks: 0, bytes: 0, of_bytes: bytes };
        let (shop, running, on_progress) = (self.shop, &mut *self.running, &mut *self.on_progress);
        in_parallel(
            hashes.len(),
            self.parallel,
            &|number| {
                let length = block::length_of(number as u64, bytes, block);
                let content = cut.read(number as u64, length).map_err(failed())?;
                let content = content.ok_or_else(|| failed()(io::ErrorKind::UnexpectedEof.into()))?;
                let hash = block::hash_of(&content);
                shop.put(&hash, || Ok(content.into())).map(|()| hash)
            },
            &mut |number, hash| {
                hashes[number] = hash;
                done.blocks += 1;
                done.bytes += block::length_of(number as u64, bytes, block);
                on_progress(done);
                Ok(())
            },
            &mut || running.beat(),
        )?;
        Ok((bytes, block, hashes))
    }
}
