//! The bucket against memory and against a server that speaks S3, and what errors say.

mod versions;

mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cowry_s3_server::{Fault, Faults, Proxy, SECRET_KEY, Server, TestBucket};

use super::{Bucket, Connect, Expect, Location, PART_BYTES, Trouble, TroubleKind};

fn at(text: &str) -> Location {
    text.parse().expect("an address")
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// A bucket of `server`, with some of its environment set otherwise.
fn met(server: &Server, address: &str, otherwise: &[(&str, &str)]) -> Bucket {
    let env = server.environment();
    let otherwise: Vec<(String, String)> =
        otherwise.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let how = Connect { deadline: Duration::from_secs(60), retries: 2, ..Connect::default() };
    Bucket::open_with(&at(address), how, &move |name| {
        let other = otherwise.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        other.or_else(|| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()))
    })
    .expect("it opens")
}

fn works(bucket: &Bucket) -> Result<(), Trouble> {
    assert_eq!(bucket.head("a/b.txt")?, None);
    let first = bucket.put("a/b.txt", Bytes::from_static(b"hello world"), &Expect::Absent, &none())?;
    let taken = bucket.put("a/b.txt", Bytes::from_static(b"other"), &Expect::Absent, &none());
    assert_eq!(taken.expect_err("it is there").kind(), TroubleKind::Changed);
    assert_eq!(bucket.get("a/b.txt", Some(6..100), None)?, "world");
    let tag = Expect::Tag(first.etag.expect("it has one"));
    bucket.put("a/b.txt", Bytes::from_static(b"second"), &tag, &none())?;
    let stale = bucket.put("a/b.txt", Bytes::from_static(b"third"), &tag, &none());
    assert_eq!(stale.expect_err("it changed").kind(), TroubleKind::Changed);
    assert_eq!(bucket.get("a/b.txt", None, None)?, "second");
    bucket.copy("a/b.txt", "c 100%.txt")?;
    let page = bucket.list("", None, 1000)?;
    assert_eq!(page.folders, ["a"]);
    assert_eq!(page.objects.iter().map(|found| &*found.name).collect::<Vec<_>>(), ["c 100%.txt"]);
    let mut all = Vec::new();
    bucket.list_all("", |found| {
        all.push(found.name);
        Ok(())
    })?;
    all.sort();
    assert_eq!(all, ["a/b.txt", "c 100%.txt"]);
    bucket.delete("a/b.txt")?;
    bucket.delete("a/b.txt")?;
    assert_eq!(bucket.get("a/b.txt", None, None).expect_err("gone").kind(), TroubleKind::Missing);
    Ok(())
}

#[test]
fn a_memory_is_a_bucket() {
    works(&Bucket::open(&at("memory://a-bucket/some/prefix"), Connect::default()).expect("it opens"))
        .expect("works");
}

#[test]
fn a_folder_is_a_bucket() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = at(&format!("file://{}/in it", folder.path().display()));
    works(&Bucket::open(&location, Connect::default()).expect("it opens")).expect("works");
}

