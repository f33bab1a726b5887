use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::fs::{OpenOptions, Vfs, VfsOptions};

/// A host directory `in` that a layer shows, beside a file that it must never reach.
struct Host {
    dir: TempDir,
    layer: Arc<HostLayer>,
}

impl Host {
    fn new() -> Host {
        let dir = tempfile::tempdir().expect("a directory can be made");
        fs::create_dir(dir.path().join("in")).expect("it is new");
        fs::create_dir(dir.path().join("out")).expect("it is new");
        fs::write(dir.path().join("out/secret"), "secret").expect("it can be written");
        let layer = HostLayer::open(&dir.path().join("in"), HostOptions::default()).expect("it is there");
        Host { dir, layer: Arc::new(layer) }
    }

    fn inside(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("in").join(path)
    }

    fn outside(&self) -> std::path::PathBuf {
        self.dir.path().join("out")
    }

    fn vfs(&self) -> Vfs {
        Vfs::new(self.layer.clone(), VfsOptions::default())
    }

    fn look(&self, path: &str) -> Ino {
        self.layer.lookup(self.layer.root(), &Name::new(path).expect("a name")).expect("it is there").ino
    }

    /// Puts a link to the outside where something was, as another process would.
    fn swap(&self, path: &str, target: &Path) {
        fs::rename(self.inside(path), self.inside("moved-away")).expect("it was there");
        symlink(target, self.inside(path)).expect("the name is free");
    }
}

#[track_caller]
fn stale<T: fmt::Debug>(result: NodeResult<T>) {
    assert_eq!(result.expect_err("it must not be reached").errno(), Errno::ESTALE);
}

#[test]
fn links_do_not_lead_out() {
    let host = Host::new();
    symlink(host.outside(), host.inside("absolute")).expect("new");
    symlink("../out", host.inside("relative")).expect("new");
    symlink("../out/secret", host.inside("file")).expect("new");
    let vfs = host.vfs();
    for path in ["/absolute/secret", "/relative/secret", "/file", "/../out/secret"] {
        assert_eq!(vfs.read(path).expect_err("outside").errno(), Errno::ENOENT, "{path}");
    }
    // Made through the link's text, which is resolved inside: the directory it names is not there.
    assert_eq!(vfs.write("/relative/new", b"").expect_err("outside").errno(), Errno::ENOENT);
    assert!(!host.outside().join("new").exists());
}

#[test]
fn a_file_swapped_for_a_link_is_not_followed() {
    let host = Host::new();
    fs::write(host.inside("f"), "inside").expect("new");
    let ino = host.look("f");
    host.swap("f", &host.outside().join("secret"));
    stale(host.layer.read(ino, 0, 10));
    stale(host.layer.write(ino, 0, b"x"));
    stale(host.layer.setattr(ino, &SetAttr::size(0)));
    stale(host.layer.setattr(ino, &SetAttr::mode(0o777)));
    assert_eq!(fs::read(host.outside().join("secret")).expect("untouched"), b"secret");
}

#[test]
fn a_directory_swapped_for_a_link_is_not_entered() {
    let host = Host::new();
    fs::create_dir(host.inside("d")).expect("new");
    let ino = host.look("d");
    host.swap("d", &host.outside());
    let name = Name::new("secret").expect("a name");
    stale(host.layer.readdir(ino, None, 10));
    stale(host.layer.lookup(ino, &name));
    stale(host.layer.unlink(ino, &name));
    assert!(host.outside().join("secret").exists());
}

#[test]
fn a_mode_is_not_set_through_a_link() {
    let host = Host::new();
    symlink("../out/secret", host.inside("s")).expect("new");
    let before = fs::metadata(host.outside().join("secret")).expect("there").permissions().mode();
    let changed = host.layer.setattr(host.look("s"), &SetAttr::mode(0o777));
    assert_eq!(changed.expect_err("links have no mode").errno(), Errno::EOPNOTSUPP);
    let after = fs::metadata(host.outside().join("secret")).expect("there").permissions().mode();
    assert_eq!(before, after);
}

