//! Open files.

use std::io::SeekFrom;

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{OpenOptions, SetTime, Vfs};
use crate::node::{Allocate, SeekTo};

const R: Needs = Needs::READS;
const W: Needs = Needs::WRITES;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("reading_moves_the_cursor", R, tree, reading_moves_the_cursor),
    vfs_case("positional_reading_leaves_the_cursor", R, tree, positional_reading_leaves_the_cursor),
    vfs_case("writing_moves_the_cursor", W, tree, writing_moves_the_cursor),
    vfs_case("positional_writing_leaves_the_cursor", W, tree, positional_writing_leaves_the_cursor),
    vfs_case("appending_goes_to_the_end_always", W, tree, appending_goes_to_the_end_always),
    vfs_case("reading_without_leave_is_ebadf", W, tree, reading_without_leave_is_ebadf),
    vfs_case("writing_without_leave_is_ebadf", R, tree, writing_without_leave_is_ebadf),
    vfs_case("truncating_without_leave_is_einval", R, tree, truncating_without_leave_is_einval),
    vfs_case("truncating_leaves_the_cursor", W, tree, truncating_leaves_the_cursor),
    vfs_case("seeking", R, tree, seeking),
    vfs_case("seeking_before_the_start_is_einval", R, tree, seeking_before_the_start_is_einval),
    vfs_case("seeking_past_the_end_then_writing_leaves_zeros", W, tree, seeking_past_the_end),
    vfs_case("holes_are_found", W.and(Needs::SPARSE), tree, holes_are_found),
    vfs_case("outlives_unlink", W, tree, outlives_unlink),
    vfs_case("outlives_rename", W, tree, outlives_rename),
    vfs_case("dropping_lets_go", W, tree, dropping_lets_go),
    vfs_case("two_handles_have_two_cursors", R, tree, two_handles_have_two_cursors),
    vfs_case("attributes_through_a_handle", W.and(Needs::OWNERSHIP), tree, attributes_through_a_handle),
    vfs_case("works_as_a_standard_reader_and_writer", W, tree, works_as_a_standard_reader_and_writer),
    vfs_case("can_be_shared_between_threads", W, tree, can_be_shared_between_threads),
];

fn tree(vfs: &Vfs) {
    vfs.write("/f", b"0123456789").unwrap();
}

fn read(file: &crate::File, len: usize) -> Vec<u8> {
    let mut buffer = vec![0; len];
    let read = file.read(&mut buffer).unwrap();
    buffer.truncate(read);
    buffer
}

fn reading_moves_the_cursor(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    assert_eq!(read(&file, 4), b"0123");
    assert_eq!(read(&file, 4), b"4567");
    assert_eq!(read(&file, 4), b"89");
    assert_eq!(read(&file, 4), b"");
}

fn positional_reading_leaves_the_cursor(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    assert_eq!(file.read_bytes_at(7, 10).unwrap(), &b"789"[..]);
    assert_eq!(file.read_bytes_at(70, 10).unwrap(), &b""[..]);
    assert_eq!(read(&file, 2), b"01");
}

fn writing_moves_the_cursor(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    file.write(b"ab").unwrap();
    file.write(b"cd").unwrap();
    assert_eq!(read(&file, 2), b"45");
    assert_eq!(vfs.read("/f").unwrap(), &b"abcd456789"[..]);
}

fn positional_writing_leaves_the_cursor(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    assert_eq!(file.write_at(b"xy", 5).unwrap(), 2);
    assert_eq!(read(&file, 10), b"01234xy789");
}

fn appending_goes_to_the_end_always(vfs: &Vfs) {
    let first = vfs.open("/f", OpenOptions::append()).unwrap();
    let second = vfs.open("/f", OpenOptions::append()).unwrap();
    first.write(b"a").unwrap();
    second.write(b"b").unwrap();
    first.write(b"c").unwrap();
    first.write_at(b"d", 0).unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"0123456789abcd"[..]);
}

fn reading_without_leave_is_ebadf(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions { write: true, ..OpenOptions::default() }).unwrap();
    refused(file.read(&mut [0; 1]), Errno::EBADF);
    refused(file.read_bytes_at(0, 1), Errno::EBADF);
}

fn writing_without_leave_is_ebadf(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    refused(file.write(b"x"), Errno::EBADF);
    refused(file.write_at(b"x", 0), Errno::EBADF);
    refused(file.allocate(Allocate::Reserve, 0, 1), Errno::EBADF);
}

