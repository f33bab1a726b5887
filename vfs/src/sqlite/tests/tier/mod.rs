//! Content in a bucket: where it goes, what comes back, what a crash leaves and what is swept.

mod ahead;
mod faults;
mod readahead;
mod reading;
mod sharing;
mod sweeping;
mod wire;
mod writing;

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::failpoint::with_failpoints;
use crate::object::{Bucket, Connect, Location};
use crate::overlay::{Overlay, OverlayOptions};

/// A moment longer than any that an object was written at.
const FOREVER: Duration = Duration::from_secs(0);

/// A bucket in memory that no other test has.
fn address() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("memory://tier-tests-{}/some/prefix", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn tier(address: &str) -> ContentTier {
    ContentTier { above: 0, ..ContentTier::at(address) }
}

fn alone(options: SqliteOptions) -> SqliteOptions {
    SqliteOptions { chunk_folder: ChunkFolder { folder: None, bytes: Some(0) }, ..options }
}

/// A workspace whose content all goes to a bucket, and nothing is kept of it.
fn fixture(address: &str) -> Fixture {
    let f = Fixture::with(&alone);
    f.layer.set_content_tier(Some(&tier(address))).expect("set");
    f
}

fn bucket(address: &str) -> Bucket {
    let location: Location = address.parse().expect("an address");
    Bucket::open(&location, Connect::default()).expect("it opens")
}

/// The buckets that somebody has met, which tell how often they were asked.
#[derive(Clone, Default)]
struct Met(Arc<parking_lot::Mutex<Vec<Bucket>>>);

impl Met {
    /// A workspace as somebody opens it who has nothing at hand.
    fn open(&self, f: &Fixture) -> SqliteLayer {
        let seen = self.clone();
        let buckets = OpenBucket::new(move |location| {
            let bucket = Bucket::open(location, Connect::default())?;
            seen.0.lock().push(bucket.clone());
            Ok(bucket)
        });
        let options = SqliteOptions { buckets, ..alone(options(&f.clock)) };
        SqliteLayer::open(&f.path, &options).expect("it opens")
    }

    fn gets(&self) -> u64 {
        self.0.lock().iter().map(|bucket| bucket.requests().0).sum()
    }
}

/// Names of all objects below an address.
fn objects(address: &str) -> Vec<String> {
    let mut names = Vec::new();
    let all = bucket(address).list_all("", |found| {
        names.push(found.name);
        Ok(())
    });
    all.expect("listed");
    names.sort();
    names
}

/// How many chunks are in the file, and how many in buckets.
fn places(layer: &SqliteLayer) -> (u64, u64) {
    let found = layer.content_use().expect("readable");
    (found.here, found.homes.iter().map(|home| home.objects).sum())
}

/// What one reads who has nothing at hand.
fn afresh(f: &Fixture, path: &str) -> NodeResult<Vec<u8>> {
    let layer = SqliteLayer::open(&f.path, &alone(options(&f.clock))).expect("it opens");
    layer.read(ino(&layer, path), 0, usize::MAX).map(|bytes| bytes.to_vec())
}

fn why(error: &NodeError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// Replaces what is in the bucket under a name.
fn damage(address: &str, name: &str, content: &[u8]) {
    let put = bucket(address).put(
        name,
        Bytes::copy_from_slice(content),
        &crate::object::Expect::Anything,
        &std::collections::BTreeMap::new(),
    );
    put.expect("written");
}

/// Commits what `write` does on an overlay over the latest revision.
fn commit(f: &Fixture, write: impl FnOnce(&Overlay)) -> Result<Committed, CommitError> {
    let (base, tree) = f.layer.latest().expect("a head");
    let overlay = Overlay::new(tree, OverlayOptions::default());
    write(&overlay);
    commit_of(&f.layer, base, &overlay)
}

fn commit_of(layer: &SqliteLayer, base: Revision, overlay: &Overlay) -> Result<Committed, CommitError> {
    layer.commit(CommitRequest {
        base,
        own: &[],
        before: None,
        after: overlay,
        committed: &mut crate::commit::InoMap::new(),
        judge: &crate::commit::PersistAll,
        info: &SealInfo::of(RevisionKind::Run),
    })
}

fn make(layer: &dyn Layer, path: &str, content: &[u8]) {
    let made = layer.create(layer.root(), &name(path), NewNode::File(content), &NewAttr::with_mode(0o644));
    made.expect("made");
}

/// Fails at a place.
fn fail_at(place: &'static str) -> impl FnMut(&'static str) -> NodeResult<()> + 'static {
    move |at| if at == place { Err(NodeError::io("a test")) } else { Ok(()) }
}
