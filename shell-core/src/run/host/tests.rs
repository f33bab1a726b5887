use std::path::PathBuf;
use std::sync::Arc;

use cowry_vfs::{MemoryLayer, VPathBuf, Vfs, VfsOptions};
use tempfile::TempDir;

use super::{Staged, stage};
use crate::mount::{Mount, MountMode};
use crate::run::steps::{Make, Steps, What};
use crate::workspace::{OpenWorkspace, Workspace};

/// A workspace, a shared folder, and what a run has left to be written to it.
struct Scene {
    folder: TempDir,
    workspace: Workspace,
}

impl Scene {
    fn new() -> Scene {
        let folder = TempDir::new().expect("a temporary folder");
        let workspace =
            Workspace::open(folder.path().join("w.cowry"), &OpenWorkspace::or_create()).expect("made");
        let scene = Scene { folder, workspace };
        std::fs::create_dir(scene.share("")).expect("a folder");
        std::fs::write(scene.share("a.txt"), "old").expect("written");
        std::fs::write(scene.share("gone.txt"), "old").expect("written");
        scene
    }

    fn share(&self, name: &str) -> PathBuf {
        self.folder.path().join("share").join(name)
    }

    fn stage(&self) -> Staged {
        let after = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
        after.mkdir_all("/data/sub", 0o755).expect("made");
        after.write("/data/a.txt", b"new").expect("written");
        after.write("/data/sub/b.txt", b"b").expect("written");
        after.symlink("sub/b.txt", "/data/link").expect("made");
        let path = |text: &str| VPathBuf::parse(text).expect(text);
        let mut steps = Steps::default();
        steps.removes.insert(path("/data/gone.txt"));
        for (text, what) in [
            ("/data/a.txt", What::File),
            ("/data/link", What::Symlink),
            ("/data/sub", What::Directory),
            ("/data/sub/b.txt", What::File),
        ] {
            steps.makes.insert(path(text), Make { what, stat: after.lstat(text).expect(text) });
        }
        let source = self.share("");
        let mount = Mount::new("/data", source.to_str().expect("UTF-8"), MountMode::ReadWrite, &source);
        let staged = stage(&self.workspace, "testtest", &[mount.expect("good")], &steps, &after);
        staged.expect("staged").expect("something to write")
    }

    /// What the next process does first.
    fn open_again(&self) {
        let path = self.workspace.path().expect("a file");
        drop(Workspace::open(path, &OpenWorkspace::default()).expect("opened"));
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.share("")).expect("the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> = entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    fn is_done(&self) {
        assert_eq!(self.names(), ["a.txt", "link", "sub"]);
        assert_eq!(std::fs::read_to_string(self.share("a.txt")).expect("a file"), "new");
        assert_eq!(std::fs::read_to_string(self.share("link")).expect("through the link"), "b");
    }

    fn is_untouched(&self) {
        assert_eq!(self.names(), ["a.txt", "gone.txt"]);
        assert_eq!(std::fs::read_to_string(self.share("a.txt")).expect("a file"), "old");
    }
}

#[test]
fn decided_steps_are_finished_after_a_crash() {
    let scene = Scene::new();
    let mut staged = scene.stage();
    staged.decide(scene.workspace.file("test").expect("a file")).expect("decided");
    drop(staged);
    scene.open_again();
    scene.is_done();
    std::fs::write(scene.share("a.txt"), "later").expect("written");
    scene.open_again();
    assert_eq!(std::fs::read_to_string(scene.share("a.txt")).expect("a file"), "later", "once is enough");
}

#[test]
fn half_finished_steps_are_finished_too() {
    let scene = Scene::new();
    let mut staged = scene.stage();
    staged.decide(scene.workspace.file("test").expect("a file")).expect("decided");
    std::fs::remove_file(scene.share("gone.txt")).expect("removed");
    std::fs::rename(scene.share(".cowry-testtest/0"), scene.share("a.txt")).expect("renamed");
    drop(staged);
    scene.open_again();
    scene.is_done();
}

#[test]
fn undecided_steps_are_undone_after_a_crash() {
    let scene = Scene::new();
    drop(scene.stage());
    scene.open_again();
    scene.is_untouched();
}

#[test]
fn a_live_process_is_left_alone() {
    let scene = Scene::new();
    let staged = scene.stage();
    scene.open_again();
    assert_eq!(scene.names(), [".cowry-testtest", "a.txt", "gone.txt"]);
    staged.put_in_place(&scene.workspace).expect("put in place");
    scene.is_done();
}

#[test]
fn abandoning_leaves_nothing() {
    let scene = Scene::new();
    scene.stage().abandon(&scene.workspace).expect("abandoned");
    scene.is_untouched();
    scene.open_again();
    scene.is_untouched();
}
