//! Programs that ask a filesystem for everything, each on a mounted workspace.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use cowry_tests::mounted::{Mounted, assert_sound, home};
use cowry_vfs::{SqliteLayer, SqliteOptions};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags};

use crate::crash::Server;
use crate::{Case, nothing};

pub static CASES: &[Case] = &[
    Case { name: "program::git_keeps_a_repository", lacks: || missing("git"), run: git },
    Case { name: "program::cargo_builds_a_crate", lacks: || missing("cargo"), run: cargo },
    Case { name: "program::sqlite_with_a_write_ahead_log", lacks: nothing, run: sqlite_wal },
    Case { name: "program::sqlite_with_a_rollback_journal", lacks: nothing, run: sqlite_rollback },
    Case { name: "program::the_sqlite3_command", lacks: || missing("sqlite3"), run: sqlite_command },
    Case { name: "program::rsync_there_and_back", lacks: || missing("rsync"), run: rsync },
    Case { name: "program::tar_there_and_back", lacks: || missing("tar"), run: tar },
];

/// What a case lacks that needs a program.
fn missing(program: &str) -> Option<String> {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok();
    (!found).then(|| format!("needs {program}"))
}

/// Runs a line of shell in a directory, shielded from the user's settings.
fn sh(at: &Path, line: &str) -> String {
    let output = Command::new("/bin/sh")
        .args(["-ec", line])
        .current_dir(at)
        .env("HOME", at)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{line}: {told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

fn git() {
    let (mounted, layer) = Mounted::new();
    let repository = mounted.path().join("repository");
    fs::create_dir(&repository).unwrap();
    let sh = |line: &str| sh(&repository, line);
    sh("git init -q -b main . && git config user.name t && git config user.email t@example.com");
    // Nothing that goes on in the background once the command is over.
    sh("git config gc.auto 0 && git config maintenance.auto false");
    for i in 0..100 {
        let dir = repository.join(format!("dir{}", i % 7));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("file{i}")), format!("{i}\n").repeat(i * 10 + 1)).unwrap();
    }
    sh("chmod +x dir0/file0 && ln -s dir1/file1 link && git add . && git commit -qm one");
    assert_eq!(sh("git status --porcelain"), "");
    sh(
        "git checkout -qb branch && git mv dir2 moved && git rm -qr dir3 && echo more >>dir1/file1 && git commit -qam two",
    );
    assert_eq!(sh("git diff --stat main | tail -1 | grep -c changed"), "1\n");
    sh("git checkout -q main && git merge -q --no-edit branch && git tag -a -m tag tagged");
    assert_eq!(sh("git status --porcelain; ls -d dir3 moved 2>/dev/null || true"), "moved\n");
    sh(
        "git gc -q --aggressive --prune=now && git fsck --strict --full 2>/dev/null && git clone -q . ../clone",
    );
    assert_eq!(sh("git -C ../clone log --oneline | wc -l").trim(), "2");
    assert_eq!(sh("diff -r -x .git . ../clone"), "");
    mounted.unmount().unwrap();
    assert_sound(&layer);
}

fn cargo() {
    let (mounted, layer) = Mounted::new();
    let at = mounted.path().join("small");
    fs::create_dir_all(at.join("src")).unwrap();
    let manifest = "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    fs::write(at.join("Cargo.toml"), manifest).unwrap();
    fs::write(at.join("src/lib.rs"), "pub fn twice(n: u32) -> u32 { n * 2 }\n").unwrap();
    fs::write(at.join("src/main.rs"), "fn main() { println!(\"{}\", small::twice(21)); }\n").unwrap();
    let build = || {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for name in ["CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(name);
        }
        let output =
            cargo.args(["build", "--offline"]).current_dir(&at).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        told
    };
    assert!(build().contains("Compiling small"));
    assert_eq!(sh(&at, "target/debug/small"), "42\n");
    assert!(!build().contains("Compiling"), "nothing has changed");
    fs::write(at.join("src/lib.rs"), "pub fn twice(n: u32) -> u32 { n + n + 1 }\n").unwrap();
    assert!(build().contains("Compiling small"));
    assert_eq!(sh(&at, "target/debug/small"), "43\n");
    mounted.unmount().unwrap();
    assert_sound(&layer);
}

fn sqlite_wal() {
    sqlite("wal");
}

fn sqlite_rollback() {
    sqlite("delete");
}

/// Two connections at a time, one of which reads while the other writes. The mount is served by another process:
/// SQLite looks at files while it holds a lock that all of a process share, so one that serves a workspace and has a
/// database on its own mount would wait for itself.
fn sqlite(journal: &str) {
    let home = home();
    let (file, dir) = (home.path().join("w.cowry"), home.path().join("mnt"));
    fs::create_dir(&dir).unwrap();
    drop(SqliteLayer::create(&file, &SqliteOptions::default()).unwrap());
    let server = Server::start(&file, &dir);
    let path = dir.join("data.db");
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.pragma_update(None, "journal_mode", journal).unwrap();
    let mode: String = writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, journal);
    writer.execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT)").unwrap();
    let reader = rusqlite::Connection::open(&path).unwrap();
    let count = |conn: &rusqlite::Connection| -> i64 {
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    };
    for round in 1..=20 {
        writer.execute_batch("BEGIN").unwrap();
        for i in 0..100 {
            writer.execute("INSERT INTO t(text) VALUES (?1)", [format!("row {i} of round {round}")]).unwrap();
        }
        writer.execute_batch("COMMIT").unwrap();
        assert_eq!(count(&reader), round * 100);
    }
    writer.execute_batch("DELETE FROM t WHERE id % 2; VACUUM").unwrap();
    let verdict: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((verdict.as_str(), count(&reader)), ("ok", 1000));
    drop((writer, reader));
    assert!(fs::metadata(dir.join("data.db-wal")).is_err(), "the last one to close removes it");
    server.stop();
    assert_sound(&SqliteLayer::open(&file, &SqliteOptions::default()).unwrap());
}

