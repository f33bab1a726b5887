//! What becomes of writes: uploads, conditions, conflicts.

use super::*;
use crate::errno::Errno;
use crate::fs::{OpenOptions, Overwrite, Vfs, VfsOptions};
use crate::node::{NewAttr, NewNode, RenameMode, SetAttr};
use crate::object::PART_BYTES;
use crate::object::bucket::Found;

/// Both kinds of store, with these objects.
fn both(test: &str, objects: &[&str]) -> [World; 2] {
    [World::kept(test, objects), World::served(objects, 1000)]
}

impl World {
    fn there(&self, key: &str) -> Option<String> {
        let found = self.beside.head(key).expect("asked")?;
        let bytes = self.beside.get(key, None, None).expect("read");
        assert_eq!(bytes.len() as u64, found.size);
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    fn found(&self, key: &str) -> Found {
        self.beside.head(key).expect("asked").expect("there")
    }

    fn make(&self, path: &str, node: NewNode<'_>) -> NodeResult<Stat> {
        let (dir, last) = path.rsplit_once('/').unwrap_or(("", path));
        let dir = if dir.is_empty() { self.layer.root() } else { self.ino(dir) };
        self.layer.create(dir, &name(last), node, &NewAttr::with_mode(0o644))
    }

    fn rename(&self, from: &str, to: &str) -> NodeResult<()> {
        let root = self.layer.root();
        self.layer.rename((root, &name(from)), (root, &name(to)), RenameMode::Replace)
    }

    fn again(self, test: &str) -> World {
        let layer =
            ObjectLayer::open(met(self.server.as_ref(), test), self.options.clone()).expect("it opens");
        World { layer, ..self }
    }
}

/// The same world, met through paths.
fn vfs(test: &str) -> (Vfs, Arc<ObjectLayer>, Bucket) {
    let world = World::kept(test, &[]);
    let layer = Arc::new(world.layer);
    (Vfs::new(layer.clone(), VfsOptions::default()), layer, world.beside)
}

#[test]
fn a_file_is_written_with_one_request() {
    let (vfs, layer, beside) = vfs("one-request");
    let puts = || layer.bucket().requests().1;
    vfs.write("/whole", b"content").expect("written");
    assert_eq!(puts(), 1);
    let file = vfs.open("/pieces", OpenOptions::write()).expect("made");
    for piece in 0..100 {
        file.write_all(format!("{piece} ").as_bytes()).expect("written");
    }
    assert_eq!(puts(), 1, "nothing is uploaded while it is open");
    assert_eq!(beside.head("pieces").expect("asked"), None);
    file.close().expect("closed");
    assert_eq!(puts(), 2);
    vfs.write("/whole", b"other").expect("replaced");
    vfs.append("/whole", b" and more").expect("appended");
    assert_eq!(puts(), 4);
    drop(vfs.open("/empty", OpenOptions::write()).expect("made"));
    vfs.copy("/whole", "/copy", Overwrite::Replace).expect("copied");
    assert_eq!(puts(), 6);
    assert_eq!(beside.get("copy", None, None).expect("there"), "other and more");
    assert_eq!(beside.head("empty").expect("asked").expect("there").size, 0);
}

#[test]
fn what_was_written_is_there_when_it_is_opened_again() {
    for world in both("again", &[]) {
        let place = if world.server.is_some() { "some/prefix" } else { "again" };
        world.make("d", NewNode::Directory).expect("made");
        world.make("d/empty", NewNode::Directory).expect("made");
        world.make("d/f", NewNode::File(b"content")).expect("made");
        world.layer.append(world.ino("d/f"), b" and more").expect("appended");
        let world = world.again(place);
        assert_eq!(world.list("d", 10), ["empty", "f"]);
        assert_eq!(world.read("d/f"), "content and more");
        assert!(world.list("d/empty", 10).is_empty());
    }
}

#[test]
fn metadata_is_as_other_tools_have_it() {
    let world = World::served(&[], 1000);
    let attr = NewAttr { mtime: Some(Timestamp(1_500_000_000_000_000_007)), ..NewAttr::with_mode(0o644) };
    world.layer.create(world.layer.root(), &name("f"), NewNode::File(b"x"), &attr).expect("made");
    let metadata = world.found("f").metadata;
    assert_eq!(metadata["mtime"], "1500000000.000000007");
    assert_eq!(metadata["mode"], "33188");
    assert_eq!((&*metadata["uid"], &*metadata["gid"]), ("1000", "1000"));
}

#[test]
fn what_somebody_else_wrote_is_not_overwritten() {
    for world in both("conflict", &["f"]) {
        let ino = world.ino("f");
        world.layer.open(ino).expect("there");
        world.layer.write(ino, 0, b"ours, and longer").expect("it waits");
        put(&world.beside, "f", "theirs");
        for _ in 0..2 {
            let error = world.layer.flush(ino).expect_err("it changed");
            assert_eq!(error.errno(), Errno::EBUSY);
            let why = std::error::Error::source(&error).expect("why").to_string();
            assert!(why.contains("nothing was overwritten"), "{why}");
        }
        assert_eq!(world.layer.read(ino, 0, 100).expect("kept"), "ours, and longer");
        world.layer.release(ino);
        let told = world.layer.unwritten();
        assert_eq!((told.len(), &*told[0].name, told[0].why.errno()), (1, "f", Errno::EBUSY));
        assert_eq!(world.there("f").as_deref(), Some("theirs"));
        world.wait();
        assert_eq!(world.read("f"), "theirs");
    }
}

#[test]
fn a_lost_write_is_told_by_fsync_of_everything() {
    let world = World::kept("lost-write", &["f"]);
    let ino = world.ino("f");
    world.layer.open(ino).expect("there");
    world.layer.write(ino, 0, b"ours").expect("it waits");
    world.beside.delete("f").expect("removed");
    world.layer.release(ino);
    assert_eq!(world.layer.fsync(None).expect_err("lost").errno(), Errno::EBUSY);
    world.layer.fsync(None).expect("told once");
    assert_eq!(world.there("f"), None);
}

#[test]
fn a_file_that_two_make_is_made_once() {
    for world in both("two-make", &[]) {
        let ino = world.make("f", NewNode::File(b"")).expect("made").ino;
        world.layer.open(ino).expect("there");
        world.layer.write(ino, 0, b"ours").expect("it waits");
        world.layer.flush(ino).expect("still as we made it");
        assert_eq!(world.there("f").as_deref(), Some("ours"));
        world.layer.release(ino);
        // Made by another since the folder was listed.
        put(&world.beside, "g", "theirs");
        let error = world.make("g", NewNode::File(b"ours")).expect_err("taken");
        assert_eq!(error.errno(), Errno::EEXIST);
        assert_eq!(world.there("g").as_deref(), Some("theirs"));
        assert_eq!(world.read("g"), "theirs", "and it is seen at once");
    }
}

#[test]
fn writes_into_a_large_object_fetch_what_they_need_only() {
    let size = 3 * PART_BYTES + 1234;
    let content: String = (0..size).map(|at| char::from(b'a' + (at / 7 % 26) as u8)).collect();
    for world in both("large", &[]) {
        put(&world.beside, "f", &content);
        world.wait();
        let ino = world.ino("f");
        world.layer.open(ino).expect("there");
        let asked = world.asked(|| {
            assert_eq!(world.layer.append(ino, b"the end").expect("appended"), size as u64);
            world.layer.write(ino, 10, b"MIDDLE").expect("written");
            assert_eq!(world.layer.read(ino, size as u64, 100).expect("read"), "the end");
            assert_eq!(world.layer.read(ino, 10, 6).expect("read"), "MIDDLE");
        });
        assert_eq!(asked, (0, 0, 0));
        let asked = world.asked(|| world.layer.flush(ino).expect("uploaded"));
        assert!(asked.0 <= 10, "{asked:?}");
        world.layer.release(ino);
        let mut expected = content.clone();
        expected.replace_range(10..16, "MIDDLE");
        expected.push_str("the end");
        assert!(world.there("f").as_deref() == Some(&*expected));
        assert!(world.read("f") == expected.as_bytes());
    }
}

#[test]
fn a_piece_of_what_somebody_replaced_is_not_made_one_with_the_new() {
    for world in both("piece", &[]) {
        put(&world.beside, "f", &"x".repeat(300_000));
        world.wait();
        let ino = world.ino("f");
        world.layer.open(ino).expect("there");
        world.layer.append(ino, b"more").expect("it waits");
        put(&world.beside, "f", &"y".repeat(300_000));
        assert_eq!(world.layer.flush(ino).expect_err("changed").errno(), Errno::EBUSY);
        world.layer.release(ino);
        assert_eq!(world.there("f"), Some("y".repeat(300_000)));
    }
}

#[test]
fn a_truncated_file_reads_zeros_where_it_grew_again() {
    for world in both("truncated", &["f"]) {
        put(&world.beside, "f", "0123456789");
        world.wait();
        let ino = world.ino("f");
        world.layer.open(ino).expect("there");
        world.layer.setattr(ino, &SetAttr::size(4)).expect("cut");
        world.layer.write(ino, 8, b"x").expect("written");
        assert_eq!(world.layer.read(ino, 0, 100).expect("read"), &b"0123\0\0\0\0x"[..]);
        world.layer.release(ino);
        assert_eq!(world.there("f").as_deref(), Some("0123\0\0\0\0x"));
    }
}

#[test]
fn a_folder_stays_when_the_last_object_of_it_goes() {
    for world in both("last", &["d/e/f", "d/g"]) {
        world.layer.unlink(world.ino("d/e"), &name("f")).expect("removed");
        world.wait();
        assert_eq!(world.list("d", 10), ["e", "g"]);
        world.layer.rmdir(world.ino("d"), &name("e")).expect("removed");
        world.layer.unlink(world.ino("d"), &name("g")).expect("removed");
        world.wait();
        assert!(world.list("d", 10).is_empty());
        world.layer.rmdir(world.layer.root(), &name("d")).expect("removed");
        world.wait();
        assert!(world.list("", 10).is_empty());
        assert!(world.beside.list("", None, 10).expect("listed").folders.is_empty());
    }
}

#[test]
fn a_rename_is_a_copy_a_look_and_a_removal() {
    for world in both("rename", &["f", "other"]) {
        let ino = world.ino("f");
        assert_eq!(world.asked(|| world.rename("f", "g").expect("moved")), (0, 0, 3));
        assert_eq!((world.there("f"), world.there("g").as_deref()), (None, Some("f")));
        assert_eq!(world.ino("g"), ino);
        world.wait();
        assert_eq!(world.ino("g"), ino);
        assert_eq!(world.list("", 10), ["g", "other"]);
    }
}

#[test]
fn a_directory_is_moved_whole_and_its_files_keep_their_numbers() {
    let keys: Vec<String> = (0..30).map(|n| format!("d/{}/{n:02}", n % 3)).collect();
    let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    keys.push("d/empty/");
    for world in both("move-dir", &keys) {
        let numbers = [world.ino("d"), world.ino("d/1/01"), world.ino("d/empty")];
        world.rename("d", "e").expect("moved");
        for _ in 0..2 {
            assert_eq!(numbers, [world.ino("e"), world.ino("e/1/01"), world.ino("e/empty")]);
            assert_eq!(world.list("", 10), ["e"]);
            assert_eq!(world.list("e", 10), ["0", "1", "2", "empty"]);
            assert_eq!(world.list("e/2", 3).len(), 10);
            world.wait();
        }
        assert_eq!(world.read("e/1/01"), "d/1/01");
        let mut left = 0;
        let count = |_| {
            left += 1;
            Ok(())
        };
        world.beside.list_all("d", count).expect("listed");
        assert_eq!(left, 0);
    }
}

#[test]
fn a_move_that_was_interrupted_goes_on_when_it_is_repeated() {
    for world in both("resume", &["d/a", "d/b", "d/c"]) {
        // As it is after a crash in between: some copied, nothing removed yet.
        world.layer.bucket().put_moving("d", "e").expect("marked");
        put(&world.beside, "e/a", "d/a");
        world.wait();
        world.rename("d", "other").expect("moved");
        world.rename("other", "d").expect("and back");
        world.layer.bucket().put_moving("d", "e").expect("marked");
        world.wait();
        world.rename("d", "e").expect("goes on");
        world.wait();
        assert_eq!(world.list("e", 10), ["a", "b", "c"]);
        // What is not the same move is what it always was.
        put(&world.beside, "d/new", "x");
        world.wait();
        assert_eq!(world.rename("d", "e").expect_err("not empty").errno(), Errno::ENOTEMPTY);
    }
}

#[test]
fn an_open_file_that_is_removed_is_still_read() {
    for world in both("held", &["f"]) {
        let ino = world.ino("f");
        world.layer.open(ino).expect("there");
        world.layer.unlink(world.layer.root(), &name("f")).expect("removed");
        assert_eq!(world.there("f"), None);
        assert_eq!(world.layer.read(ino, 0, 10).expect("held"), "f");
        world.layer.write(ino, 1, b"!").expect("nobody will see it");
        world.layer.release(ino);
        assert_eq!(world.there("f"), None);
        assert_eq!(world.layer.getattr(ino).expect_err("gone").errno(), Errno::ESTALE);
    }
}

#[test]
fn a_layer_that_only_reads_changes_nothing() {
    let world = World::kept("read-only", &["f"]);
    let options = ObjectOptions { read_only: true, ..world.options.clone() };
    let layer = ObjectLayer::open(met(None, "read-only"), options).expect("it opens");
    let world = World { layer, ..world };
    let ino = world.ino("f");
    assert_eq!(world.layer.write(ino, 0, b"x").expect_err("refused").errno(), Errno::EROFS);
    assert_eq!(world.make("g", NewNode::File(b"")).expect_err("refused").errno(), Errno::EROFS);
    assert_eq!(world.rename("f", "g").expect_err("refused").errno(), Errno::EROFS);
    assert_eq!(world.layer.setattr(ino, &SetAttr::size(0)).expect_err("refused").errno(), Errno::EROFS);
    assert!(!world.layer.features().writable);
}

#[test]
fn what_waits_is_uploaded_when_the_layer_goes() {
    let world = World::kept("goes", &["f"]);
    let ino = world.ino("f");
    world.layer.open(ino).expect("there");
    world.layer.write(ino, 0, b"later").expect("it waits");
    drop(world.layer);
    assert_eq!(world.beside.get("f", None, None).expect("there"), "later");
}

#[test]
fn a_folder_of_the_host_is_written_as_a_bucket_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("file://{}/in it", folder.path().display());
    let bucket = Bucket::open(&address.parse().expect("an address"), how()).expect("it opens");
    let layer = Arc::new(ObjectLayer::open(bucket, ObjectOptions::default()).expect("it opens"));
    let vfs = Vfs::new(layer, VfsOptions::default());
    vfs.mkdir_all("/d/empty", 0o755).expect("made");
    vfs.write("/d/f", b"content").expect("written");
    vfs.append("/d/f", b" and more").expect("appended");
    vfs.rename("/d", "/e", RenameMode::Replace).expect("moved");
    assert_eq!(vfs.read("/e/f").expect("there"), "content and more");
    assert!(!vfs.exists("/d") && vfs.exists("/e/empty"));
    vfs.unlink("/e/f").expect("removed");
    assert!(vfs.exists("/e"));
    vfs.rmdir("/e/empty").expect("removed");
    vfs.rmdir("/e").expect("removed");
    assert_eq!(std::fs::read_dir(folder.path().join("in it")).expect("there").count(), 0);
}
