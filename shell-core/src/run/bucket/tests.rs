use std::collections::BTreeMap;
use std::sync::Arc;

use cowry_vfs::object::{Bucket, Connect, Expect};
use cowry_vfs::{MemoryLayer, Overlay, OverlayOptions, Vfs, VfsOptions};
use tempfile::TempDir;

use super::{
    Before, Finish, Staged, conflicts, finish, finish_one, stage, take_journal, targets, unfinished,
};
use crate::mount::{Mount, MountMode};
use crate::policy::FileRules;
use crate::run::trees::Trees;
use crate::workspace::{OpenWorkspace, Workspace};

/// A workspace, a bucket in memory that is mounted, and what a run has changed in it.
struct Scene {
    folder: TempDir,
    workspace: Workspace,
    bucket: Bucket,
    trees: Trees,
    overlay: Arc<Overlay>,
}

impl Scene {
    /// The bucket has `a.txt`, `gone.txt` and `other.txt`; the run changes the first, removes the second and makes `sub/b.txt`.
    fn new(name: &str) -> Scene {
        let folder = TempDir::new().expect("a temporary folder");
        let workspace =
            Workspace::open(folder.path().join("w.cowry"), &OpenWorkspace::or_create()).expect("made");
        let address = format!("memory://{name}/in");
        let bucket = Bucket::open(&address.parse().expect(&address), Connect::default()).expect("opened");
        for name in ["a.txt", "gone.txt", "other.txt"] {
            put(&bucket, name, "old");
        }
        let mount = Mount::new("/data", &address, MountMode::ReadWrite, "".as_ref()).expect("good");
        let root = Arc::new(MemoryLayer::new());
        let trees = Trees::open(root, &[mount], workspace.clock()).expect("opened");
        let lower = trees.for_sandbox().remove(1).layer;
        let overlay = Arc::new(Overlay::new(lower, OverlayOptions::default()));
        let scene = Scene { folder, workspace, bucket, trees, overlay };
        let tree = scene.tree();
        tree.write("/a.txt", b"new").expect("written");
        tree.unlink("/gone.txt").expect("removed");
        tree.mkdir("/sub", 0o755).expect("made");
        tree.write("/sub/b.txt", b"b").expect("written");
        scene
    }

    fn tree(&self) -> Vfs {
        Vfs::new(self.overlay.clone(), VfsOptions::default())
    }

    fn stage(&self) -> Staged {
        let rules = FileRules::default();
        let diff = self.trees.diff(&[None, Some(self.overlay.fork())]).expect("compared");
        let staged = stage(&self.workspace, "testtest", &self.trees, &diff, &rules.judge(true));
        match staged.expect("staged") {
            Before::Ready(staged) => staged.expect("something to write"),
            Before::Conflict(conflicts) => panic!("{conflicts:?}"),
        }
    }

    fn decided(&self) -> Staged {
        let mut staged = self.stage();
        staged.decide(self.workspace.file("test").expect("a file"), None).expect("decided");
        staged
    }

    /// What the next process does first.
    fn again(&self) -> Workspace {
        let path = self.workspace.path().expect("a file");
        Workspace::open(path, &OpenWorkspace::default()).expect("opened")
    }

    fn objects(&self) -> BTreeMap<String, String> {
        let mut names = Vec::new();
        let listed = self.bucket.list_all("", |found| {
            names.push(found.name);
            Ok(())
        });
        listed.expect("listed");
        let read = |name: String| {
            let content = self.bucket.get(&name, None, None).expect("read");
            (name, String::from_utf8(content.to_vec()).expect("UTF-8"))
        };
        names.into_iter().map(read).collect()
    }

    fn is(&self, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        assert_eq!(self.objects(), expected);
    }

    fn is_done(&self) {
        self.is(&[("a.txt", "new"), ("other.txt", "old"), ("sub/b.txt", "b")]);
        self.nothing_is_left();
    }

    fn is_untouched(&self) {
        self.is(&[("a.txt", "old"), ("gone.txt", "old"), ("other.txt", "old")]);
    }

    fn nothing_is_left(&self) {
        assert!(unfinished(&self.again()).expect("asked").is_empty());
        let held = self.held();
        assert!(held.is_empty(), "{held:?}");
    }

    /// What is beside the workspace.
    fn held(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name.contains("-held-")).collect()
    }
}

fn put(bucket: &Bucket, name: &str, text: &str) {
    let content = bytes::Bytes::copy_from_slice(text.as_bytes());
    bucket.put(name, content, &Expect::Anything, &BTreeMap::new()).expect("put");
}

#[test]
fn what_is_staged_is_written() {
    let scene = Scene::new("written");
    let records = scene.decided().put_in_place(&scene.workspace, Some(&scene.trees)).expect("put in place");
    assert_eq!((records[0].done, records[0].bytes, records[0].left), (3, 4, 0));
    scene.is_done();
}

#[test]
fn decided_writes_are_finished_after_a_crash() {
    let scene = Scene::new("crash");
    drop(scene.decided());
    scene.is_untouched();
    let workspace = scene.again();
    let left = unfinished(&workspace).expect("asked");
    assert_eq!((left[0].0.as_str(), left[0].1[0].left), ("testtest", 3));
    let (id, records) = finish(&workspace, "test", Finish::Retry).expect("finished").expect("there was one");
    assert_eq!((id.as_str(), records[0].done, records[0].left), ("testtest", 3, 0));
    scene.is_done();
    assert!(finish(&workspace, "test", Finish::Retry).expect("asked").is_none());
}