fn truncating_without_leave_is_einval(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    refused(file.truncate(0), Errno::EINVAL);
}

fn truncating_leaves_the_cursor(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    read(&file, 4);
    file.truncate(2).unwrap();
    assert_eq!(read(&file, 4), b"");
    file.write(b"x").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"01\0\0x"[..]);
}

fn seeking(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    assert_eq!(file.seek(SeekFrom::Start(3)).unwrap(), 3);
    assert_eq!(read(&file, 2), b"34");
    assert_eq!(file.seek(SeekFrom::Current(-4)).unwrap(), 1);
    assert_eq!(file.seek(SeekFrom::End(-1)).unwrap(), 9);
    assert_eq!(read(&file, 2), b"9");
    assert_eq!(file.seek(SeekFrom::End(5)).unwrap(), 15);
    assert_eq!(read(&file, 2), b"");
}

fn seeking_before_the_start_is_einval(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    read(&file, 2);
    refused(file.seek(SeekFrom::Current(-3)), Errno::EINVAL);
    refused(file.seek(SeekFrom::End(-11)), Errno::EINVAL);
    refused(file.seek(SeekFrom::Start(u64::MAX)), Errno::EINVAL);
    assert_eq!(read(&file, 1), b"2");
}

fn seeking_past_the_end(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    file.seek(SeekFrom::End(2)).unwrap();
    assert_eq!(vfs.stat("/f").unwrap().size, 10);
    file.write(b"x").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"0123456789\0\0x"[..]);
}

fn holes_are_found(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    file.write_at(b"far", 1 << 20).unwrap();
    let data = file.find(1 << 19, SeekTo::Data).unwrap();
    assert!(data > 1 << 19 && data <= 1 << 20);
    refused(file.find(1 << 21, SeekTo::Data), Errno::ENXIO);
}

fn outlives_unlink(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    vfs.unlink("/f").unwrap();
    assert!(!vfs.exists("/f"));
    file.write_at(b"X", 0).unwrap();
    assert_eq!(file.read_all().unwrap(), &b"X123456789"[..]);
    assert_eq!(file.stat().unwrap().nlink, 0);
}

fn outlives_rename(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    vfs.rename("/f", "/g", crate::RenameMode::Replace).unwrap();
    vfs.write("/f", b"another").unwrap();
    file.write(b"X").unwrap();
    assert_eq!(vfs.read("/g").unwrap(), &b"X123456789"[..]);
    assert_eq!(vfs.read("/f").unwrap(), &b"another"[..]);
}

fn dropping_lets_go(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    let ino = file.stat().unwrap().ino;
    let layer = vfs.locate("/", crate::Follow::Yes).unwrap().layer;
    vfs.unlink("/f").unwrap();
    assert!(layer.getattr(ino).is_ok());
    drop(file);
    crate::conformance::kit::fails(layer.getattr(ino), Errno::ESTALE);
}

fn two_handles_have_two_cursors(vfs: &Vfs) {
    let first = vfs.open("/f", OpenOptions::read()).unwrap();
    let second = vfs.open("/f", OpenOptions::read()).unwrap();
    assert_eq!(read(&first, 3), b"012");
    assert_eq!(read(&second, 3), b"012");
}

fn attributes_through_a_handle(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    file.chmod(0o600).unwrap();
    file.chown(Some(3), Some(4)).unwrap();
    let time = crate::Timestamp(5_000_000_000);
    file.utimes(SetTime::Keep, SetTime::At(time)).unwrap();
    let stat = vfs.stat("/f").unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid, stat.mtime), (0o600, 3, 4, time));
    assert_eq!(file.stat().unwrap(), stat);
}

fn works_as_a_standard_reader_and_writer(vfs: &Vfs) {
    use std::io::{Read, Seek, Write};
    let mut file = vfs.open("/f", OpenOptions::update()).unwrap();
    let mut text = String::new();
    Read::read_to_string(&mut file, &mut text).unwrap();
    assert_eq!(text, "0123456789");
    Seek::rewind(&mut file).unwrap();
    Write::write_all(&mut file, b"ab").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"ab23456789"[..]);
}

fn can_be_shared_between_threads(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::write()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| file.write_all(b"abc").unwrap()));
        }
    });
    assert_eq!(vfs.read("/f").unwrap(), "abc".repeat(40).as_bytes());
}
