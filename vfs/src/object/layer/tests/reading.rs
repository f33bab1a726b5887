//! Listing, finding and reading.

use super::*;
use crate::errno::Errno;

/// Names whose order is not that of their keys.
const TRICKY: &[&str] = &[
    "a", "a-b/x", "a-b-c", "a.csv", "a/x", "a0", "b!", "b/x", "b-/x", "c/", "data-1", "data-2", "data-3",
    "data/x", "z",
];
const IN_ORDER: &[&str] =
    &["a", "a-b", "a-b-c", "a.csv", "a0", "b", "b!", "b-", "c", "data", "data-1", "data-2", "data-3", "z"];

#[test]
fn names_come_in_their_own_order_whatever_the_pages() {
    for page in [1, 2, 3, 5, 1000] {
        for limit in [1, 2, 100] {
            let tricky: Vec<&str> =
                TRICKY.iter().copied().filter(|key| !key.ends_with('/') && *key != "a").collect();
            let expected: Vec<&str> = IN_ORDER.iter().copied().filter(|name| *name != "c").collect();
            let world = World::served(&tricky, page);
            assert_eq!(world.list("", limit), expected, "pages of {page}, asked for {limit}");
            world.wait();
            for name in &expected {
                assert!(world.look(name).is_ok(), "{name}");
            }
        }
    }
}

#[test]
fn a_folder_hides_the_object_of_its_name_and_a_marker_makes_one() {
    let world = World::kept("tricky", TRICKY);
    assert_eq!(world.list("", 3), IN_ORDER);
    assert!(world.look("a").expect("there").is_dir());
    assert_eq!(world.list("a", 3), ["x"]);
    assert!(world.list("c", 3).is_empty());
    assert!(world.look("c").expect("there").is_dir());
}

#[test]
fn a_list_can_begin_anywhere() {
    let world = World::served(&["a-b", "a/x", "b", "c/x", "d"], 2);
    let root = world.layer.root();
    for (after, next) in [("a", "a-b"), ("a-b", "b"), ("b", "c"), ("c", "d"), ("0", "a")] {
        world.wait();
        let found = world.layer.readdir(root, Some(&name(after)), 1).expect("listed");
        assert_eq!(&*found[0].name, next);
    }
}

#[test]
fn what_is_not_there_is_enoent() {
    let world = World::served(&["d/f"], 1000);
    for path in ["nothing", "d/nothing", "d\tx"] {
        assert_eq!(world.look(path).expect_err("not there").errno(), Errno::ENOENT);
    }
    assert_eq!(world.look("d/f/g").expect_err("no folder").errno(), Errno::ENOTDIR);
}

#[test]
fn a_folder_is_one_request_and_a_small_file_another() {
    let world = World::served(&["d/one", "d/two", "d/three"], 1000);
    assert_eq!(world.asked(|| world.ino("d")), (0, 0, 0), "the first page came when it was opened");
    assert_eq!(world.asked(|| world.list("d", 1000)), (0, 0, 1));
    assert_eq!(world.asked(|| ["d/one", "d/two", "d/three"].map(|path| world.ino(path))), (0, 0, 0));
    assert_eq!(world.asked(|| assert_eq!(world.read("d/one"), "d/one")), (1, 0, 0));
    assert_eq!(world.asked(|| assert_eq!(world.read("d/one"), "d/one")), (0, 0, 0), "from the cache");
    world.wait();
    assert_eq!(world.asked(|| world.ino("d/one")), (0, 0, 2));
}

