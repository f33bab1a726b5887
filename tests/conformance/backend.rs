//! The layers that the cases run on. A new layer adds one row.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cowry_s3_server::TestBucket;
use cowry_vfs::object::{Bucket, Connect, ObjectLayer, ObjectOptions, Trouble};
use cowry_vfs::sqlite::{RevisionKind, SealInfo};
use cowry_vfs::{
    CrateLayer, Durability, Features, HostLayer, HostOptions, Layer, MemoryLayer, Overlay, OverlayOptions,
    ReadOnly, SqliteLayer, SqliteOptions,
};
use tempfile::TempDir;

use crate::sealing::Sealing;

/// Fills a layer before a case works on it.
pub type Fill<'a> = &'a dyn Fn(&Arc<dyn Layer>);

/// Opens again what was made in a directory.
pub type Reopen = fn(&Path) -> Arc<dyn Layer>;

/// One layer, or one stack of layers.
pub struct Backend {
    pub name: &'static str,
    /// Makes it in an empty directory of its own. `fill` is called once, on the layer that cases' fixtures go
    /// to: of a stack, the one at the bottom.
    make: fn(&Path, Fill<'_>) -> Arc<dyn Layer>,
    /// Opens again what `make` made in that directory, if it is durable.
    pub reopen: Option<Reopen>,
    /// Beginnings of `group::case` that do not apply, and why.
    excused: &'static [&'static [Excuse]],
}

/// A backend in use. Its directory goes when it does, after the layer.
pub struct Built {
    pub layer: Arc<dyn Layer>,
    pub dir: TempDir,
}

/// What a backend can do, and what the layer can that fixtures are made in.
pub struct Probe {
    pub layer: Features,
    pub fixture: Features,
}

pub static BACKENDS: &[Backend] = &[
    Backend { name: "memory", make: memory, reopen: None, excused: &[] },
    Backend { name: "sqlite", make: sqlite, reopen: Some(open_sqlite), excused: &[] },
    Backend { name: "sqlite_bucket", make: sqlite_bucket, reopen: Some(open_sqlite_bucket), excused: &[] },
    Backend { name: "sqlite_s3", make: sqlite_s3, reopen: None, excused: &[] },
    Backend { name: "sqlite_revision", make: sqlite_revision, reopen: None, excused: &[] },
    Backend { name: "fork", make: fork, reopen: Some(open_fork), excused: &[] },
    Backend { name: "overlay", make: overlay, reopen: None, excused: &[] },
    Backend { name: "overlay_memory", make: overlay_memory, reopen: None, excused: &[] },
    Backend { name: "overlay_sqlite", make: overlay_sqlite, reopen: None, excused: &[] },
    Backend { name: "overlay_overlay", make: overlay_overlay, reopen: None, excused: &[] },
    Backend { name: "host", make: host, reopen: Some(host_again), excused: HOST },
    Backend { name: "overlay_host", make: overlay_host, reopen: None, excused: HOST },
    Backend { name: "crate", make: foreign, reopen: None, excused: CRATE },
    Backend { name: "object_memory", make: object_memory, reopen: None, excused: OBJECT },
    Backend { name: "object_s3", make: object_s3, reopen: None, excused: OBJECT_S3 },
    Backend { name: "overlay_object", make: overlay_object, reopen: None, excused: OVERLAY_OBJECT },
    Backend { name: "read_only", make: read_only, reopen: None, excused: &[] },
    Backend { name: "host_read_only", make: host_read_only, reopen: None, excused: HOST },
];

/// A case, or the beginning of the names of several, and why it does not apply.
type Excuse = (&'static str, &'static str);

const HOST: &[&[Excuse]] = &[&[
    ("times::reading_moves_nothing", "the host moves access times itself"),
    ("path_read_only::reading_moves_no_access_time", "the host moves access times itself"),
]];

const CRATE: &[&[Excuse]] =
    &[UNCOUNTED, &[("times::reading_moves_nothing", "the filesystem moves access times itself")]];

const OBJECT: &[&[Excuse]] = &[UNCOUNTED, KEYS];

