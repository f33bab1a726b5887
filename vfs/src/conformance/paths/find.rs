//! Walking and matching.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{GlobOptions, Vfs};

const R: Needs = Needs::READS;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("walk_is_in_order_parents_first", R, tree, walk_is_in_order_parents_first),
    vfs_case("walk_knows_depth", R, tree, walk_knows_depth),
    vfs_case("walk_can_leave_a_directory_out", R, tree, walk_can_leave_a_directory_out),
    vfs_case("walk_of_a_file_is_the_file", R, tree, walk_of_a_file_is_the_file),
    vfs_case("walk_of_nothing_is_enoent", R, tree, walk_of_nothing_is_enoent),
    vfs_case("walk_does_not_follow_links", R.and(Needs::SYMLINKS), links, walk_does_not_follow_links),
    vfs_case("walk_of_a_wide_directory", R, wide, walk_of_a_wide_directory),
    vfs_case("walk_goes_on_while_entries_go", Needs::WRITES, wide, walk_goes_on_while_entries_go),
    vfs_case("star_stays_in_its_component", R, tree, star_stays_in_its_component),
    vfs_case("two_stars_span_components", R, tree, two_stars_span_components),
    vfs_case("braces_and_classes", R, tree, braces_and_classes),
    vfs_case("hidden_names_need_a_dot", R, tree, hidden_names_need_a_dot),
    vfs_case("relative_patterns", R, tree, relative_patterns),
    vfs_case("literal_pattern_is_the_path", R, tree, literal_pattern_is_the_path),
    vfs_case("pattern_below_nothing_matches_nothing", R, tree, pattern_below_nothing_matches_nothing),
    vfs_case("bad_pattern_is_einval", R, tree, bad_pattern_is_einval),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/src/deep/er", 0o777).unwrap();
    vfs.mkdir_all("/.hidden", 0o777).unwrap();
    for path in ["/a.txt", "/b.txt", "/src/c.rs", "/src/d.txt", "/src/deep/e.rs", "/src/deep/er/f.rs"] {
        vfs.write(path, b"").unwrap();
    }
    vfs.write("/.hidden/g.txt", b"").unwrap();
    vfs.write("/src/.env", b"").unwrap();
}

fn links(vfs: &Vfs) {
    tree(vfs);
    vfs.symlink("/src", "/z-link").unwrap();
    vfs.symlink("..", "/src/loop").unwrap();
}

fn wide(vfs: &Vfs) {
    vfs.mkdir("/d", 0o777).unwrap();
    for number in 0..700 {
        vfs.write(&format!("/d/{number:03}"), b"").unwrap();
    }
}

fn walk(vfs: &Vfs, path: &str) -> Vec<String> {
    vfs.walk_tree(path).unwrap().map(|entry| entry.unwrap().path.to_string()).collect()
}

fn glob(vfs: &Vfs, pattern: &str) -> Vec<String> {
    let found = vfs.glob(pattern, GlobOptions::default()).unwrap();
    found.into_iter().map(|path| path.to_string()).collect()
}

fn walk_is_in_order_parents_first(vfs: &Vfs) {
    let expected = [
        "/",
        "/.hidden",
        "/.hidden/g.txt",
        "/a.txt",
        "/b.txt",
        "/src",
        "/src/.env",
        "/src/c.rs",
        "/src/d.txt",
        "/src/deep",
        "/src/deep/e.rs",
        "/src/deep/er",
        "/src/deep/er/f.rs",
    ];
    assert_eq!(walk(vfs, "/"), expected);
    assert_eq!(walk(vfs, "/src/deep/."), expected[9..]);
}

fn walk_knows_depth(vfs: &Vfs) {
    let depths: Vec<usize> = vfs.walk_tree("/src").unwrap().map(|entry| entry.unwrap().depth).collect();
    assert_eq!(depths, [0, 1, 1, 1, 1, 2, 2, 3]);
}

fn walk_can_leave_a_directory_out(vfs: &Vfs) {
    let mut walk = vfs.walk_tree("/src").unwrap();
    let mut seen = Vec::new();
    while let Some(entry) = walk.next() {
        let path = entry.unwrap().path;
        if path.ends_with("/deep") {
            walk.skip_below();
        }
        seen.push(path.to_string());
    }
    assert_eq!(seen, ["/src", "/src/.env", "/src/c.rs", "/src/d.txt", "/src/deep"]);
}