#[test]
fn what_was_written_before_a_crash_is_no_conflict() {
    let scene = Scene::new("half");
    let Staged { mut journal, held } = scene.decided();
    take_journal(&mut journal, &held, &scene.workspace, None);
    drop(held);
    let (_, records) =
        finish(&scene.again(), "test", Finish::Retry).expect("finished").expect("there was one");
    assert_eq!((records[0].done, records[0].left, records[0].conflicts.len()), (3, 0, 0));
    scene.is_done();
}

/// Two processes saw that something was left, and one of them was faster.
#[test]
fn what_another_process_has_finished_is_not_begun_again() {
    let scene = Scene::new("twice");
    drop(scene.decided());
    let (one, other) = (scene.again(), scene.again());
    assert!(finish_one(&one, "testtest", Finish::Retry).expect("finished").is_some());
    put(&scene.bucket, "gone.txt", "made anew");
    assert!(finish_one(&other, "testtest", Finish::Retry).expect("asked").is_none());
    scene.is(&[("a.txt", "new"), ("gone.txt", "made anew"), ("other.txt", "old"), ("sub/b.txt", "b")]);
    scene.nothing_is_left();
}

#[test]
fn undecided_writes_are_undone_after_a_crash() {
    let scene = Scene::new("undone");
    drop(scene.stage());
    assert_eq!(scene.held().len(), 1);
    drop(scene.again());
    scene.is_untouched();
    scene.nothing_is_left();
}

#[test]
fn a_live_process_is_left_alone() {
    let scene = Scene::new("live");
    let staged = scene.decided();
    let workspace = scene.again();
    assert!(unfinished(&workspace).expect("asked").is_empty());
    assert!(finish(&workspace, "test", Finish::Retry).is_err(), "somebody else is at it");
    staged.put_in_place(&scene.workspace, None).expect("put in place");
    scene.is_done();
}

#[test]
fn what_others_changed_is_not_written_over() {
    let scene = Scene::new("conflict");
    let staged = scene.decided();
    put(&scene.bucket, "a.txt", "theirs");
    put(&scene.bucket, "gone.txt", "theirs");
    put(&scene.bucket, "sub/b.txt", "theirs");
    let records = staged.put_in_place(&scene.workspace, None).expect("put in place");
    assert_eq!((records[0].done, records[0].left, records[0].conflicts.len()), (0, 3, 3));
    let theirs = [("a.txt", "theirs"), ("gone.txt", "theirs"), ("other.txt", "old"), ("sub/b.txt", "theirs")];
    scene.is(&theirs);
    finish(&scene.again(), "test", Finish::Retry).expect("tried");
    scene.is(&theirs);
    finish(&scene.again(), "test", Finish::Overwrite).expect("finished");
    scene.is_done();
}

#[test]
fn what_is_dropped_is_forgotten() {
    let scene = Scene::new("dropped");
    let staged = scene.decided();
    put(&scene.bucket, "a.txt", "theirs");
    let records = staged.put_in_place(&scene.workspace, None).expect("put in place");
    assert_eq!((records[0].done, records[0].left), (2, 1));
    assert_eq!(records[0].conflicts, ["memory://conflict/in/a.txt".replace("conflict", "dropped")]);
    let (_, records) = finish(&scene.again(), "test", Finish::Drop).expect("dropped").expect("there was one");
    assert_eq!(records[0].left, 0);
    scene.is(&[("a.txt", "theirs"), ("other.txt", "old"), ("sub/b.txt", "b")]);
    scene.nothing_is_left();
}

#[test]
fn a_conflict_is_seen_before_the_commit() {
    let scene = Scene::new("before");
    put(&scene.bucket, "sub/b.txt", "theirs");
    let rules = FileRules::default();
    let diff = scene.trees.diff(&[None, Some(scene.overlay.fork())]).expect("compared");
    let targets = targets(&scene.trees, &diff, &rules.judge(true)).expect("planned");
    let found = conflicts(&targets);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "/data/sub/b.txt");
    assert!(scene.held().is_empty());
}

#[test]
fn content_that_is_not_there_any_more_is_told() {
    let scene = Scene::new("lost");
    drop(scene.decided());
    std::fs::remove_dir_all(scene.folder.path().join("w.cowry-held-testtest")).expect("removed");
    let (_, records) = finish(&scene.again(), "test", Finish::Retry).expect("tried").expect("there was one");
    let why = records[0].trouble.clone().expect("a trouble");
    assert!(why.contains("w.cowry-held-testtest") && records[0].left > 0, "{why}");
}

#[test]
fn content_that_is_held_under_an_earlier_name_is_found() {
    let scene = Scene::new("renamed");
    drop(scene.decided());
    let [old, new] = ["v", "w"].map(|name| scene.folder.path().join(format!("{name}.cowry-held-testtest")));
    std::fs::rename(&new, &old).expect("renamed");
    let (_, records) = finish(&scene.again(), "test", Finish::Retry).expect("tried").expect("there was one");
    let why = records[0].trouble.clone().expect("a trouble");
    let (held, to) = (format!("held in {}", old.display()), format!("rename that to {}", new.display()));
    assert!(why.contains(&held) && why.ends_with(&to), "{why}");
    assert_eq!(scene.held(), ["v.cowry-held-testtest"]);
    scene.is_untouched();
    std::fs::rename(old, new).expect("renamed");
    let (_, records) =
        finish(&scene.again(), "test", Finish::Retry).expect("finished").expect("there was one");
    assert_eq!(records[0].left, 0);
    scene.is_done();
}