/// With `COWRY_TEST_BUCKET` a real one.
#[test]
fn no_link_leads_out_of_a_folder() {
    let place = tempfile::tempdir().expect("a folder");
    let (inside, outside) = (place.path().join("inside"), place.path().join("outside"));
    std::fs::create_dir_all(inside.join("sub")).expect("made");
    std::fs::create_dir(&outside).expect("made");
    std::fs::write(outside.join("secret"), "hush").expect("written");
    std::os::unix::fs::symlink(&outside, inside.join("out")).expect("linked");
    std::os::unix::fs::symlink(outside.join("secret"), inside.join("sub/file")).expect("linked");
    let bucket = Bucket::open(&at(&format!("file://{}", inside.display())), Connect::default());
    let bucket = bucket.expect("opens");
    for name in ["out/secret", "sub/file"] {
        assert_eq!(bucket.head(name).expect("asked"), None, "{name}");
        assert_eq!(bucket.get(name, None, None).expect_err("none").kind(), TroubleKind::Missing, "{name}");
        let trouble = bucket.put(name, "x", &Expect::Anything, &none()).expect_err("refused");
        assert!(trouble.to_string().contains("a symbolic link is in the way"), "{trouble}");
        bucket.delete(name).expect("there is none");
    }
    let trouble = bucket.put_marker("out/new").expect_err("refused");
    assert!(trouble.to_string().contains("a symbolic link is in the way"), "{trouble}");
    let page = bucket.list("", None, 10).expect("listed");
    assert_eq!((page.objects.len(), page.folders), (0, vec!["sub".to_owned()]));
    assert!(bucket.list("sub", None, 10).expect("listed").objects.is_empty());
    bucket.list_all("", |found| panic!("{found:?}")).expect("listed");
    assert_eq!(std::fs::read(outside.join("secret")).expect("it is there"), b"hush");
    assert_eq!(std::fs::read_dir(&outside).expect("read").count(), 1);
    // The folder itself may be named by a link.
    let named = place.path().join("named");
    std::os::unix::fs::symlink(&inside, &named).expect("linked");
    let bucket = Bucket::open(&at(&format!("file://{}", named.display())), Connect::default());
    bucket.expect("opens").put("sub/new", "x", &Expect::Absent, &none()).expect("written");
}

/// The client of Azure drops a slash at the end of a name: a marker would be a file.
#[test]
fn azure_has_no_folders_without_content() {
    let memory = Bucket::open(&at("memory://no-markers"), Connect::default()).expect("opens");
    let bucket = Bucket { location: at("az://no-markers"), ..memory };
    assert_eq!(bucket.put_marker("d").expect_err("refused").kind(), TroubleKind::Unsupported);
    bucket.keep_folder("d").expect("nothing to do");
    bucket.put_moving("d", "e").expect("nothing to do");
    bucket.delete_marker("d").expect("nothing to do");
    assert!(!bucket.is_moving("d", "e").expect("asked"));
    assert_eq!(bucket.requests(), (0, 0, 0));
}

#[test]
fn a_server_has_buckets() {
    let tests = TestBucket::start();
    let bucket =
        Bucket::open_with(&at(&tests.address("some/prefix")), Connect::default(), &|name| tests.env(name));
    works(&bucket.expect("it opens")).expect("works");
}

#[test]
fn many_come_in_order_and_metadata_stays() {
    let server = Server::start("shells");
    let bucket = met(&server, "s3://shells", &[]);
    let names: Vec<String> = (0..40).map(|n| format!("n/{n}")).collect();
    bucket.put_many(names.clone().into_iter().map(|name| (name.clone(), Bytes::from(name))), 8).expect("put");
    let mut got = Vec::new();
    let done = bucket.get_many(names.clone(), 8, |name, content| {
        assert_eq!(content?, name);
        got.push(name.to_owned());
        Ok(())
    });
    done.expect("all are there");
    assert_eq!(got, names);
    let metadata = BTreeMap::from([("mode".to_owned(), "0640".to_owned())]);
    bucket.put("m", Bytes::new(), &Expect::Anything, &metadata).expect("put");
    assert_eq!(bucket.head("m").expect("asked").expect("there").metadata, metadata);
    assert_eq!(bucket.requests().1, 41);
}