fn sqlite_command() {
    let (mounted, _layer) = Mounted::new();
    let at = mounted.path();
    let made = "PRAGMA journal_mode = wal; CREATE TABLE t(n); INSERT INTO t VALUES (20), (22);";
    assert_eq!(sh(at, &format!("sqlite3 data.db '{made}'")), "wal\n");
    assert_eq!(sh(at, "sqlite3 data.db 'SELECT sum(n) FROM t; PRAGMA integrity_check'"), "42\nok\n");
}

/// What a copy has to keep.
#[derive(PartialEq, Eq, Debug)]
struct Kept {
    mode: u32,
    owner: (u32, u32),
    links: u64,
    modified: (i64, i64),
    /// The target of a link; of a file its length and a hash.
    content: String,
    attribute: Option<Vec<u8>>,
}

/// Everything below a directory, by path.
fn kept(root: &Path) -> BTreeMap<String, Kept> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let stat = fs::symlink_metadata(&path).unwrap();
            if stat.is_dir() {
                dirs.push(path.clone());
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            all.insert(name, look(&path, &stat));
        }
    }
    all
}

fn look(path: &Path, stat: &fs::Metadata) -> Kept {
    let content = if stat.is_symlink() {
        fs::read_link(path).unwrap().to_str().unwrap().to_owned()
    } else if stat.is_file() {
        let bytes = fs::read(path).unwrap();
        let mut hash = DefaultHasher::new();
        bytes.hash(&mut hash);
        format!("{} bytes, {:x}", bytes.len(), hash.finish())
    } else {
        String::new()
    };
    let mut value = [0; 256];
    let attribute = rustix::fs::lgetxattr(path, "user.test", &mut value).ok();
    Kept {
        mode: stat.mode(),
        owner: (stat.uid(), stat.gid()),
        // Filesystems count the links of directories differently.
        links: if stat.is_dir() { 0 } else { stat.nlink() },
        modified: (stat.mtime(), stat.mtime_nsec()),
        content,
        attribute: attribute.map(|length| value[..length].to_vec()),
    }
}

/// A tree with everything in it that a copy may forget. Says whether the filesystem took attributes.
fn furnish(root: &Path) -> bool {
    for i in 0..50 {
        let dir = root.join(format!("dir{}/sub", i % 5));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("file {i} ü")), format!("{i}\n").repeat(i * 100)).unwrap();
    }
    let file = root.join("dir0/sub/file 0 ü");
    fs::set_permissions(&file, Permissions::from_mode(0o4751)).unwrap();
    fs::hard_link(&file, root.join("dir1/linked")).unwrap();
    symlink("../dir0/sub", root.join("dir2/to")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    rustix::fs::mknodat(CWD, root.join("fifo"), rustix::fs::FileType::Fifo, 0o640.into(), 0).unwrap();
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.write_all_at(b"end", 3 << 20).unwrap();
    let taken = rustix::fs::setxattr(&file, "user.test", b"a value", XattrFlags::empty()).is_ok();
    let moment = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times =
        Timestamps { last_access: moment(1, 2), last_modification: moment(1_000_000_000, 123_456_789) };
    // Of everything but files, since rsync takes two moments of the same second to be one there.
    for name in ["dangling", "dir2/to", "fifo"] {
        rustix::fs::utimensat(CWD, root.join(name), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
    for i in 0..5 {
        for dir in [format!("dir{i}"), format!("dir{i}/sub")] {
            rustix::fs::utimensat(CWD, root.join(dir), &times, AtFlags::empty()).unwrap();
        }
    }
    taken
}

/// Compares two trees and tells only of what differs.
fn assert_same(copy: &Path, original: &Path) {
    let (mut copied, original) = (kept(copy), kept(original));
    for (path, kept) in original {
        assert_eq!(copied.remove(&path), Some(kept), "{path}");
    }
    assert!(copied.is_empty(), "{copied:?}");
}

/// Copies a tree into the mount and out again and compares it at each step.
fn there_and_back(copy: impl Fn(&Path, &Path)) {
    let (mounted, layer) = Mounted::new();
    let [before, after] = ["before", "after"].map(|name| mounted.home().join(name));
    let there = mounted.path().join("there");
    [&before, &there, &after].into_iter().for_each(|dir| fs::create_dir(dir).unwrap());
    if !furnish(&before) {
        eprintln!("the filesystem of /tmp takes no attributes, so none are copied");
    }
    copy(&before, &there);
    assert_same(&there, &before);
    let sparse = fs::metadata(there.join("sparse")).unwrap();
    assert!(sparse.blocks() * 512 < sparse.len(), "its hole stayed one");
    copy(&there, &after);
    assert_same(&after, &before);
    mounted.unmount().unwrap();
    assert_sound(&layer);
}

fn rsync() {
    there_and_back(|from, to| {
        sh(from, &format!("rsync -aHXS ./ {}/", to.display()));
        // A second time there is nothing left to be done.
        let again = sh(from, &format!("rsync -aHXSi ./ {}/", to.display()));
        assert_eq!(again, "");
    });
}

fn tar() {
    there_and_back(|from, to| {
        let (create, extract) =
            ("tar --xattrs --format=pax -cSf -", "tar --xattrs --xattrs-include='user.*' -xpSf -");
        sh(from, &format!("{create} . | {extract} -C {}", to.display()));
    });
}
