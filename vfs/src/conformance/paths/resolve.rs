//! Path resolution.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, no_files, vfs_case};
use crate::errno::Errno;
use crate::fs::Vfs;

const R: Needs = Needs::READS;
const L: Needs = Needs::READS.and(Needs::SYMLINKS);
const W: Needs = Needs::WRITES.and(Needs::SYMLINKS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("empty_path_is_enoent", R, no_files, empty_path_is_enoent),
    vfs_case("nul_is_einval", R, no_files, nul_is_einval),
    vfs_case("dots_and_slashes", R, tree, dots_and_slashes),
    vfs_case("dotdot_of_the_root_is_the_root", R, tree, dotdot_of_the_root_is_the_root),
    vfs_case("dotdot_needs_a_directory", R, tree, dotdot_needs_a_directory),
    vfs_case("dotdot_of_what_is_missing_is_enoent", R, tree, dotdot_of_what_is_missing_is_enoent),
    vfs_case("dot_needs_a_directory", R, tree, dot_needs_a_directory),
    vfs_case("trailing_slash_demands_a_directory", R, tree, trailing_slash_demands_a_directory),
    vfs_case("file_on_the_way_is_enotdir", R, tree, file_on_the_way_is_enotdir),
    vfs_case("missing_on_the_way_is_enoent", R, tree, missing_on_the_way_is_enoent),
    vfs_case("name_of_256_bytes_is_enametoolong", R, tree, name_of_256_bytes_is_enametoolong),
    vfs_case("path_past_4096_bytes_is_enametoolong", R, tree, path_past_4096_bytes_is_enametoolong),
    vfs_case("relative_to_the_working_directory", R, tree, relative_to_the_working_directory),
    vfs_case("working_directory_must_be_one", R, tree, working_directory_must_be_one),
    vfs_case("working_directory_is_free_of_links", L, links, working_directory_is_free_of_links),
    vfs_case("working_directory_belongs_to_a_clone", R, tree, working_directory_belongs_to_a_clone),
    vfs_case("link_is_resolved_where_it_stands", L, links, link_is_resolved_where_it_stands),
    vfs_case("absolute_link_starts_at_the_root", L, links, absolute_link_starts_at_the_root),
    vfs_case("dotdot_after_a_link_is_of_its_target", L, links, dotdot_after_a_link_is_of_its_target),
    vfs_case("lstat_is_of_the_link", L, links, lstat_is_of_the_link),
    vfs_case("lstat_with_a_slash_is_of_the_target", L, links, lstat_with_a_slash_is_of_the_target),
    vfs_case("slash_after_a_link_to_a_file_is_enotdir", L, links, slash_after_a_link_to_a_file),
    vfs_case("slash_in_a_target_demands_a_directory", L, links, slash_in_a_target_demands_a_directory),
    vfs_case("dangling_link_is_enoent", L, links, dangling_link_is_enoent),
    vfs_case("link_to_itself_is_eloop", L, links, link_to_itself_is_eloop),
    vfs_case("links_to_each_other_are_eloop", L, links, links_to_each_other_are_eloop),
    vfs_case("forty_links_are_followed", L, forty, forty_links_are_followed),
    vfs_case("forty_one_links_are_eloop", L, forty, forty_one_links_are_eloop),
    vfs_case("links_on_the_way_count", L, forty, links_on_the_way_count),
    vfs_case("realpath_is_free_of_links_and_dots", L, links, realpath_is_free_of_links_and_dots),
    vfs_case("realpath_of_nothing_is_enoent", R, tree, realpath_of_nothing_is_enoent),
    vfs_case("renamed_target_leaves_the_link_dangling", W, links, renamed_target),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/a/b", 0o777).unwrap();
    vfs.write("/a/b/f", b"deep").unwrap();
    vfs.write("/f", b"top").unwrap();
}

fn links(vfs: &Vfs) {
    tree(vfs);
    vfs.mkdir("/x", 0o777).unwrap();
    for (target, path) in [
        ("../a/b", "/x/rel"),
        ("/a/b", "/x/abs"),
        ("f", "/to-file"),
        ("f/", "/to-file-slash"),
        ("a/b/", "/to-dir-slash"),
        ("nowhere", "/dangling"),
        ("self", "/self"),
        ("pong", "/ping"),
        ("ping", "/pong"),
    ] {
        vfs.symlink(target, path).unwrap();
    }
}

/// `/l0` is a file, each `/lN` a link to the one before.
fn forty(vfs: &Vfs) {
    vfs.write("/l0", b"end").unwrap();
    for number in 1..=41 {
        vfs.symlink(&format!("l{}", number - 1), &format!("/l{number}")).unwrap();
    }
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.symlink(".", "/d/here").unwrap();
}

