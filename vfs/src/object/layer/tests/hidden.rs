//! Keys that cannot be names: they are in nobody's way, and nothing is done to them.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;
use crate::errno::Errno;
use crate::node::RenameMode;

/// A server that has a folder `bad` with a key that holds a tab, beside whatever else.
fn world(objects: &[&str]) -> World {
    let world = World::served(objects, 1000);
    let folder = world.server.as_ref().expect("served").folder().join("shells/some/prefix/bad");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("odd\tname"), "x").expect("written");
    world.wait();
    world
}

fn why(error: &crate::errno::NodeError) -> String {
    std::error::Error::source(error).expect("why").to_string()
}

#[test]
fn a_key_that_cannot_be_a_name_is_left_out() {
    let world = world(&["bad/f", "bad/g/h", "good/f"]);
    assert_eq!(world.list("", 10), ["bad", "good"]);
    assert_eq!(world.list("bad", 10), ["f", "g"]);
    assert_eq!(world.read("bad/f"), "bad/f");
    assert_eq!(world.layer.hidden(), 1);
}

#[test]
fn a_folder_of_nothing_else_is_there_and_stays() {
    let world = world(&["good/f"]);
    let root = world.layer.root();
    assert!(world.look("bad").expect("there").is_dir());
    assert!(world.list("bad", 10).is_empty());
    let error = world.layer.rmdir(root, &name("bad")).expect_err("it is not empty");
    assert_eq!(error.errno(), Errno::ENOTEMPTY);
    assert!(why(&error).contains("some/prefix/bad"), "{}", why(&error));
    let moved = world.layer.rename((root, &name("bad")), (root, &name("new")), RenameMode::Replace);
    let error = moved.expect_err("it cannot be moved whole");
    assert_eq!(error.errno(), Errno::EOPNOTSUPP);
    assert!(why(&error).contains("another tool"), "{}", why(&error));
    let moved = world.layer.rename((root, &name("good")), (root, &name("bad")), RenameMode::Replace);
    assert_eq!(moved.expect_err("what is there is not empty").errno(), Errno::ENOTEMPTY);
    let folder = world.server.as_ref().expect("served").folder();
    assert!(folder.join("shells/some/prefix/bad/odd\tname").exists());
}

#[test]
fn the_last_name_of_such_a_folder_goes_and_the_folder_stays() {
    let world = world(&["bad/f"]);
    world.layer.unlink(world.ino("bad"), &name("f")).expect("removed");
    world.wait();
    assert!(world.look("bad").expect("there").is_dir());
    assert!(world.list("bad", 10).is_empty());
}

#[test]
fn a_part_that_is_too_long_is_left_out_and_moves_along() {
    let long = format!("d/{}", "x".repeat(300));
    let world = World::kept("hidden-long", &[&long]);
    let root = world.layer.root();
    assert!(world.list("d", 10).is_empty());
    let error = world.layer.rmdir(root, &name("d")).expect_err("it is not empty");
    assert_eq!(error.errno(), Errno::ENOTEMPTY);
    world.layer.rename((root, &name("d")), (root, &name("e")), RenameMode::Replace).expect("moved");
    assert_eq!(world.beside.get(&format!("e{}", &long[1..]), None, None).expect("there"), long);
}

#[test]
fn a_folder_of_the_host_with_such_a_name_is_listed() {
    let host = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(host.path().join("d")).expect("made");
    for name in ["f", "odd\tname", "d/g"] {
        std::fs::write(host.path().join(name), name).expect("written");
    }
    let address = format!("file://{}", host.path().display());
    let bucket = Bucket::open(&address.parse().expect("an address"), how()).expect("it opens");
    let page = bucket.list("", None, 1000).expect("listed");
    assert_eq!((page.objects[0].name.as_str(), page.folders, page.hidden), ("f", vec!["d".to_owned()], 1));
    let etag = bucket.head("f").expect("asked").expect("there").etag;
    assert_eq!(page.objects[0].etag, etag);
}

/// Answers requests one after another with what is told, and the last one again and again.
fn answering<const N: usize>(pages: [&'static str; N]) -> Bucket {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 1 << 14];
            let mut read = 0;
            while !request[..read].windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut request[read..]) {
                    Ok(got) if got > 0 => read += got,
                    _ => break,
                }
            }
            let page = pages[number.min(pages.len() - 1)];
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", page.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(page.as_bytes()));
        }
    });
    let endpoint = format!("http://127.0.0.1:{port}");
    let env = move |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("any".into()),
        _ => None,
    };
    Bucket::open_with(&"s3://shells/p".parse().expect("an address"), how(), &env).expect("it opens")
}

const ODD: &str = "<ListBucketResult><Contents><Key>p/a</Key><Size>1</Size><LastModified>2026-11-27T00:00:00Z</LastModified>\
    <ETag>\"x\"</ETag></Contents><Contents><Key>p//b</Key><Size>1</Size><LastModified>2026-11-27T00:00:00Z</LastModified>\
    <ETag>\"y\"</ETag></Contents><CommonPrefixes><Prefix>p//</Prefix></CommonPrefixes><CommonPrefixes><Prefix>p/../</Prefix>\
    </CommonPrefixes><CommonPrefixes><Prefix>p/d/</Prefix></CommonPrefixes><IsTruncated>false</IsTruncated></ListBucketResult>";

#[test]
fn empty_parts_and_dots_are_left_out() {
    let bucket = answering([ODD]);
    let page = bucket.list("", None, 1000).expect("listed");
    let objects: Vec<&str> = page.objects.iter().map(|found| &*found.name).collect();
    assert_eq!((objects, page.folders, page.hidden), (vec!["a"], vec!["d".to_owned()], 3));
    let mut all = Vec::new();
    bucket
        .list_all("", |found| {
            all.push(found.name);
            Ok(())
        })
        .expect("listed");
    assert_eq!(all, ["a"]);
}

#[test]
fn a_listing_that_ends_early_is_asked_for_again() {
    let page = answering([&ODD[..200], "", ODD]).list("", None, 1000);
    let trouble = page.expect_err("nothing at all is no listing");
    assert!(trouble.to_string().contains("something else"), "{trouble}");
    let page = answering([&ODD[..200], ODD]).list("", None, 1000).expect("listed");
    assert_eq!(page.objects.len(), 1);
}

#[test]
fn what_is_no_listing_is_told() {
    let trouble = answering(["<html>Log in first</html>"]).list("", None, 1000).expect_err("no listing");
    assert!(trouble.to_string().contains("check the endpoint"), "{trouble}");
}
