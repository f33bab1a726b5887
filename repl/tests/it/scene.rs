//! A bucket, a place whose commands have its keys, and a look at what is in it.

use std::collections::BTreeMap;

use cowry_s3_server::{Keys, TestBucket};
use cowry_vfs::object::{Bucket, Connect, Expect, Trouble};

use crate::console::Place;

/// A bucket by its address, met with these variables.
pub fn met(address: &str, keys: &Keys) -> Bucket {
    let location = address.parse().expect("an address");
    Bucket::open_with(&location, Connect::default(), &|name| keys.env(name)).expect("it opens")
}

/// What an object is; `None` if there is none.
pub fn object(bucket: &Bucket, name: &str) -> Option<String> {
    bucket.head(name).expect("asked")?;
    let bytes = bucket.get(name, None, None).expect("read");
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

pub fn put(bucket: &Bucket, name: &str, content: &str) {
    let content = content.as_bytes().to_vec();
    bucket.put(name, content, &Expect::Anything, &BTreeMap::new()).expect("put");
}

/// The names of all objects.
pub fn names(bucket: &Bucket) -> Vec<String> {
    all_names(bucket).expect("listed")
}

fn all_names(bucket: &Bucket) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    bucket.list_all("", |found| {
        names.push(found.name);
        Ok(())
    })?;
    names.sort();
    Ok(names)
}

/// A bucket for one test: of a server of its own, or what is below a new prefix of the one that `COWRY_TEST_BUCKET`
/// names. What the test left there goes with it.
pub struct Scene {
    pub bucket: Bucket,
    pub place: Place,
    tests: TestBucket,
}

impl Scene {
    pub fn new() -> Scene {
        let tests = TestBucket::start();
        let keys = tests.keys();
        Scene { bucket: met(tests.root(), &keys), place: Place::with(keys.all()), tests }
    }

    /// Runs a transcript in which `BUCKET` stands for the address of the bucket.
    pub fn check(&self, transcript: &str) {
        self.place.check(&transcript.replace("BUCKET", self.tests.root()));
    }
}

impl Drop for Scene {
    /// One that failed has something to say already.
    fn drop(&mut self) {
        let left = remove_all(&self.bucket);
        assert!(left.is_ok() || std::thread::panicking(), "{left:?}");
    }
}

/// Removes all objects. A listing names the mark of a folder as it would a file.
fn remove_all(bucket: &Bucket) -> Result<(), Trouble> {
    bucket.delete_many(all_names(bucket)?, 8)?;
    all_names(bucket)?.iter().try_for_each(|name| bucket.delete_marker(name))
}
