//! The mount beside the machine's own filesystem: the same work in a mounted workspace and in a folder.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::table::{Row, Table, ms, time};

const FILES: usize = 1_000;
const BIG: usize = 64 << 20;
const TREE: usize = 10_000;

/// A mounted workspace; unmounted when dropped.
struct Mount {
    folder: tempfile::TempDir,
}

impl Mount {
    /// `None` where nothing can be mounted.
    fn new() -> Option<Mount> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("mnt")).expect("a new folder");
        let mount = Mount { folder };
        mount.cowry(&["run", "-q", "-w", "w.cowry", "-e", "require('fs').writeFileSync('/a', 'b')"]);
        mount.cowry(&["-w", "w.cowry", "mount", "mnt"]).then_some(mount)
    }

    fn cowry(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cowry"));
        command.args(arguments).current_dir(&self.folder).env_remove("COWRY_WORKSPACE");
        // Not a pipe: the server in the background would hold it open.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.status().expect("the binary is built").success()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.cowry(&["unmount", "mnt"]);
    }
}

/// How long each piece of work took.
struct Times {
    create: Duration,
    stat: Duration,
    remove: Duration,
    write: Duration,
    read: Duration,
    status: Option<Duration>,
}

fn each(dir: &Path, mut work: impl FnMut(&Path) -> std::io::Result<()>) -> Duration {
    time(|| (0..FILES).for_each(|i| work(&dir.join(format!("f{i:04}"))).expect("done"))).0
}

fn measure(dir: &Path) -> Times {
    let files = dir.join("files");
    fs::create_dir(&files).expect("a new folder");
    let create = each(&files, |path| fs::write(path, [b'x'; 1024]));
    let stat = each(&files, |path| fs::metadata(path).map(drop));
    let remove = each(&files, |path| fs::remove_file(path));
    let (write, read) = large(&dir.join("large"));
    Times { create, stat, remove, write, read, status: git_status(&dir.join("tree")) }
}

/// Written from front to back and synced, then read.
fn large(path: &Path) -> (Duration, Duration) {
    let block: Vec<u8> = (0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (write, ()) = time(|| {
        let mut file = File::create(path).expect("made");
        (0..BIG / block.len()).for_each(|_| file.write_all(&block).expect("written"));
        file.sync_all().expect("synced");
    });
    let (read, ()) = time(|| {
        let (mut file, mut buffer, mut total) = (File::open(path).expect("there"), vec![0; 1 << 20], 0);
        while let Ok(n @ 1..) = file.read(&mut buffer) {
            total += n;
        }
        assert_eq!(total, BIG);
    });
    (write, read)
}

/// The second `git status` of a tree of 10,000 committed files; `None` without git.
fn git_status(tree: &Path) -> Option<Duration> {
    for i in 0..TREE {
        let dir = tree.join(format!("d{:03}", i / 100));
        if i % 100 == 0 {
            fs::create_dir_all(&dir).expect("a new folder");
        }
        fs::write(dir.join(format!("f{i:05}")), i.to_string()).expect("written");
    }
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=m", "-c", "user.email=m@localhost", "-c", "safe.directory=*"]);
        command.args(words).current_dir(tree).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let ready = git(&["init", "-q"]) && git(&["add", "."]) && git(&["commit", "-q", "-m", "all"]);
    (ready && git(&["status"])).then(|| time(|| assert!(git(&["status"]))).0)
}

fn row(what: &str, mounted: Duration, native: Duration) -> Row {
    let ratio = mounted.as_secs_f64() / native.as_secs_f64();
    Row::new(what, format!("{} ({ratio:.1} ×)", ms(mounted)), format!("native {}", ms(native)))
}

/// What the mount costs.
pub fn table() -> Table {
    let title = "The mount, beside the native filesystem";
    let Some(mount) = Mount::new() else {
        return Table { title, rows: vec![Row::new("skipped: nothing can be mounted here", "", "")] };
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (ours, native) = (measure(&mount.folder.path().join("mnt")), measure(folder.path()));
    let mut rows = vec![
        row("create 1,000 files of 1 KiB", ours.create, native.create),
        row("stat 1,000 files", ours.stat, native.stat),
        row("remove 1,000 files", ours.remove, native.remove),
        row("write 64 MiB and fsync", ours.write, native.write),
        row("read them back", ours.read, native.read),
    ];
    if let (Some(ours), Some(native)) = (ours.status, native.status) {
        rows.push(row("`git status` of 10,000 files", ours, native));
    }
    Table { title, rows }
}