/// Writes more than one request takes, twice: where it is expected, and where it is not.
fn uploads(bucket: &Bucket) {
    let large: Vec<u8> = (0..(2 * PART_BYTES + 5) as u32).map(|n| (n % 251) as u8).collect();
    let size = large.len() as u64;
    let metadata = BTreeMap::from([("cowrywrite".to_owned(), "ours".to_owned())]);
    bucket.upload("large", size, &mut &large[..], &Expect::Absent, &metadata).expect("uploaded");
    let found = bucket.head("large").expect("asked").expect("there");
    assert_eq!(found.size, size);
    assert!(!bucket.keeps_metadata() || found.metadata == metadata, "{:?}", found.metadata);
    let tail = bucket.get("large", Some(size - 3..size), None).expect("read");
    assert_eq!(tail, large[large.len() - 3..]);
    let taken = bucket.upload("large", size, &mut &large[..], &Expect::Absent, &none());
    assert_eq!(taken.expect_err("it is there").kind(), TroubleKind::Changed);
    let stale = Expect::Tag("other".into());
    let stale = bucket.upload("large", 3, &mut &b"new"[..], &stale, &none());
    assert_eq!(stale.expect_err("it is another").kind(), TroubleKind::Changed);
    assert_eq!(bucket.head("large").expect("asked").expect("there").etag, found.etag);
}

#[test]
fn large_objects_are_written_in_parts() {
    uploads(&Bucket::open(&at("memory://a-bucket/large"), Connect::default()).expect("it opens"));
    let server = Server::start("shells");
    uploads(&met(&server, "s3://shells/large", &[]));
}

#[test]
fn names_that_cannot_be_keys_are_told() {
    let bucket = Bucket::open(&at("memory://a-bucket/names"), Connect::default()).expect("it opens");
    for good in ["a", "a b/c%2F.txt", "\u{e9}/\u{1f41a}", &"x".repeat(1018)] {
        bucket.check_name(good).unwrap_or_else(|trouble| panic!("{trouble}"));
    }
    for bad in ["a//b", "a/../b", &"x".repeat(1019)] {
        let trouble = bucket.check_name(bad).expect_err(bad);
        assert_eq!(trouble.kind(), TroubleKind::Unsupported, "{trouble}");
    }
}

/// Reads what it has and then fails.
struct Broken(std::io::Cursor<Vec<u8>>);

impl std::io::Read for Broken {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(std::io::Error::other("the disk is gone")),
            got => Ok(got),
        }
    }
}

#[test]
fn a_reader_that_fails_writes_nothing() {
    let server = Server::start("shells");
    let bucket = met(&server, "s3://shells/broken", &[]);
    for length in [10, 2 * PART_BYTES] {
        let mut from = Broken(std::io::Cursor::new(vec![7; length]));
        let trouble = bucket.upload("it", length as u64, &mut from, &Expect::Anything, &none());
        let trouble = trouble.expect_err("it fails");
        assert_eq!(trouble.kind(), TroubleKind::Source);
        assert!(trouble.to_string().contains("the disk is gone"), "{trouble}");
        assert_eq!(bucket.head("it").expect("asked"), None);
    }
}

#[test]
fn a_listing_comes_in_pages() {
    let server = Server::start("shells");
    let bucket = met(&server, "s3://shells/many", &[]);
    let items: Vec<_> = (0..25).map(|n| (format!("{n:03}"), Bytes::new())).collect();
    bucket.put_many(items, 8).expect("put");
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = bucket.list("", after, 10).expect("listed");
        assert!(page.objects.len() <= 10);
        seen.extend(page.objects.into_iter().map(|found| found.name));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (25, 3));
}

#[test]
fn what_is_wrong_is_said_without_secrets() {
    let server = Server::start("shells");
    let told = |address: &str, otherwise: &[(&str, &str)]| {
        let trouble = met(&server, address, otherwise).list("", None, 10).expect_err("refused");
        let text = trouble.to_string();
        assert!(!text.contains('\n') && !text.contains(SECRET_KEY), "{text}");
        text
    };
    let nowhere = told("s3://nowhere", &[]);
    assert!(nowhere.contains("no such bucket"), "{nowhere}");
    assert!(told("s3://shells", &[("AWS_SECRET_ACCESS_KEY", "wrong")]).contains("AWS_SECRET_ACCESS_KEY"));
    assert!(told("s3://shells", &[("AWS_ACCESS_KEY_ID", "nobody")]).contains("key"));
    assert!(told("s3://shells", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]).contains("cannot be reached"));
}

