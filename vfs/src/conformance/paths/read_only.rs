//! Paths in a layer that cannot be written.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{CopyTree, OpenOptions, Overwrite, Vfs};
use crate::node::RenameMode;

const R: Needs = Needs::READ_ONLY;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("changes_are_erofs", R, tree, changes_are_erofs),
    vfs_case("opening_for_writing_is_erofs", R, tree, opening_for_writing_is_erofs),
    vfs_case("opening_for_reading_with_create_is_fine", R, tree, opening_for_reading_with_create_is_fine),
    vfs_case("reading_moves_no_access_time", R, tree, reading_moves_no_access_time),
    vfs_case("copies_are_erofs", R, tree, copies_are_erofs),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.write("/f", b"content").unwrap();
}

fn changes_are_erofs(vfs: &Vfs) {
    refused(vfs.mkdir("/new", 0o777), Errno::EROFS);
    refused(vfs.rmdir("/d"), Errno::EROFS);
    refused(vfs.unlink("/f"), Errno::EROFS);
    refused(vfs.rename("/f", "/g", RenameMode::Replace), Errno::EROFS);
    refused(vfs.remove_all("/d"), Errno::EROFS);
    refused(vfs.truncate("/f", 0), Errno::EROFS);
    refused(vfs.chmod("/f", 0), Errno::EROFS);
    refused(vfs.mkdir("/d", 0o777), Errno::EEXIST);
}

fn opening_for_writing_is_erofs(vfs: &Vfs) {
    for options in [OpenOptions::write(), OpenOptions::update(), OpenOptions::append()] {
        refused(vfs.open("/f", options), Errno::EROFS);
    }
    refused(vfs.write("/new", b""), Errno::EROFS);
    refused(vfs.open("/nothing", OpenOptions::update()), Errno::ENOENT);
}

fn opening_for_reading_with_create_is_fine(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions { create: true, ..OpenOptions::read() }).unwrap();
    assert_eq!(file.read_all().unwrap(), &b"content"[..]);
}

fn reading_moves_no_access_time(vfs: &Vfs) {
    let before = vfs.stat("/f").unwrap();
    vfs.read("/f").unwrap();
    vfs.read_dir("/d").unwrap();
    assert_eq!(vfs.stat("/f").unwrap(), before);
}

fn copies_are_erofs(vfs: &Vfs) {
    refused(vfs.copy("/f", "/g", Overwrite::Replace), Errno::EROFS);
    refused(vfs.copy_tree("/d", "/e", CopyTree::default()), Errno::EROFS);
}