fn text(vfs: &Vfs, path: &str) -> String {
    vfs.read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
}

fn empty_path_is_enoent(vfs: &Vfs) {
    refused(vfs.stat(""), Errno::ENOENT);
    refused(vfs.lstat(""), Errno::ENOENT);
    refused(vfs.mkdir("", 0o777), Errno::ENOENT);
    refused(vfs.read_dir(""), Errno::ENOENT);
    refused(vfs.remove_all(""), Errno::ENOENT);
}

fn nul_is_einval(vfs: &Vfs) {
    refused(vfs.stat("/a\0b"), Errno::EINVAL);
}

fn dots_and_slashes(vfs: &Vfs) {
    for path in ["/a/b/f", "//a///b//f", "/./a/./b/./f", "/a/../a/b/../b/f", "/a/b/../../a/b/f", "a/b/f"] {
        assert_eq!(text(vfs, path), "deep");
    }
}

fn dotdot_of_the_root_is_the_root(vfs: &Vfs) {
    assert_eq!(text(vfs, "/../../f"), "top");
    assert_eq!(text(vfs, "../f"), "top");
}

fn dotdot_needs_a_directory(vfs: &Vfs) {
    refused(vfs.stat("/f/.."), Errno::ENOTDIR);
    refused(vfs.stat("/f/../f"), Errno::ENOTDIR);
    refused(vfs.stat("/a/b/f/../f"), Errno::ENOTDIR);
}

fn dotdot_of_what_is_missing_is_enoent(vfs: &Vfs) {
    refused(vfs.stat("/nothing/../f"), Errno::ENOENT);
}

fn dot_needs_a_directory(vfs: &Vfs) {
    refused(vfs.stat("/f/."), Errno::ENOTDIR);
    assert!(vfs.stat("/a/.").unwrap().is_dir());
}

fn trailing_slash_demands_a_directory(vfs: &Vfs) {
    refused(vfs.stat("/f/"), Errno::ENOTDIR);
    refused(vfs.lstat("/f/"), Errno::ENOTDIR);
    refused(vfs.read("/a/b/f//"), Errno::ENOTDIR);
    assert!(vfs.stat("/a/b///").unwrap().is_dir());
}

fn file_on_the_way_is_enotdir(vfs: &Vfs) {
    refused(vfs.stat("/f/x"), Errno::ENOTDIR);
    refused(vfs.mkdir("/f/x", 0o777), Errno::ENOTDIR);
    refused(vfs.write("/f/x/y", b""), Errno::ENOTDIR);
}

fn missing_on_the_way_is_enoent(vfs: &Vfs) {
    refused(vfs.stat("/nothing/x"), Errno::ENOENT);
    refused(vfs.mkdir("/nothing/x", 0o777), Errno::ENOENT);
    refused(vfs.write("/a/nothing/x", b""), Errno::ENOENT);
}

fn name_of_256_bytes_is_enametoolong(vfs: &Vfs) {
    let long = "n".repeat(256);
    refused(vfs.stat(&format!("/{long}")), Errno::ENAMETOOLONG);
    refused(vfs.stat(&format!("/{long}/x")), Errno::ENAMETOOLONG);
    refused(vfs.mkdir(&format!("/a/{long}"), 0o777), Errno::ENAMETOOLONG);
    refused(vfs.stat(&format!("/{}", "\u{e9}".repeat(128))), Errno::ENAMETOOLONG);
    refused(vfs.stat(&format!("/{}", &long[1..])), Errno::ENOENT);
}

fn path_past_4096_bytes_is_enametoolong(vfs: &Vfs) {
    let longest = format!("{}/f", "/.".repeat(2047));
    assert_eq!(longest.len(), 4096);
    assert_eq!(text(vfs, &longest), "top");
    refused(vfs.stat(&format!("/{longest}")), Errno::ENAMETOOLONG);
}

fn relative_to_the_working_directory(vfs: &Vfs) {
    let there = vfs.with_cwd("/a").unwrap().with_cwd("b").unwrap();
    assert_eq!(there.cwd().as_str(), "/a/b");
    assert_eq!(text(&there, "f"), "deep");
    assert_eq!(text(&there, "../../f"), "top");
    assert_eq!(there.realpath("..").unwrap().as_str(), "/a");
    assert_eq!(there.with_cwd("../..").unwrap().cwd().as_str(), "/");
}

fn working_directory_must_be_one(vfs: &Vfs) {
    refused(vfs.with_cwd("/f"), Errno::ENOTDIR);
    refused(vfs.with_cwd("/nothing"), Errno::ENOENT);
}

