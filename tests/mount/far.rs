//! Content that has to be fetched from far away keeps nobody else waiting.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cowry_s3_server::{Fault, Plan, Proxy, Request, Server};
use cowry_tests::mounted::{Mounted, home};
use cowry_vfs::object::{Bucket, Connect};
use cowry_vfs::sqlite::{ChunkFolder, ContentTier, OpenBucket, RevisionKind, SealInfo};
use cowry_vfs::{Layer, SqliteLayer, SqliteOptions, Vfs, VfsOptions};

use crate::{Case, nothing};

pub static CASES: &[Case] =
    &[Case { name: "far::who_waits_for_a_bucket_waits_alone", lacks: nothing, run: alone }];

/// How long to wait for what is bound to come.
const PATIENCE: Duration = Duration::from_secs(240);

/// Answers no read until it is told to.
#[derive(Default)]
struct Closed {
    is_open: AtomicBool,
    refused: AtomicU64,
}

impl Plan for Closed {
    fn next(&self, request: Request, _: &str) -> Option<Fault> {
        let refused = request == Request::Get && !self.is_open.load(Ordering::SeqCst);
        self.refused.fetch_add(u64::from(refused), Ordering::SeqCst);
        refused.then_some(Fault::Broken)
    }

    fn cut(&self, _: &str, length: usize) -> usize {
        length / 2
    }
}

/// Workspaces that keep nothing of what is in the server's bucket and ask it again and again.
fn options(server: &Server, proxy: &Proxy) -> SqliteOptions {
    let keys = server.keys().by_way_of(&proxy.endpoint());
    let how = Connect { deadline: PATIENCE, retries: 10_000, ..Connect::default() };
    let buckets = OpenBucket::new(move |location| Bucket::open_with(location, how, &|name| keys.env(name)));
    let chunk_folder = ChunkFolder { folder: None, bytes: Some(0) };
    SqliteOptions { buckets, chunk_folder, ..SqliteOptions::default() }
}

fn alone() {
    let (server, closed) = (Server::start("shells"), Arc::new(Closed::default()));
    let proxy = Proxy::start(server.address(), closed.clone());
    let (home, options) = (home(), options(&server, &proxy));
    let path = home.path().join("w.cowry");
    let far = vec![7; 300_000];
    {
        let layer = SqliteLayer::create(&path, &options).unwrap();
        layer.set_content_tier(Some(&ContentTier::at("s3://shells/far"))).unwrap();
        let layer = Arc::new(layer);
        let files = Vfs::new(layer.clone(), VfsOptions::default());
        files.write("/far", &far).unwrap();
        files.write("/near", b"near").unwrap();
        layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    }
    let layer: Arc<dyn Layer> = Arc::new(SqliteLayer::open(&path, &options).unwrap());
    let mounted = Mounted::over(layer);
    let at = mounted.path();
    std::thread::scope(|scope| {
        // A transaction is open when the read comes, and must not stay open for it.
        fs::write(at.join("dirty"), "written").unwrap();
        let reader = scope.spawn(|| {
            let file = fs::File::open(at.join("far")).unwrap();
            let mut part = vec![0; 100];
            file.read_exact_at(&mut part, 200_000).unwrap();
            part
        });
        let end = Instant::now() + PATIENCE;
        while closed.refused.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < end, "nobody asks the bucket");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        assert_eq!(fs::read_to_string(at.join("near")).unwrap(), "near");
        fs::write(at.join("new"), "new").unwrap();
        fs::File::open(at.join("new")).unwrap().sync_all().unwrap();
        let other = Vfs::new(Arc::new(SqliteLayer::open(&path, &options).unwrap()), VfsOptions::default());
        other.write("/other", b"other").unwrap();
        assert_eq!(other.read_to_string("/dirty").unwrap(), "written");
        assert!(!reader.is_finished(), "the bucket is still closed");
        closed.is_open.store(true, Ordering::SeqCst);
        assert_eq!(reader.join().unwrap(), far[..100]);
    });
    mounted.unmount().unwrap();
}