#[test]
fn an_answer_that_nobody_knows_is_told_in_the_words_of_the_server() {
    let told = |text: &str| Trouble::from(object_store::Error::Generic { store: "X", source: text.into() });
    let xml = "400 Bad Request: <?xml version=\"1.0\"?>\n<Error>\n<Code>Bad</Code><Message>Not\n so.</Message></Error>";
    assert_eq!(told(xml).to_string(), "the server answers Bad: Not so.");
    assert_eq!(told("<Error><Code>Bad</Code></Error>").to_string(), "the server answers Bad");
    let status = "Error performing PUT http://x/y in 9ms, after 8 retries, max_retries: 8 - Server returned non-2xx status code: 503 Service Unavailable: no";
    assert_eq!(told(status).to_string(), "the server answers 503 Service Unavailable; try again later");
    let broken = told("HTTP error: error sending request");
    assert_eq!(broken.kind(), TroubleKind::Unreachable);
    assert!(broken.to_string().contains("the connection broke"), "{broken}");
    let proxy = told("proxy http://user:hidden@proxy:8080/x is away").to_string();
    assert_eq!(proxy.matches("proxy http://proxy:8080/x is away").count(), 1, "{proxy}");
    assert!(!proxy.contains("hidden"), "{proxy}");
    let other = told(&format!("a pipe\u{7} broke {}", "far away ".repeat(100))).to_string();
    assert_eq!(other.matches("a pipe broke").count(), 1, "{other}");
    assert!(other.len() <= 300 && !other.contains('\u{7}'), "{other}");
}

