//! What is remembered of reads is never older than what was committed.

use super::*;

/// Reads everything twice, so that the second answer is remembered.
fn look(layer: &dyn Layer, path: &str) -> (Vec<u8>, u32) {
    read(layer, path);
    (read(layer, path), layer.getattr(ino(layer, path)).unwrap().mode)
}

#[test]
fn what_another_handle_writes_is_read() {
    let f = Fixture::new();
    f.put("/x", b"one");
    let other = f.other();
    for round in 0..5u8 {
        let before = look(&other, "/x");
        f.put("/x", &[round; 3]);
        f.layer.setattr(f.ino("/x"), &SetAttr::mode(0o600 + u32::from(round))).unwrap();
        assert_eq!(look(&other, "/x"), (vec![round; 3], 0o600 + u32::from(round)), "{before:?}");
    }
    f.rename("/x", "/y");
    assert_eq!(other.lookup(ROOT_INO, &name("x")).unwrap_err(), Errno::ENOENT);
    let x = ino(&other, "/y");
    f.unlink("/y");
    assert_eq!(other.getattr(x).unwrap_err(), Errno::ESTALE);
    assert_eq!(other.read(x, 0, 1).unwrap_err(), Errno::ESTALE);
}

#[test]
fn what_a_batch_undoes_is_not_remembered() {
    let f = Fixture::new();
    f.put("/x", b"one");
    let x = f.ino("/x");
    assert_eq!(look(&f.layer, "/x").0, b"one");
    let undone = f.layer.batch(&mut |layer| {
        layer.write(x, 0, b"two")?;
        assert_eq!(look(layer, "/x").0, b"two");
        Err(Errno::EIO.into())
    });
    assert_eq!(undone.unwrap_err(), Errno::EIO);
    assert_eq!(look(&f.layer, "/x").0, b"one");
}

#[test]
fn a_sealed_revision_is_remembered_as_it_was() {
    let f = Fixture::new();
    f.put("/x", b"one");
    let then = f.at(f.seal());
    assert_eq!(look(&*then, "/x").0, b"one");
    f.put("/x", b"two");
    assert_eq!((look(&*then, "/x").0, look(&f.layer, "/x").0), (b"one".to_vec(), b"two".to_vec()));
}

#[test]
fn more_than_there_is_room_for_is_read_all_the_same() {
    let f = Fixture::new();
    let dir = f.mkdir("/d").ino;
    let label = |i: u32| name(&format!("{i}"));
    f.layer
        .batch(&mut |layer| {
            for i in 0..20_000u32 {
                layer.create(dir, &label(i), NewNode::File(&i.to_le_bytes()), &NewAttr::with_mode(0o644))?;
            }
            Ok(())
        })
        .unwrap();
    for i in (0..20_000u32).chain(0..20_000) {
        let stat = f.layer.lookup(dir, &label(i)).unwrap();
        assert_eq!(f.layer.read(stat.ino, 0, 4).unwrap()[..], i.to_le_bytes());
    }
}
