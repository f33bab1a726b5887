//! What errors say: Node's words, the operation, the path as it was written.

use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{OpenOptions, Vfs};
use crate::node::RenameMode;

const R: Needs = Needs::READS;
const W: Needs = Needs::WRITES;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("looking", R, tree, looking),
    vfs_case("changing", W, tree, changing),
    vfs_case("two_paths", W, tree, two_paths),
    vfs_case("handles_name_no_path", R, tree, handles_name_no_path),
    vfs_case("parts_are_there_to_branch_on", W, tree, parts_are_there_to_branch_on),
    vfs_case("paths_are_shown_as_written", R, tree, paths_are_shown_as_written),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/d/e", 0o777).unwrap();
    vfs.write("/f", b"content").unwrap();
}

#[track_caller]
fn says<T: std::fmt::Debug>(result: crate::Result<T>, expected: &str) {
    assert_eq!(result.unwrap_err().to_string(), expected);
}

fn looking(vfs: &Vfs) {
    says(vfs.read("/no"), "ENOENT: no such file or directory, open '/no'");
    says(vfs.stat("/no"), "ENOENT: no such file or directory, stat '/no'");
    says(vfs.lstat("/no"), "ENOENT: no such file or directory, lstat '/no'");
    says(vfs.read_dir("/f"), "ENOTDIR: not a directory, scandir '/f'");
    says(vfs.readlink("/f"), "EINVAL: invalid argument, readlink '/f'");
    says(vfs.realpath("/no"), "ENOENT: no such file or directory, realpath '/no'");
    says(vfs.access("/no", crate::Access::EXISTS), "ENOENT: no such file or directory, access '/no'");
    says(vfs.with_cwd("/f"), "ENOTDIR: not a directory, chdir '/f'");
}

fn changing(vfs: &Vfs) {
    says(vfs.mkdir("/d", 0o777), "EEXIST: file already exists, mkdir '/d'");
    says(vfs.rmdir("/d"), "ENOTEMPTY: directory not empty, rmdir '/d'");
    says(vfs.unlink("/d"), "EISDIR: illegal operation on a directory, unlink '/d'");
    says(vfs.write("/d", b""), "EISDIR: illegal operation on a directory, open '/d'");
    says(vfs.chmod("/no", 0), "ENOENT: no such file or directory, chmod '/no'");
    says(vfs.truncate("/no", 0), "ENOENT: no such file or directory, truncate '/no'");
    says(vfs.mkdtemp("/no/x", &mut || 0), "ENOENT: no such file or directory, mkdtemp '/no/xXXXXXX'");
}

fn two_paths(vfs: &Vfs) {
    says(
        vfs.rename("/no", "/x", RenameMode::Replace),
        "ENOENT: no such file or directory, rename '/no' -> '/x'",
    );
    says(vfs.symlink("t", "/f"), "EEXIST: file already exists, symlink 't' -> '/f'");
    says(
        vfs.copy("/no", "/x", crate::Overwrite::Fail),
        "ENOENT: no such file or directory, copyfile '/no' -> '/x'",
    );
}

fn handles_name_no_path(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::read()).unwrap();
    says(file.write(b"x"), "EBADF: bad file descriptor, write");
    says(file.truncate(0), "EINVAL: invalid argument, ftruncate");
    says(vfs.read("/d"), "EISDIR: illegal operation on a directory, read");
    assert_eq!(file.path(), "/f");
}

fn parts_are_there_to_branch_on(vfs: &Vfs) {
    let error = vfs.rename("/no", "/x", RenameMode::Replace).unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
    assert_eq!((error.op(), error.path(), error.dest()), ("rename", Some("/no"), Some("/x")));
    let error = std::io::Error::from(vfs.stat("/no").unwrap_err());
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

fn paths_are_shown_as_written(vfs: &Vfs) {
    let there = vfs.with_cwd("/d").unwrap();
    says(there.stat("../d//no"), "ENOENT: no such file or directory, stat '../d//no'");
}