#[test]
fn settings_that_cannot_be_are_refused_at_once() {
    let told = |env: &[(&str, &str)]| {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Bucket::open_with(&at("s3://shells"), Connect::default(), &env).expect_err("refused").to_string()
    };
    assert!(told(&[]).contains("AWS_ACCESS_KEY_ID"));
    assert!(told(&[("AWS_ENDPOINT_URL", "localhost:9000")]).contains("https://"));
    let secret = told(&[("AWS_ENDPOINT_URL", "http://user:hidden@localhost:9000")]);
    assert!(secret.contains("no user, password") && !secret.contains("hidden"), "{secret}");
    assert!(told(&[("AWS_PROFILE", "nobody"), ("HOME", "/nonexistent")]).contains("\"nobody\""));
    assert!(told(&[("AWS_ACCESS_KEY_ID", "k")]).contains("set both"));
    let broken = told(&[("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "hidden\n")]);
    assert!(broken.contains("AWS_SECRET_ACCESS_KEY") && !broken.contains("hidden"), "{broken}");
    let keys = ("AWS_ACCESS_KEY_ID", "k");
    assert!(
        told(&[keys, ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_MAX_ATTEMPTS", "0")]).contains("from 1 to 100")
    );
    // Half of what a container says would have the machine's metadata asked.
    let half = told(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/keys")]);
    assert!(half.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "{half}");
}

#[test]
fn profiles_that_give_no_keys_are_told_what_they_lack() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |text: &str| {
        let place = folder.path().join("credentials");
        std::fs::write(&place, text).expect("written");
        let place = place.display().to_string();
        let env = |name: &str| (name == "AWS_SHARED_CREDENTIALS_FILE").then(|| place.clone());
        Bucket::open_with(&at("s3://shells"), Connect::default(), &env).expect_err("refused").to_string()
    };
    assert!(told("[default]\naws_access_key_id = k\n").contains("has no aws_secret_access_key"));
    assert!(told("[default]\naws_secret_access_key = hidden\n").contains("has no aws_access_key_id"));
    assert!(told("[default]\ncredential_process = /x\n").contains("export-credentials --profile default"));
    assert!(told("[default]\nregion = r\n").contains("no keys"));
}

#[test]
fn addresses_say_what_they_mean() {
    assert_eq!(at("s3://shells/a/b/").to_string(), "s3://shells/a/b");
    assert_eq!(at("file:///tmp/x").to_string(), "file:///tmp/x");
    let bad = |text: &str| text.parse::<Location>().expect_err("refused").to_string();
    assert!(bad("s3://key:secret@shells/x").contains("environment"));
    assert!(!bad("s3://key:secret@shells/x").contains("secret@"));
    assert!(bad("ftp://shells/x").contains("s3://"));
    assert!(bad("s3:///x").contains("bucket is missing"));
    for literal in ["s3://shells/a%41", "s3://shells/a b#c", "s3://shells/a:rx/ü", "file:///tmp/a%20b"] {
        assert_eq!(at(literal).to_string(), literal);
    }
    for (text, why) in [
        ("s3://shells/a/../b", "\"..\""),
        ("s3://shells//b", "two slashes"),
        ("s3://shells/a\nb", "control character"),
        ("s3://shel ls/a", "\"shel ls\" is no bucket"),
        ("s3://shells/a?versionId=1", "no option"),
        ("shells/a", "is no address"),
    ] {
        assert!(bad(text).contains(why), "{}", bad(text));
        assert!(!bad(text).contains(char::is_control));
    }
    assert!(bad(&format!("s3://shells/{}", "p".repeat(513))).contains("at most 512 bytes"));
}

/// Through a proxy that drops, resets, stalls and refuses: what was said to be written is there, what was said not to
/// be is whole or absent, and what was read is what was written.
#[test]
fn a_wire_that_misbehaves_loses_nothing() {
    let server = Server::start("shells");
    let straight = met(&server, "s3://shells", &[]);
    for seed in 0..8 {
        // Wrong bytes, and fewer of them with a length that says so, are for the hashes above a bucket to find.
        let faults = Arc::new(Faults::new(seed, 250).without(&[
            Fault::Corrupt,
            Fault::Short,
            Fault::WrongTag,
            Fault::Truncated,
            Fault::Stall,
        ]));
        let proxy = Proxy::start(server.address(), faults.clone());
        let bucket = met(&server, &format!("s3://shells/{seed}"), &[("AWS_ENDPOINT_URL", &proxy.endpoint())]);
        let bucket = bucket.with_deadline(Duration::from_secs(2));
        for n in 0..20 {
            let name = format!("{n}");
            let content = Bytes::from(name.repeat(5000));
            let put = bucket.put(&name, content.clone(), &Expect::Absent, &none());
            let there = straight.get(&format!("{seed}/{n}"), None, None);
            match (put, there) {
                (Ok(_), there) => {
                    assert_eq!(there.expect("it was acknowledged"), content, "seed {seed}, {n}")
                }
                (Err(_), Ok(there)) => assert_eq!(there, content, "seed {seed}, {n}"),
                (Err(_), Err(_)) => continue,
            }
            if let Ok(got) = bucket.get(&name, None, None) {
                assert_eq!(got, content, "seed {seed}, {n}");
            }
        }
        assert!(faults.count() > 0);
    }
}

#[test]
fn a_server_that_does_not_answer_is_a_timeout() {
    let server = Server::start("shells");
    let every = [
        Fault::Before,
        Fault::Throttled,
        Fault::Broken,
        Fault::Reset,
        Fault::Short,
        Fault::Corrupt,
        Fault::WrongTag,
        Fault::Expired,
    ];
    let proxy = Proxy::start(server.address(), Arc::new(Faults::new(1, 1000).without(&every)));
    let bucket = met(&server, "s3://shells", &[("AWS_ENDPOINT_URL", &proxy.endpoint())]);
    let bucket = bucket.with_deadline(Duration::from_millis(300));
    let trouble = bucket.get("x", None, None).expect_err("nobody answers");
    assert_eq!(
        (trouble.kind(), trouble.errno()),
        (TroubleKind::TimedOut, crate::Errno::ETIMEDOUT),
        "{trouble}"
    );
}
