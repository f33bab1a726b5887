//! Content in a bucket and buckets as folders, beside `object_store` alone against the same server on loopback.

mod folder;
mod push;
mod workspace;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cowry_s3_server::{ACCESS_KEY, SECRET_KEY, Server};
use cowry_vfs::object::{Bucket, Connect};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ClientOptions, ObjectStoreExt, WriteMultipart};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use self::folder::table as folder_table;
pub use self::push::table as push_table;
pub use self::workspace::table;
use crate::table::{Row, time};

const COWRY: &str = env!("CARGO_BIN_EXE_cowry");
const BUCKET: &str = "bench";
const SMALL: usize = 1000;
const SMALL_BYTES: usize = 10 << 10;
const LARGE_BYTES: usize = 1 << 30;
const PART_BYTES: usize = 8 << 20;
const PARALLEL: usize = 16;

/// A server, what is brought in and where it is taken out to.
struct Bench {
    server: Server,
    bucket: Bucket,
    bare: AmazonS3,
    runtime: Runtime,
    folder: TempDir,
}

/// A whole command: how long it took, its memory high-water mark in bytes, and its requests: GET, PUT, others.
struct Ran {
    took: Duration,
    memory: u64,
    requests: (u64, u64, u64),
}

impl Bench {
    fn new() -> Bench {
        let server = Server::start(BUCKET);
        let bucket = bucket(&server);
        let bare = AmazonS3Builder::new()
            .with_bucket_name(BUCKET)
            .with_endpoint(server.endpoint())
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET_KEY)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .build()
            .expect("a client");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Bench {
            server,
            bucket,
            bare,
            runtime: runtime.expect("a runtime"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs `cowry` with a cache of its own, which `cache` names.
    fn cowry(&self, cache: &str, arguments: &[&str]) -> Ran {
        let before = self.server.requests();
        let mut command = Command::new(COWRY);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).env_remove("COWRY_WORKSPACE");
        command.env("COWRY_CACHE_DIR", self.at(cache)).envs(self.server.environment());
        let (took, memory) = time(|| {
            let mut child = command.spawn().expect("it starts");
            let mut memory = 0;
            loop {
                memory = high_water(child.id()).unwrap_or(memory);
                if let Some(status) = child.try_wait().expect("it is ours") {
                    assert!(status.success(), "{arguments:?}: {status}");
                    return memory;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let after = self.server.requests();
        Ran { took, memory, requests: (after.0 - before.0, after.1 - before.1, after.2 - before.2) }
    }

    /// A folder of small files.
    fn small(&self) -> PathBuf {
        let small = self.folder.path().join("small");
        fs::create_dir(&small).expect("made");
        for n in 0..SMALL {
            fs::write(small.join(n.to_string()), noise(SMALL_BYTES, n as u64 + 1)).expect("written");
        }
        small
    }

    /// A large file.
    fn large(&self) -> PathBuf {
        let large = self.folder.path().join("large");
        fs::write(&large, noise(LARGE_BYTES, 7)).expect("written");
        large
    }

    /// How long it takes to send the files of a folder as objects, and to get them back into files.
    fn bare_small(&self, folder: &Path) -> (Duration, Duration) {
        let key = |n: usize| Key::from(format!("bare/{n}"));
        let put = time(|| {
            let all = stream::iter(0..SMALL).map(|n| {
                let content = fs::read(folder.join(n.to_string())).expect("read");
                async move { self.bare.put(&key(n), content.into()).await.map(drop) }
            });
            self.runtime.block_on(all.buffer_unordered(PARALLEL).try_collect::<()>()).expect("put");
        });
        let target = self.folder.path().join("bare-small");
        let get = time(|| {
            fs::create_dir(&target).expect("made");
            let target = &target;
            let all = stream::iter(0..SMALL).map(|n| async move {
                let content = self.bare.get(&key(n)).await?.bytes().await?;
                fs::write(target.join(n.to_string()), content).expect("written");
                Ok::<_, object_store::Error>(())
            });
            self.runtime.block_on(all.buffer_unordered(PARALLEL).try_collect::<()>()).expect("got");
        });
        (put.0, get.0)
    }

    /// How long it takes to send a large file in parts, and to get it back into a file.
    fn bare_large(&self, file: &Path) -> (Duration, Duration) {
        let key = Key::from("bare/large");
        let put = time(|| {
            self.runtime.block_on(async {
                let upload = self.bare.put_multipart(&key).await.expect("begun");
                let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
                let mut source = fs::File::open(file).expect("it is there");
                let mut piece = vec![0; PART_BYTES];
                loop {
                    let got = std::io::Read::read(&mut source, &mut piece).expect("read");
                    if got == 0 {
                        break;
                    }
                    writer.wait_for_capacity(PARALLEL).await.expect("sent");
                    writer.write(&piece[..got]);
                }
                writer.finish().await.expect("finished");
            });
        });
        let get = time(|| {
            self.runtime.block_on(async {
                let mut body = self.bare.get(&key).await.expect("there").into_stream();
                let mut target = fs::File::create(self.at("bare-out")).expect("made");
                while let Some(piece) = body.try_next().await.expect("got") {
                    std::io::Write::write_all(&mut target, &piece).expect("written");
                }
            });
        });
        (put.0, get.0)
    }
}

/// The bucket as we meet it. It comes first: with it the choice of TLS that the bare client, too, needs.
fn bucket(server: &Server) -> Bucket {
    let location = format!("s3://{BUCKET}").parse().expect("an address");
    Bucket::open_with(&location, Connect::default(), &|name| server.env(name)).expect("it opens")
}

/// The most memory that a process has had so far, in bytes.
fn high_water(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kb| kb << 10)
}

/// Bytes that do not compress and do not repeat.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut content = Vec::with_capacity(length + 8);
    while content.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(length);
    content
}

/// `took` beside what the bare store took: a ratio of throughputs.
fn beside(what: &str, ran: &Ran, bare: Duration) -> Row {
    let ratio = bare.as_secs_f64() / ran.took.as_secs_f64();
    let figure = format!(
        "{:.2} s; bare {:.2} s: {ratio:.2} of its throughput",
        ran.took.as_secs_f64(),
        bare.as_secs_f64()
    );
    Row::new(what, figure, "0.8")
}

fn requests(what: &str, ran: &Ran) -> Row {
    let (gets, puts, others) = ran.requests;
    Row::new(what, format!("{gets} GET, {puts} PUT, {others} others; {} MB at most", ran.memory >> 20), "")
}
