//! What a bucket looks like as a layer, and how many requests that takes.

mod ahead;
mod faults;
mod hidden;
mod kept;
mod reading;
mod wire;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cowry_s3_server::Server;

use super::{ObjectLayer, ObjectOptions};
use crate::clock::{ManualClock, Timestamp};
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{Ino, Stat};
use crate::object::{Bucket, Connect, Expect};
use crate::path::Name;

/// A bucket, seen through a layer and beside it.
struct World {
    /// Another's view: its requests are not the layer's.
    beside: Bucket,
    layer: ObjectLayer,
    clock: Arc<ManualClock>,
    options: ObjectOptions,
    server: Option<Server>,
}

fn how() -> Connect {
    Connect { deadline: Duration::from_secs(120), ..Connect::default() }
}

fn met(server: Option<&Server>, name: &str) -> Bucket {
    let address = match server {
        Some(_) => format!("s3://shells/{name}"),
        None => format!("memory://layer-{name}/in/here"),
    };
    let env = server.map(Server::environment).unwrap_or_default();
    let env = move |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    Bucket::open_with(&address.parse().expect("an address"), how(), &env).expect("it opens")
}

impl World {
    /// Objects by their names, with the names as content.
    fn new(server: Option<Server>, name: &str, objects: &[&str], page_names: usize) -> World {
        let beside = met(server.as_ref(), name);
        for key in objects {
            match key.strip_suffix('/') {
                Some(folder) => beside.put_marker(folder).expect("made"),
                None => put(&beside, key, key),
            }
        }
        let clock = ManualClock::new(Timestamp(1_000_000_000_000_000_000));
        let options = ObjectOptions { page_names, clock: clock.clone(), ..ObjectOptions::default() };
        let layer = ObjectLayer::open(met(server.as_ref(), name), options.clone()).expect("it opens");
        World { beside, layer, clock, options, server }
    }

    /// With a server that speaks S3.
    fn served(objects: &[&str], page_names: usize) -> World {
        World::new(Some(Server::start("shells")), "some/prefix", objects, page_names)
    }

    /// In memory; `name` is the test's own.
    fn kept(name: &str, objects: &[&str]) -> World {
        World::new(None, name, objects, 1000)
    }

    fn look(&self, path: &str) -> NodeResult<Stat> {
        let mut at = self.layer.getattr(self.layer.root())?;
        for part in path.split('/') {
            at = self.layer.lookup(at.ino, &name(part))?;
        }
        Ok(at)
    }

    fn ino(&self, path: &str) -> Ino {
        self.look(path).expect("it is there").ino
    }

    /// All names of a folder, so many at a time.
    fn list(&self, path: &str, limit: usize) -> Vec<String> {
        let dir = if path.is_empty() { self.layer.root() } else { self.ino(path) };
        let mut names: Vec<Name> = Vec::new();
        loop {
            let page = self.layer.readdir(dir, names.last(), limit).expect("listed");
            if page.is_empty() {
                return names.iter().map(ToString::to_string).collect();
            }
            names.extend(page.into_iter().map(|entry| entry.name));
        }
    }

    fn read(&self, path: &str) -> Bytes {
        self.layer.read(self.ino(path), 0, 1 << 30).expect("read")
    }

    /// What was asked of the bucket since the last time: reads, writes, others.
    fn asked<T>(&self, work: impl FnOnce() -> T) -> (u64, u64, u64) {
        let before = self.layer.bucket().requests();
        work();
        let after = self.layer.bucket().requests();
        (after.0 - before.0, after.1 - before.1, after.2 - before.2)
    }

    /// Lets what was listed grow old.
    fn wait(&self) {
        self.clock.advance(11_000_000_000);
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn put(bucket: &Bucket, key: &str, content: &str) {
    let content = Bytes::copy_from_slice(content.as_bytes());
    bucket.put(key, content, &Expect::Anything, &BTreeMap::new()).expect("put");
}