#[test]
fn times_of_a_link_are_its_own() {
    let host = Host::new();
    symlink("../out/secret", host.inside("s")).expect("new");
    let before = fs::metadata(host.outside().join("secret")).expect("there").modified().expect("known");
    let change = SetAttr { mtime: Some(crate::Timestamp(5)), ..SetAttr::default() };
    assert_eq!(host.layer.setattr(host.look("s"), &change).expect("set").mtime, crate::Timestamp(5));
    assert_eq!(
        fs::metadata(host.outside().join("secret")).expect("there").modified().expect("known"),
        before
    );
}

#[test]
fn what_others_change_is_seen() {
    let host = Host::new();
    let vfs = host.vfs();
    fs::write(host.inside("f"), "one").expect("new");
    assert_eq!(vfs.read("/f").expect("there"), &b"one"[..]);
    fs::write(host.inside("f"), "two and more").expect("there");
    assert_eq!(vfs.read("/f").expect("there"), &b"two and more"[..]);
    fs::rename(host.inside("f"), host.inside("g")).expect("there");
    assert_eq!(vfs.stat("/f").expect_err("moved").errno(), Errno::ENOENT);
    assert_eq!(vfs.read("/g").expect("there"), &b"two and more"[..]);
}

#[test]
fn a_file_made_again_by_others_is_another_node() {
    let host = Host::new();
    fs::write(host.inside("f"), "one").expect("new");
    let first = host.look("f");
    fs::write(host.inside("g"), "two").expect("new");
    fs::rename(host.inside("g"), host.inside("f")).expect("replaces");
    assert_ne!(host.look("f"), first);
    stale(host.layer.getattr(first));
}

#[test]
fn an_open_file_removed_by_others_keeps_its_content() {
    let host = Host::new();
    fs::write(host.inside("f"), "content").expect("new");
    let file = host.vfs().open("/f", OpenOptions::update()).expect("there");
    fs::remove_file(host.inside("f")).expect("there");
    assert_eq!(file.read_all().expect("held"), &b"content"[..]);
    file.write_at(b"C", 0).expect("held");
    assert_eq!(file.stat().expect("held").nlink, 0);
}

#[test]
fn names_that_are_not_utf8_are_not_listed() {
    let host = Host::new();
    fs::write(host.inside("").join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").expect("new");
    fs::write(host.inside("good"), "").expect("new");
    let listed = host.layer.readdir(host.layer.root(), None, 10).expect("a directory");
    assert_eq!(listed.iter().map(|entry| &*entry.name).collect::<Vec<_>>(), ["good"]);
    let unshown = host.layer.unshown(host.layer.root()).expect("a directory");
    assert_eq!(unshown, [std::ffi::OsStr::from_bytes(b"bad\xff")]);
}

#[test]
fn a_fifo_is_shown_and_not_opened() {
    let host = Host::new();
    sys::mknodat(sys::CWD, host.inside("fifo"), sys::FileType::Fifo, sys::Mode::RUSR, 0).expect("new");
    let vfs = host.vfs();
    assert_eq!(vfs.stat("/fifo").expect("there").kind, crate::FileType::Fifo);
    assert_eq!(vfs.read("/fifo").expect_err("not opened").errno(), Errno::ENXIO);
    vfs.unlink("/fifo").expect("it can be removed");
}

#[test]
fn more_directories_than_are_kept_open() {
    let host = Host::new();
    let vfs = host.vfs();
    for number in 0..300 {
        vfs.mkdir_all(&format!("/d{number}/e"), 0o777).expect("new");
        vfs.write(&format!("/d{number}/e/f"), b"x").expect("new");
    }
    assert_eq!(vfs.walk_tree("/").expect("there").filter(Result::is_ok).count(), 901);
    vfs.read("/d0/e/f").expect("there");
}

#[test]
fn a_missing_directory_is_an_error() {
    let error = HostLayer::open(Path::new("/nonexistent/directory"), HostOptions::default());
    assert_eq!(error.expect_err("not there").kind(), io::ErrorKind::NotFound);
}