fn walk_of_a_file_is_the_file(vfs: &Vfs) {
    assert_eq!(walk(vfs, "/a.txt"), ["/a.txt"]);
}

fn walk_of_nothing_is_enoent(vfs: &Vfs) {
    refused(vfs.walk_tree("/nothing").map(drop), Errno::ENOENT);
}

fn walk_does_not_follow_links(vfs: &Vfs) {
    let seen = walk(vfs, "/");
    assert!(seen.contains(&"/z-link".to_owned()) && seen.contains(&"/src/loop".to_owned()));
    assert!(!seen.iter().any(|path| path.starts_with("/z-link/") || path.starts_with("/src/loop/")));
    assert_eq!(walk(vfs, "/z-link")[0], "/src");
}

fn walk_of_a_wide_directory(vfs: &Vfs) {
    let seen = walk(vfs, "/d");
    assert_eq!(seen.len(), 701);
    assert!(seen.is_sorted());
}

fn walk_goes_on_while_entries_go(vfs: &Vfs) {
    let mut seen = 0;
    for entry in vfs.walk_tree("/d").unwrap().skip(1) {
        vfs.unlink(&entry.unwrap().path).unwrap();
        seen += 1;
    }
    assert_eq!(seen, 700);
    vfs.rmdir("/d").unwrap();
}

fn star_stays_in_its_component(vfs: &Vfs) {
    assert_eq!(glob(vfs, "/*.txt"), ["/a.txt", "/b.txt"]);
    assert_eq!(glob(vfs, "/*/*.rs"), ["/src/c.rs"]);
    assert_eq!(glob(vfs, "/?.txt"), ["/a.txt", "/b.txt"]);
    assert_eq!(glob(vfs, "/*"), ["/a.txt", "/b.txt", "/src"]);
}

fn two_stars_span_components(vfs: &Vfs) {
    assert_eq!(glob(vfs, "/**/*.rs"), ["/src/c.rs", "/src/deep/e.rs", "/src/deep/er/f.rs"]);
    assert_eq!(glob(vfs, "/src/**/f.rs"), ["/src/deep/er/f.rs"]);
    assert_eq!(glob(vfs, "/**/*.txt"), ["/a.txt", "/b.txt", "/src/d.txt"]);
}

fn braces_and_classes(vfs: &Vfs) {
    assert_eq!(glob(vfs, "/{a,b}.txt"), ["/a.txt", "/b.txt"]);
    assert_eq!(glob(vfs, "/src/{c.rs,deep/e.rs}"), ["/src/c.rs", "/src/deep/e.rs"]);
    assert_eq!(glob(vfs, "/[!a].txt"), ["/b.txt"]);
}

fn hidden_names_need_a_dot(vfs: &Vfs) {
    assert_eq!(glob(vfs, "/.*/*"), ["/.hidden/g.txt"]);
    assert_eq!(glob(vfs, "/src/*"), ["/src/c.rs", "/src/d.txt", "/src/deep"]);
    let all = vfs.glob("/**/*.txt", GlobOptions { hidden: true }).unwrap();
    assert!(all.iter().any(|path| path.as_str() == "/.hidden/g.txt"));
}

fn relative_patterns(vfs: &Vfs) {
    let there = vfs.with_cwd("/src").unwrap();
    assert_eq!(glob(&there, "*.rs"), ["/src/c.rs"]);
    assert_eq!(glob(&there, "deep/**/*.rs"), ["/src/deep/e.rs", "/src/deep/er/f.rs"]);
    assert_eq!(glob(vfs, "*.txt"), ["/a.txt", "/b.txt"]);
}

fn literal_pattern_is_the_path(vfs: &Vfs) {
    assert_eq!(glob(vfs, "/src/c.rs"), ["/src/c.rs"]);
    assert_eq!(glob(vfs, "/src"), ["/src"]);
    assert_eq!(glob(vfs, "/src/"), ["/src"]);
    assert_eq!(glob(vfs, "/"), ["/"]);
}

fn pattern_below_nothing_matches_nothing(vfs: &Vfs) {
    assert_eq!(glob(vfs, "/nothing/*"), [""; 0]);
    assert_eq!(glob(vfs, "/a.txt/*"), [""; 0]);
    assert_eq!(glob(vfs, "/*.none"), [""; 0]);
}

fn bad_pattern_is_einval(vfs: &Vfs) {
    refused(vfs.glob("/[a", GlobOptions::default()), Errno::EINVAL);
    refused(vfs.glob("/{a", GlobOptions::default()), Errno::EINVAL);
}