const OVERLAY_OBJECT: &[&[Excuse]] =
    &[UNCOUNTED, KEYS, &[("below::emptied_directory_can_be_removed", NO_COUNT)]];

/// What the server for tests cannot is beside what buckets cannot.
const OBJECT_S3: &[&[Excuse]] = &[
    UNCOUNTED,
    KEYS,
    &[("lookup::name_of_255_bytes", "the server keeps notes on an object in a file with a longer name")],
];

const UNCOUNTED: &[Excuse] = &[
    ("getattr::directory_counts_its_subdirectories", NO_COUNT),
    ("create::directory_raises_links_of_parent", NO_COUNT),
    ("rmdir::lowers_links_of_parent", NO_COUNT),
    ("rename_dir::to_another_parent_counts_links", NO_COUNT),
    ("rename_dir::onto_empty_dir_replaces_it", NO_COUNT),
];
const KEYS: &[Excuse] = &[("lookup::odd_names_are_names", "keys have no control characters")];

const NO_COUNT: &str = "directories do not count their subdirectories";

impl Backend {
    pub fn build(&self, fill: Fill<'_>) -> Built {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        Built { layer: (self.make)(dir.path(), fill), dir }
    }

    pub fn probe(&self) -> Probe {
        let fixture = Cell::new(None);
        let built = self.build(&|layer| fixture.set(Some(layer.features())));
        Probe { layer: built.layer.features(), fixture: fixture.get().expect("every backend calls fill") }
    }

    /// Why a case does not apply, beyond what features say.
    pub fn excuse(&self, group: &str, case: &str) -> Option<&'static str> {
        let name = format!("{group}::{case}");
        self.excused
            .iter()
            .copied()
            .flatten()
            .find(|(start, _)| name.starts_with(start))
            .map(|(_, reason)| *reason)
    }
}

fn filled(layer: impl Layer, fill: Fill<'_>) -> Arc<dyn Layer> {
    let layer: Arc<dyn Layer> = Arc::new(layer);
    fill(&layer);
    layer
}

fn over(lower: Arc<dyn Layer>) -> Arc<dyn Layer> {
    Arc::new(Overlay::new(lower, OverlayOptions::default()))
}

/// Without a wait for the disk: what survives a power failure is not tested here.
fn sqlite_options() -> SqliteOptions {
    SqliteOptions { durability: Durability::None, ..SqliteOptions::default() }
}

fn workspace(dir: &Path) -> SqliteLayer {
    SqliteLayer::create(dir.join("workspace"), &sqlite_options())
        .expect("an empty directory takes a workspace")
}

fn memory(_: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(MemoryLayer::new(), fill)
}

fn sqlite(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(workspace(dir), fill)
}

fn open_sqlite(dir: &Path) -> Arc<dyn Layer> {
    Arc::new(SqliteLayer::open(dir.join("workspace"), &sqlite_options()).expect("it was closed"))
}

/// All content is in a bucket.
fn sqlite_bucket(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(Sealing::in_memory(dir), fill)
}

fn open_sqlite_bucket(dir: &Path) -> Arc<dyn Layer> {
    Arc::new(Sealing::again(dir))
}

/// The same on a server.
fn sqlite_s3(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(Sealing::on_server(dir), fill)
}

/// A sealed revision: it is only read.
fn sqlite_revision(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    let workspace = Arc::new(workspace(dir));
    fill(&(workspace.clone() as Arc<dyn Layer>));
    workspace.seal(&SealInfo::of(RevisionKind::Edit)).expect("it can be sealed");
    workspace.at(workspace.head().expect("there is a head")).expect("the head can be read")
}

/// A fork of what fixtures were made in: nothing of them is in its own file.
fn fork(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    let workspace = Arc::new(workspace(dir));
    fill(&(workspace.clone() as Arc<dyn Layer>));
    workspace.seal(&SealInfo::of(RevisionKind::Edit)).expect("it can be sealed");
    let head = workspace.head().expect("there is a head");
    Arc::new(workspace.fork(dir.join("fork"), head).expect("a fork"))
}

