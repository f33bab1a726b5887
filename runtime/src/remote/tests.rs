use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use cowry_vfs::{Errno, Layer, MemoryLayer, Name, Vfs, VfsOptions};

use super::*;
use crate::control::MountInfo;
use crate::wire;

/// A remote layer, the number of questions it has asked, and the thread that answers.
struct Remote {
    layer: RemoteLayer,
    asked: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Remote {
    /// Over a tree with these files, said to be immutable or not.
    fn over(files: &[(&str, &[u8])], immutable: bool) -> Remote {
        let tree: Arc<dyn Layer> = Arc::new(MemoryLayer::new());
        let vfs = Vfs::new(tree.clone(), VfsOptions::default());
        for (path, content) in files {
            let folder = &path[..path.rfind('/').unwrap()];
            if !folder.is_empty() {
                vfs.mkdir_all(folder, 0o755).unwrap();
            }
            vfs.write(path, content).unwrap();
        }
        let mut features = tree.features();
        features.immutable = immutable;
        let (name, root) = (tree.name().into(), tree.root());
        let info = MountInfo { at: "/".into(), name, features, root, writable: false, spills: false };
        let (ours, theirs) = UnixStream::pair().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let trees = [tree];
        let server = std::thread::spawn(move || {
            while let Some(request) = wire::receive::<FsRequest>(&mut &theirs, ()).unwrap() {
                count.fetch_add(1, Ordering::SeqCst);
                wire::send(&mut &theirs, &answer(&trees, request)).unwrap();
            }
        });
        Remote { layer: RemoteLayer::new(Arc::new(Connection::new(ours)), 0, &info), asked, server }
    }

    fn lookup(&self, name: &str) -> Result<cowry_vfs::Stat, Errno> {
        let found = self.layer.lookup(self.layer.root(), &Name::new(name).unwrap());
        found.map_err(|error| error.errno())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn end(self) {
        drop(self.layer);
        self.server.join().unwrap();
    }
}

#[test]
fn a_small_directory_is_asked_for_once() {
    let remote = Remote::over(&[("/a", b"one"), ("/b", b"two")], true);
    let a = remote.lookup("a").unwrap();
    assert_eq!(remote.asked(), 1);
    assert_eq!(remote.lookup("b").unwrap().size, 3);
    assert_eq!(remote.lookup("c"), Err(Errno::ENOENT));
    assert_eq!(remote.layer.read(a.ino, 0, 100).unwrap(), "one");
    assert_eq!(remote.layer.read(a.ino, 1, 1).unwrap(), "n");
    assert_eq!(remote.layer.getattr(a.ino).unwrap(), a);
    assert_eq!(remote.layer.readdir(remote.layer.root(), None, 10).unwrap().len(), 2);
    assert_eq!(remote.asked(), 1);
    remote.end();
}

#[test]
fn small_files_of_a_listed_directory_come_together() {
    let files = [("/a", &b"one"[..]), ("/b", b"two"), ("/large", &[7; 10_000])];
    let remote = Remote::over(&files, true);
    let entries = remote.layer.readdir(remote.layer.root(), None, 1000).unwrap();
    assert_eq!((remote.asked(), entries.len()), (1, 3));
    assert_eq!(remote.layer.readdir(remote.layer.root(), None, 1000).unwrap(), entries);
    assert_eq!(remote.lookup("a").unwrap(), entries[0].stat);
    assert_eq!(remote.asked(), 1);
    for (entry, (_, content)) in entries.iter().zip(&files) {
        assert_eq!(remote.layer.read(entry.stat.ino, 0, 20_000).unwrap(), *content);
    }
    // One question for the small ones, one for the other.
    assert_eq!(remote.asked(), 3);
    remote.end();
}

#[test]
fn twenty_megabytes_of_files_are_remembered() {
    let content = vec![7; 64 << 10];
    let names: Vec<String> = (0..320).map(|n| format!("/d/{n:03}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &content[..])).collect();
    let remote = Remote::over(&files, true);
    let dir = remote.lookup("d").unwrap().ino;
    let entries = remote.layer.readdir(dir, None, 1000).unwrap();
    let read_all = || {
        for entry in &entries {
            assert_eq!(remote.layer.read(entry.stat.ino, 0, content.len()).unwrap().len(), content.len());
        }
        remote.asked()
    };
    let asked = read_all();
    assert_eq!(read_all(), asked);
    remote.end();
}

#[test]
fn reads_fetch_ahead() {
    let content: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
    let remote = Remote::over(&[("/big", &content)], true);
    let big = remote.lookup("big").unwrap();
    let before = remote.asked();
    for offset in (0..600_000).step_by(1000) {
        let piece = remote.layer.read(big.ino, offset, 1000).unwrap();
        assert_eq!(piece, content[offset as usize..offset as usize + 1000]);
    }
    assert_eq!(remote.asked() - before, 3);
    assert!(remote.layer.read(big.ino, 600_000, 10).unwrap().is_empty());
    assert_eq!(remote.layer.read(big.ino, 599_990, 100).unwrap().len(), 10);
    remote.end();
}

#[test]
fn a_read_longer_than_one_answer_is_put_together() {
    let content: Vec<u8> = (0..3_000_001_u32).map(|n| (n >> 3) as u8).collect();
    let remote = Remote::over(&[("/big", &content)], true);
    let big = remote.lookup("big").unwrap();
    assert_eq!(remote.layer.read(big.ino, 0, 5_000_000).unwrap(), content);
    assert_eq!(remote.layer.read(big.ino, 7, 2_500_000).unwrap(), content[7..2_500_007]);
    remote.end();
}

#[test]
fn a_large_directory_is_asked_entry_by_entry() {
    let names: Vec<String> = (0..2500).map(|n| format!("/{n:04}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let remote = Remote::over(&files, true);
    assert!(remote.lookup("0007").is_ok());
    assert_eq!(remote.lookup("nope"), Err(Errno::ENOENT));
    let asked = remote.asked();
    assert!(remote.lookup("0007").is_ok());
    assert_eq!(remote.lookup("nope"), Err(Errno::ENOENT));
    assert_eq!(remote.asked(), asked);
    assert_eq!(remote.layer.readdir(remote.layer.root(), None, usize::MAX).unwrap().len(), 2500);
    let after = Name::new("2400").unwrap();
    assert_eq!(remote.layer.readdir(remote.layer.root(), Some(&after), 1000).unwrap().len(), 99);
    remote.end();
}

#[test]
fn a_tree_that_can_change_is_never_remembered() {
    let remote = Remote::over(&[("/a", b"one")], false);
    for n in 1..4 {
        let a = remote.lookup("a").unwrap();
        assert_eq!(remote.layer.read(a.ino, 0, 10).unwrap(), "one");
        assert_eq!(remote.asked(), n * 2);
    }
    remote.end();
}

#[test]
fn a_tree_there_is_not_is_estale() {
    let reply = answer(&[], FsRequest { mount: 3, ask: protocol::Ask::Statfs });
    assert_eq!(reply, protocol::FsReply::Failed(Errno::ESTALE));
}

#[test]
fn nothing_can_be_written() {
    let remote = Remote::over(&[("/a", b"one")], true);
    let a = remote.lookup("a").unwrap();
    assert!(remote.layer.write(a.ino, 0, b"x").is_err_and(|error| error == Errno::EROFS));
    assert!(!remote.layer.features().writable);
    remote.end();
}
