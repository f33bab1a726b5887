//! A server that is killed: what was synced is there, and what is there fits together.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cowry_tests::mounted::{assert_sound, home};
use cowry_vfs::fuse::{FuseMount, FuseOptions, unmount};
use cowry_vfs::{SqliteLayer, SqliteOptions, Vfs, VfsOptions};

use crate::{Case, nothing};

/// The argument that makes the test binary a server.
pub const SERVE: &str = "--serve";

pub static CASES: &[Case] =
    &[Case { name: "crash::what_was_synced_survives_the_server", lacks: nothing, run: survives }];

/// Mounts a workspace, says so, and serves until its standard input ends.
pub fn serve(mut words: impl Iterator<Item = String>) {
    let (file, dir) = (words.next().expect("a workspace"), words.next().expect("a directory"));
    let layer = SqliteLayer::open(file, &SqliteOptions::default()).expect("a workspace");
    let mount = FuseMount::new(Arc::new(layer), Path::new(&dir), &FuseOptions::default());
    let mount = mount.expect("a mount, as before");
    eprintln!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(mount);
}

/// A server in a process of its own. Killed, and its mount taken away, when dropped.
pub struct Server {
    process: Child,
    dir: PathBuf,
}

impl Server {
    pub fn start(file: &Path, dir: &Path) -> Server {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .arg(SERVE)
            .args([file, dir])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this program");
        let mut line = String::new();
        BufReader::new(process.stderr.take().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Server { process, dir: dir.to_owned() }
    }

    /// Unmounts and waits until everything is committed.
    pub fn stop(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("it was started").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = unmount(&self.dir, true);
    }
}

fn survives() {
    let home = home();
    let (file, dir) = (home.path().join("w.cowry"), home.path().join("mnt"));
    fs::create_dir(&dir).unwrap();
    drop(SqliteLayer::create(&file, &SqliteOptions::default()).unwrap());
    for round in 0..8 {
        let server = Server::start(&file, &dir);
        synced(&dir.join(format!("synced{round}")), &round.to_string());
        // Some of this may be there and some not.
        for i in 0..round * 10 {
            fs::write(dir.join(format!("loose{i}")), vec![b'x'; i * 1000]).unwrap();
        }
        drop(server);
        let layer = SqliteLayer::open(&file, &SqliteOptions::default()).unwrap();
        assert_sound(&layer);
        let files = Vfs::new(Arc::new(layer), VfsOptions::default());
        for round in 0..=round {
            let text = files.read_to_string(&format!("/synced{round}")).unwrap();
            assert_eq!(text, round.to_string().repeat(50_000));
        }
    }
}

fn synced(path: &Path, text: &str) {
    let mut file = File::create(path).unwrap();
    file.write_all(text.repeat(50_000).as_bytes()).unwrap();
    file.sync_all().unwrap();
}
