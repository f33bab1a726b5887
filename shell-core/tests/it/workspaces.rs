//! History without runs: revisions, diffs, restoring.

use cowry_shell_core::{ErrorKind, OpenWorkspace, Revision, VPathBuf, Workspace};

use crate::Case;
use crate::place::{HOUR, Place, changed};

pub const CASES: &[Case] = &[
    ("direct_writes_are_sealed_when_told", direct_writes_are_sealed_when_told),
    ("revisions_by_number_distance_and_time", revisions_by_number_distance_and_time),
    ("a_diff_of_two_revisions", a_diff_of_two_revisions),
    ("an_old_state_comes_back_as_a_new_revision", an_old_state_comes_back_as_a_new_revision),
    ("what_is_not_there_is_named", what_is_not_there_is_named),
    ("a_sound_workspace_passes_its_check", a_sound_workspace_passes_its_check),
    ("opening_makes_a_file_only_when_asked", opening_makes_a_file_only_when_asked),
];

fn direct_writes_are_sealed_when_told() {
    let place = Place::new();
    place.workspace.fs().write("/a", b"1").expect("written");
    assert_eq!(place.workspace.head().expect("head"), Revision(0));
    let info = place.workspace.seal(Some("first")).expect("sealed").expect("something");
    assert_eq!((info.id, info.message.as_deref()), (Revision(1), Some("first")));
    assert_eq!(place.workspace.seal(None).expect("sealed"), None);
}

fn revisions_by_number_distance_and_time() {
    let place = Place::new();
    for text in ["1", "2", "3"] {
        place.clock.advance(HOUR);
        place.write("/a", text);
    }
    let resolve = |text: &str| place.workspace.resolve(text).map(|revision| revision.0);
    assert_eq!(resolve("latest").expect("known"), 3);
    assert_eq!(resolve("latest~2").expect("known"), 1);
    assert_eq!(resolve("2").expect("known"), 2);
    let second = place.workspace.log().expect("log")[1].sealed_at;
    let time = jiff::Timestamp::from_nanosecond(i128::from(second.0) + 1).expect("a time").to_string();
    assert_eq!(resolve(&time).expect("known"), 2);
    for (text, says) in [
        ("4", "the latest is 3"),
        ("latest~9", "the latest is 3"),
        ("1999-01-01T00:00:00Z", "nothing was sealed by"),
        ("mine", "no revision is called mine"),
    ] {
        let error = resolve(text).expect_err(text);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    assert_eq!(
        place.workspace.fs_at(Revision(1)).expect("a tree").read_to_string("/a").expect("a file"),
        "1"
    );
}

fn a_diff_of_two_revisions() {
    let place = Place::new();
    place.write("/a", "one\n");
    place.write("/b", "b");
    place.workspace.fs().write("/a", b"two\n").expect("written");
    place.workspace.fs().unlink("/b").expect("removed");
    place.workspace.seal(None).expect("sealed");
    let diff = place.workspace.diff(Revision(2), Revision(3)).expect("a diff");
    assert_eq!(changed(&diff), ["M /a", "R /b"]);
    let content = diff.content(&diff.changes[0]).expect("content");
    let cowry_shell_core::ContentDiff::Text { unified, added: 1, removed: 1 } = content else {
        panic!("{content:?}")
    };
    assert_eq!(unified, "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n");
}

fn an_old_state_comes_back_as_a_new_revision() {
    let place = Place::new();
    place.write("/a", "1");
    place.write("/b", "1");
    place.write("/a", "2");
    place.write("/b", "2");
    let path = VPathBuf::parse("/a").expect("a path");
    let info = place.workspace.restore(Revision(2), &[path]).expect("restored").expect("a revision");
    assert_eq!(info.id, Revision(5));
    assert_eq!((place.read("/a"), place.read("/b")), ("1".into(), "2".into()));
    place.workspace.restore(Revision(2), &[]).expect("restored").expect("a revision");
    assert_eq!((place.read("/a"), place.read("/b")), ("1".into(), "1".into()));
    assert_eq!(place.workspace.restore(Revision(2), &[]).expect("restored"), None);
}

fn what_is_not_there_is_named() {
    let place = Place::new();
    place.write("/a", "1");
    let path = VPathBuf::parse("/nope").expect("a path");
    for (error, says) in [
        (
            place.workspace.restore(Revision(1), &[path]).expect_err("no path"),
            "/nope is neither in revision 1",
        ),
        (place.workspace.restore(Revision(9), &[]).expect_err("no revision"), "the latest is 1"),
        (place.workspace.diff(Revision(1), Revision(9)).expect_err("no revision"), "the latest is 1"),
        (place.workspace.fs_at(Revision(9)).expect_err("no revision"), "the latest is 1"),
    ] {
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
}

fn a_sound_workspace_passes_its_check() {
    let place = Place::new();
    place.write("/a", &"content ".repeat(50_000));
    let report = place.workspace.check().expect("checked");
    assert!(report.problems.is_empty(), "{report:?}");
}

fn opening_makes_a_file_only_when_asked() {
    let place = Place::new();
    assert!(place.workspace.was_created() && !place.again().was_created());
    let path = place.host("other.cowry");
    assert!(Workspace::open(&path, &OpenWorkspace::default()).is_err());
    assert!(!path.exists());
    Workspace::open(&path, &OpenWorkspace::or_create()).expect("made");
    assert!(path.exists());
}