fn open_fork(dir: &Path) -> Arc<dyn Layer> {
    Arc::new(SqliteLayer::open(dir.join("fork"), &sqlite_options()).expect("it was closed"))
}

fn overlay(_: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    let layer = over(Arc::new(MemoryLayer::new()));
    fill(&layer);
    layer
}

fn overlay_memory(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    over(Arc::new(ReadOnly::new(memory(dir, fill))))
}

fn overlay_sqlite(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    over(sqlite_revision(dir, fill))
}

fn overlay_overlay(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    over(overlay(dir, fill))
}

fn host_layer(dir: &Path, read_only: bool) -> HostLayer {
    HostLayer::open(dir, HostOptions { read_only }).expect("the directory is there")
}

fn host(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(host_layer(dir, false), fill)
}

fn host_again(dir: &Path) -> Arc<dyn Layer> {
    Arc::new(host_layer(dir, false))
}

fn host_read_only(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    host(dir, fill);
    Arc::new(host_layer(dir, true))
}

fn overlay_host(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    over(host_read_only(dir, fill))
}

fn foreign(_: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(CrateLayer::new(cowry_vfs::rust_vfs::MemoryFS::new()), fill)
}

/// A bucket in memory that is a directory's own.
fn object_memory(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(bucket_layer(memory_bucket(dir)), fill)
}

/// A prefix that is a directory's own, in a bucket of the one server of this process.
fn object_s3(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    filled(bucket_layer(served_bucket(dir)), fill)
}

fn overlay_object(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    over(Arc::new(ReadOnly::new(object_memory(dir, fill))))
}

fn bucket_layer(bucket: Bucket) -> ObjectLayer {
    ObjectLayer::open(bucket, ObjectOptions::default()).expect("the bucket is there")
}

fn memory_bucket(dir: &Path) -> Bucket {
    let address = format!("memory://conformance/{}", own_prefix(dir));
    Bucket::open(&address.parse().expect("an address"), Connect::default()).expect("a bucket in memory")
}

fn served_bucket(dir: &Path) -> Bucket {
    let tests = test_bucket();
    let address = tests.address(&own_prefix(dir)).parse().expect("an address");
    Bucket::open_with(&address, Connect::default(), &|name| tests.env(name)).expect("a bucket")
}

static TESTS: Mutex<Option<Arc<TestBucket>>> = Mutex::new(None);

/// The bucket that all cases share: on a server of this process, or a real one.
pub fn test_bucket() -> Arc<TestBucket> {
    let mut tests = TESTS.lock().unwrap_or_else(|broken| broken.into_inner());
    tests.get_or_insert_with(|| Arc::new(TestBucket::start())).clone()
}

/// Ends the server, or removes what the cases left in a real bucket: nothing that is static is dropped by itself.
pub fn end() {
    let Some(tests) = TESTS.lock().unwrap_or_else(|broken| broken.into_inner()).take() else { return };
    if tests.is_real()
        && let Err(trouble) = remove_all(&tests)
    {
        eprintln!("something is left in the bucket: {trouble}");
    }
}

/// A listing names the mark of a folder as it would a file.
fn remove_all(tests: &TestBucket) -> Result<(), Trouble> {
    let root = tests.root().parse().expect("an address");
    let bucket = Bucket::open_with(&root, Connect::default(), &|name| tests.env(name))?;
    let names = || {
        let mut names = Vec::new();
        bucket.list_all("", |found| {
            names.push(found.name);
            Ok(())
        })?;
        Ok::<_, Trouble>(names)
    };
    bucket.delete_many(names()?, 16)?;
    names()?.iter().try_for_each(|name| bucket.delete_marker(name))
}

fn own_prefix(dir: &Path) -> String {
    dir.file_name().expect("a directory of its own").to_string_lossy().into_owned()
}

fn read_only(dir: &Path, fill: Fill<'_>) -> Arc<dyn Layer> {
    Arc::new(ReadOnly::new(memory(dir, fill)))
}