fn working_directory_is_free_of_links(vfs: &Vfs) {
    let there = vfs.with_cwd("/x/rel").unwrap();
    assert_eq!(there.cwd().as_str(), "/a/b");
    assert_eq!(there.realpath("..").unwrap().as_str(), "/a");
}

fn working_directory_belongs_to_a_clone(vfs: &Vfs) {
    let there = vfs.with_cwd("/a/b").unwrap();
    assert_eq!(text(vfs, "f"), "top");
    assert_eq!(text(&there, "f"), "deep");
}

fn link_is_resolved_where_it_stands(vfs: &Vfs) {
    assert_eq!(text(vfs, "/x/rel/f"), "deep");
    assert_eq!(text(&vfs.with_cwd("/a").unwrap(), "../x/rel/f"), "deep");
}

fn absolute_link_starts_at_the_root(vfs: &Vfs) {
    assert_eq!(text(vfs, "/x/abs/f"), "deep");
}

fn dotdot_after_a_link_is_of_its_target(vfs: &Vfs) {
    assert_eq!(vfs.realpath("/x/abs/..").unwrap().as_str(), "/a");
    refused(vfs.stat("/x/abs/../rel"), Errno::ENOENT);
}

fn lstat_is_of_the_link(vfs: &Vfs) {
    assert!(vfs.lstat("/to-file").unwrap().is_symlink());
    assert!(vfs.lstat("/dangling").unwrap().is_symlink());
    assert!(vfs.lstat("/self").unwrap().is_symlink());
    assert!(vfs.stat("/to-file").unwrap().is_file());
    assert!(vfs.lstat("/x/rel/f").unwrap().is_file());
}

fn lstat_with_a_slash_is_of_the_target(vfs: &Vfs) {
    assert!(vfs.lstat("/x/rel/").unwrap().is_dir());
    assert!(vfs.lstat("/x/rel").unwrap().is_symlink());
}

fn slash_after_a_link_to_a_file(vfs: &Vfs) {
    refused(vfs.stat("/to-file/"), Errno::ENOTDIR);
    refused(vfs.lstat("/to-file/"), Errno::ENOTDIR);
}

fn slash_in_a_target_demands_a_directory(vfs: &Vfs) {
    refused(vfs.stat("/to-file-slash"), Errno::ENOTDIR);
    assert_eq!(text(vfs, "/to-dir-slash/f"), "deep");
}

fn dangling_link_is_enoent(vfs: &Vfs) {
    refused(vfs.stat("/dangling"), Errno::ENOENT);
    refused(vfs.stat("/dangling/x"), Errno::ENOENT);
    assert!(!vfs.exists("/dangling"));
}

fn link_to_itself_is_eloop(vfs: &Vfs) {
    refused(vfs.stat("/self"), Errno::ELOOP);
    refused(vfs.stat("/self/x"), Errno::ELOOP);
    refused(vfs.read("/self"), Errno::ELOOP);
}

fn links_to_each_other_are_eloop(vfs: &Vfs) {
    refused(vfs.stat("/ping"), Errno::ELOOP);
    refused(vfs.write("/ping", b""), Errno::ELOOP);
}

fn forty_links_are_followed(vfs: &Vfs) {
    assert_eq!(text(vfs, "/l40"), "end");
}

fn forty_one_links_are_eloop(vfs: &Vfs) {
    refused(vfs.stat("/l41"), Errno::ELOOP);
    assert_eq!(vfs.readlink("/l41").unwrap(), "l40");
}

fn links_on_the_way_count(vfs: &Vfs) {
    let through = |links: usize| format!("/d/{}../l0", "here/".repeat(links));
    assert_eq!(text(vfs, &through(40)), "end");
    refused(vfs.stat(&through(41)), Errno::ELOOP);
}

fn realpath_is_free_of_links_and_dots(vfs: &Vfs) {
    assert_eq!(vfs.realpath("/x/./rel/../b//f").unwrap().as_str(), "/a/b/f");
    assert_eq!(vfs.realpath("to-file").unwrap().as_str(), "/f");
    assert_eq!(vfs.realpath("/").unwrap().as_str(), "/");
}

fn realpath_of_nothing_is_enoent(vfs: &Vfs) {
    refused(vfs.realpath("/a/nothing"), Errno::ENOENT);
}

fn renamed_target(vfs: &Vfs) {
    vfs.rename("/f", "/g", crate::RenameMode::Replace).unwrap();
    refused(vfs.stat("/to-file"), Errno::ENOENT);
}
