//! Attributes that are kept with objects.

use super::*;
use crate::errno::Errno;
use crate::node::{NewAttr, NewNode, SetAttr};

const NOW: Timestamp = Timestamp(1_500_000_000_000_000_007);

/// An object with metadata, written by somebody else.
fn put_with(world: &World, key: &str, metadata: &[(&str, &str)]) {
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    world.beside.put(key, Bytes::from_static(b"x"), &Expect::Anything, &metadata).expect("put");
}

fn make(world: &World, text: &str, mode: u32) -> Stat {
    let attr = NewAttr { mode, uid: 7, gid: 8, mtime: Some(NOW) };
    world.layer.create(world.layer.root(), &name(text), NewNode::File(b"text"), &attr).expect("made")
}

/// Another layer over the same bucket, which knows nothing yet.
fn again(world: World) -> World {
    let met = match world.server.as_ref() {
        Some(server) => met(Some(server), "some/prefix"),
        None => world.beside.clone(),
    };
    let layer = ObjectLayer::open(met, world.options.clone()).expect("it opens");
    World { layer, ..world }
}

#[test]
fn what_was_kept_is_shown_to_who_asks_for_it() {
    for world in [World::kept("kept-shown", &[]), World::served(&[], 1000)] {
        make(&world, "f", 0o4640);
        let world = again(world);
        let listed = world.ino("f");
        let asked = world.asked(|| {
            let stat = world.layer.getattr(listed).expect("there");
            assert_eq!((stat.mode, stat.uid, stat.gid, stat.mtime), (0o640, 7, 8, NOW));
            assert_eq!((stat.ino, stat.size), (listed, 4));
        });
        assert_eq!(asked, (0, 0, 1));
        assert_eq!(world.asked(|| world.layer.getattr(listed).expect("there")), (0, 0, 0), "once");
        assert_eq!(world.look("f").expect("there").mtime, NOW, "what is known is told by name as well");
    }
}

#[test]
fn a_read_tells_it_along() {
    let world = World::served(&[], 1000);
    make(&world, "f", 0o600);
    let world = again(world);
    assert_eq!(world.read("f"), "text");
    let asked = world.asked(|| assert_eq!(world.layer.getattr(world.ino("f")).expect("there").mode, 0o600));
    assert_eq!(asked, (0, 0, 0));
}

#[test]
fn what_makes_no_sense_is_not_taken_over() {
    let world = World::served(&[], 1000);
    let odd = [("mode", "41471"), ("uid", "-1"), ("gid", "99999999999"), ("mtime", "tomorrow")];
    put_with(&world, "f", &odd);
    world.wait();
    let listed = world.look("f").expect("there");
    assert_eq!(world.layer.getattr(listed.ino).expect("there"), listed);
}

#[test]
fn who_goes_through_a_folder_has_the_next_ones_asked_for_along() {
    let keys: Vec<String> = (0..60).map(|n| format!("d/{n:02}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let world = World::served(&keys, 1000);
    assert_eq!(world.list("d", 1000).len(), 60);
    let look = |n: usize| world.layer.getattr(world.ino(&format!("d/{n:02}"))).expect("there");
    assert_eq!(world.asked(|| (0..3).for_each(|n| _ = look(n))), (0, 0, 3));
    assert_eq!(world.asked(|| look(3)), (0, 0, 32));
    assert_eq!(world.asked(|| (4..35).for_each(|n| _ = look(n))), (0, 0, 0));
    assert_eq!(world.asked(|| (35..60).for_each(|n| _ = look(n))), (0, 0, 25), "each once");
    world.wait();
    let apart = again(world);
    let look = |n: usize| apart.layer.getattr(apart.ino(&format!("d/{n:02}"))).expect("there");
    assert_eq!(apart.list("d", 1000).len(), 60);
    assert_eq!(apart.asked(|| (0..60).step_by(2).for_each(|n| _ = look(n))), (0, 0, 30), "those alone");
}

#[test]
fn what_replaces_an_object_has_its_mode() {
    let world = World::served(&[], 1000);
    put_with(&world, "f", &[("mode", "33152"), ("uid", "7"), ("mtime", "5")]);
    world.wait();
    let ino = world.ino("f");
    assert_eq!(world.asked(|| world.layer.write(ino, 0, b"new").expect("written")).1, 1);
    let found = world.beside.head("f").expect("asked").expect("there");
    assert_eq!((found.size, &*found.metadata["mode"], &*found.metadata["uid"]), (3, "33152", "7"));
    assert_ne!(found.metadata["mtime"], "5", "it was written now");
}

#[test]
fn what_waits_for_its_upload_can_be_given_a_mode() {
    let world = World::kept("kept-mode", &[]);
    let ino = make(&world, "f", 0o644).ino;
    let chmod = |mode| world.layer.setattr(ino, &SetAttr::mode(mode));
    assert_eq!(chmod(0o600).expect_err("it is there").errno(), Errno::EOPNOTSUPP);
    world.layer.open(ino).expect("there");
    world.layer.write(ino, 0, b"more text").expect("written");
    assert_eq!(chmod(0o4755).expect_err("not kept").errno(), Errno::EOPNOTSUPP);
    assert_eq!(chmod(0o600).expect("it waits").mode, 0o600);
    let time = SetAttr { mtime: Some(NOW), ..SetAttr::default() };
    world.layer.setattr(ino, &time).expect("it waits");
    world.layer.flush(ino).expect("uploaded");
    world.layer.release(ino);
    let world = again(world);
    let stat = world.layer.getattr(world.ino("f")).expect("there");
    assert_eq!((stat.mode, stat.mtime, stat.size), (0o600, NOW, 9));
}

#[test]
fn nobody_is_asked_where_that_is_turned_off() {
    let world = World::served(&[], 1000);
    make(&world, "f", 0o600);
    let options = ObjectOptions { metadata: false, ..world.options.clone() };
    let world = again(World { options, ..world });
    let asked = world.asked(|| {
        assert_eq!(world.layer.getattr(world.ino("f")).expect("there").mode, 0o644);
    });
    assert_eq!(asked, (0, 0, 0));
}
