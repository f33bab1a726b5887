//! The whole tree, as the kernel shows it to root in its own root directory.

use std::collections::BTreeMap;

use cowry_vfs::FileType;
use rustix::fs::{self as sys, AtFlags, CWD, Dir, Mode, OFlags, Stat};
use rustix::io;

use super::call;
use crate::differ::subject::{Facts, Leaf, Tree, When};

pub(super) fn facts(stat: &Stat) -> Facts {
    let kind = FileType::from_mode_bits(stat.st_mode).expect("the kernel knows no other kinds");
    Facts {
        kind,
        mode: stat.st_mode & 0o7777,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: stat.st_rdev,
        size: if kind == FileType::Directory { 0 } else { stat.st_size as u64 },
        mtime: When::of(call::timestamp(stat.st_mtime, stat.st_mtime_nsec)),
    }
}

/// The names in a directory, in order.
pub(super) fn names(path: &str) -> io::Result<Vec<String>> {
    let fd = sys::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::new(fd)? {
        let name = entry?.file_name().to_str().expect("lists make names of UTF-8").to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The names of extended attributes in `user.`, in order.
pub(super) fn xattr_names(path: &str) -> io::Result<Vec<String>> {
    let mut list = vec![0; 1 << 16];
    let len = sys::listxattr(path, &mut list)?;
    let names = list[..len].split(|byte| *byte == 0).map(|name| String::from_utf8_lossy(name).into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("user.")).collect();
    names.sort();
    Ok(names)
}

/// All paths, each directory before what it holds, the root first.
pub(super) fn paths() -> Vec<String> {
    let mut paths = vec!["/".to_owned()];
    let mut at = 0;
    while at < paths.len() {
        let stat = sys::lstat(&*paths[at]).expect("it was listed");
        if FileType::from_mode_bits(stat.st_mode) == Some(FileType::Directory) {
            let below = paths[at].trim_end_matches('/').to_owned();
            let listed = names(&paths[at]).expect("root may list everything");
            paths.extend(listed.into_iter().map(|name| format!("{below}/{name}")));
        }
        at += 1;
    }
    paths.sort_by(|a, b| a.split('/').cmp(b.split('/')));
    paths
}

pub(super) fn whole() -> Tree {
    let mut seen = BTreeMap::new();
    paths().into_iter().map(|path| (path.clone(), leaf(&path, &mut seen))).collect()
}

fn leaf(path: &str, seen: &mut BTreeMap<u64, String>) -> Leaf {
    let stat = sys::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).expect("it was listed");
    let facts = facts(&stat);
    let content = match facts.kind {
        FileType::Regular => {
            let fd = sys::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).expect("root may read");
            call::read(&fd, 0, facts.size as usize).expect("root may read")
        }
        FileType::Symlink => sys::readlink(path, Vec::new()).expect("it is a link").into_bytes(),
        _ => Vec::new(),
    };
    let mut xattrs = BTreeMap::new();
    if matches!(facts.kind, FileType::Regular | FileType::Directory) {
        for name in xattr_names(path).unwrap_or_default() {
            let mut value = vec![0; 4096];
            let len = sys::getxattr(path, &*name, &mut value).expect("it was listed");
            value.truncate(len);
            xattrs.insert(name, value);
        }
    }
    let first = seen.entry(stat.st_ino).or_insert_with(|| path.to_owned()).clone();
    Leaf { facts, content, xattrs, first }
}