#[test]
fn a_name_of_a_large_folder_is_asked_for_alone() {
    let keys: Vec<String> = (0..40).map(|n| format!("d/{n:03}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let world = World::served(&keys, 10);
    assert_eq!(world.asked(|| world.ino("d/035")), (0, 0, 4), "a page and its order, a folder?, an object?");
    assert_eq!(world.asked(|| world.ino("d/036")), (0, 0, 2));
    assert_eq!(world.asked(|| world.ino("d/036")), (0, 0, 0));
    assert_eq!(world.list("d", 7).len(), 40);
}

#[test]
fn another_content_is_another_node_and_the_old_one_is_stale() {
    for world in [World::kept("another-content", &["f"]), World::served(&["f"], 1000)] {
        let first = world.ino("f");
        assert_eq!(world.layer.read(first, 0, 1).expect("read"), "f");
        put(&world.beside, "f", "a longer one");
        world.wait();
        let second = world.ino("f");
        assert_ne!(first, second);
        assert_eq!(world.layer.read(first, 0, 1).expect_err("gone").errno(), Errno::ESTALE);
        assert_eq!(world.layer.read(second, 0, 100).expect("read"), "a longer one");
    }
}

#[test]
fn a_read_never_mixes_two_contents() {
    for world in [World::kept("mixed", &[]), World::served(&[], 1000)] {
        let large = |byte: &str| byte.repeat(600_000);
        put(&world.beside, "f", &large("x"));
        world.wait();
        let ino = world.ino("f");
        assert_eq!(world.layer.read(ino, 0, 10).expect("read"), "x".repeat(10));
        put(&world.beside, "f", &large("y"));
        let error = world.layer.read(ino, 0, 600_000).expect_err("changed");
        assert_eq!(error.errno(), Errno::ESTALE);
        assert!(std::error::Error::source(&error).expect("why").to_string().contains("somebody else"));
        // Nobody has to wait for what was listed to grow old.
        assert_eq!(world.layer.read(world.ino("f"), 300_000, 3).expect("read"), "yyy");
    }
}

#[test]
fn the_same_content_has_the_same_number_after_it_was_forgotten() {
    let world = World::kept("numbers", &["d/f", "g"]);
    let numbers = [world.ino("d"), world.ino("d/f"), world.ino("g")];
    let again = ObjectLayer::open(met(None, "numbers"), world.options.clone()).expect("it opens");
    let world = World { layer: again, ..world };
    assert_eq!(numbers, [world.ino("d"), world.ino("d/f"), world.ino("g")]);
}

#[test]
fn memory_is_bounded_and_what_is_open_stays() {
    let keys: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let world = World::served(&keys, 1000);
    let options = ObjectOptions { nodes: 50, ..world.options.clone() };
    let layer = ObjectLayer::open(met(world.server.as_ref(), "some/prefix"), options).expect("it opens");
    let world = World { layer, ..world };
    let held = world.ino("000");
    world.layer.open(held).expect("there");
    assert_eq!(world.list("", 10).len(), 200);
    assert_eq!(world.layer.read(held, 0, 10).expect("held"), "000");
    assert_eq!(world.ino("000"), held);
    assert!(world.layer.getattr(world.ino("199")).is_ok());
}

#[test]
fn reading_on_asks_for_more_and_more_at_once() {
    let world = World::served(&[], 1000);
    put(&world.beside, "f", &"0123456789abcdef".repeat(256 << 10));
    world.wait();
    let ino = world.ino("f");
    let asked = world.asked(|| {
        for at in (0..4 << 20).step_by(64 << 10) {
            assert_eq!(world.layer.read(ino, at, 64 << 10).expect("read").len(), 64 << 10);
        }
    });
    assert!(asked.0 <= 6, "{asked:?}");
    let asked = world.asked(|| world.layer.read(world.ino("f"), 2 << 20, 10).expect("read"));
    assert_eq!(asked.0, 0, "from the cache");
}

#[test]
fn a_bucket_that_is_not_there_is_told_when_it_is_opened() {
    let server = Server::start("shells");
    let env = server.environment();
    let env = move |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let bucket =
        Bucket::open_with(&"s3://nowhere".parse().expect("an address"), how(), &env).expect("it opens");
    let trouble = ObjectLayer::open(bucket, ObjectOptions::default()).expect_err("there is none");
    assert!(trouble.to_string().contains("no such bucket"), "{trouble}");
}

/// A file with holes stands for an object of 5 GB; the server's note of its ETag spares it reading all of that.
#[test]
fn the_head_of_a_large_object_is_read_without_the_rest() {
    let world = World::served(&[], 1000);
    let folder = world.server.as_ref().expect("served").folder();
    std::fs::create_dir_all(folder.join("shells/some/prefix")).expect("made");
    let file = std::fs::File::create(folder.join("shells/some/prefix/big.csv")).expect("made");
    file.set_len(5 << 30).expect("holes take no room");
    // The bucket and the key in base64.
    let note = ".bucket-c2hlbGxz.object-c29tZS9wcmVmaXgvYmlnLmNzdg.internal.json";
    std::fs::write(folder.join(note), r#"{"e_tag":"0123456789abcdef0123456789abcdef"}"#).expect("written");
    world.wait();
    let stat = world.look("big.csv").expect("there");
    assert_eq!(stat.size, 5 << 30);
    let asked = world.asked(|| {
        assert_eq!(world.layer.read(stat.ino, 0, 4096).expect("read"), vec![0; 4096]);
    });
    assert_eq!(asked, (1, 0, 0));
    let asked = world.asked(|| {
        for line in 0..1000 {
            world.layer.read(stat.ino, line * 100, 100).expect("read");
        }
    });
    assert!(asked.0 <= 2, "{asked:?}");
    let asked = world.asked(|| world.layer.read(stat.ino, (5 << 30) - 10, 100).expect("read"));
    assert_eq!(asked, (1, 0, 0));
}
