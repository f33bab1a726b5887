use serde_json::{Value, json};

use super::{text, tree, why};
use crate::state::plan::{EditPlan, Write};
use crate::state::replace::BatchOptions;
use crate::state::{Class, State};

fn plan(state: &State<'_>, instructions: Value) -> EditPlan {
    let instructions: Vec<Value> = serde_json::from_value(instructions).expect("a list");
    state.plan_edits(&instructions).expect("planned")
}

fn writes(edits: &[(&str, &str)]) -> Vec<Write> {
    let write = |(path, content): &(&str, &str)| Write { path: (*path).into(), content: (*content).into() };
    edits.iter().map(write).collect()
}

#[test]
fn edits_of_one_file_build_on_each_other() {
    let vfs = tree(&[("/a", "one two three"), ("/same", "same")]);
    vfs.symlink("/a", "/link").expect("made");
    let state = State { vfs: &vfs };
    let plan = plan(
        &state,
        json!([
            { "kind": "replace", "path": "/a", "search": "one", "replacement": "1" },
            { "kind": "replace", "path": "/link", "search": "TWO", "replacement": "2", "options": { "caseSensitive": false } },
            { "kind": "write", "path": "new/b", "content": "b" },
            { "kind": "replace", "path": "/new/b", "search": "b", "replacement": "c" },
            { "kind": "writeJson", "path": "/c.json", "value": { "b": 1, "a": [] } },
            { "kind": "write", "path": "/same", "content": "same" },
        ]),
    );
    let contents: Vec<_> = plan.edits.iter().map(|edit| (edit.content.as_str(), edit.changed)).collect();
    assert_eq!(
        contents,
        [
            ("1 two three", true),
            ("1 2 three", true),
            ("b", true),
            ("c", true),
            ("{\n  \"b\": 1,\n  \"a\": []\n}\n", true),
            ("same", false),
        ]
    );
    assert_eq!((plan.total_changed, plan.total_instructions), (5.0, 6.0));
    assert_eq!(plan.edits[5].diff, "");
    assert_eq!(text(&vfs, "/a"), "one two three", "nothing is written yet");

    // A plan is plain data.
    let plan: EditPlan = serde_json::from_str(&serde_json::to_string(&plan).expect("JSON")).expect("a plan");
    let done = state.apply_edit_plan(&plan, &BatchOptions::default()).expect("done");
    assert_eq!((done.total_changed, done.dry_run), (5, false));
    assert_eq!((text(&vfs, "/a").as_str(), text(&vfs, "/new/b").as_str()), ("1 2 three", "c"));
    assert!(vfs.lstat("/link").expect("there").is_symlink());
    assert!(done.edits[1].diff.contains("-1 two three"), "{}", done.edits[1].diff);
}

#[test]
fn a_file_that_changed_since_is_noticed() {
    let vfs = tree(&[("/a", "a"), ("/b", "b")]);
    let state = State { vfs: &vfs };
    let plan = plan(
        &state,
        json!([
            { "kind": "write", "path": "/a", "content": "A" },
            { "kind": "write", "path": "/b", "content": "B" },
            { "kind": "write", "path": "/c", "content": "C" },
        ]),
    );
    vfs.write("/b", b"x").expect("written");
    let error = state.apply_edit_plan(&plan, &BatchOptions::default()).expect_err("it is stale");
    assert_eq!(error.to_string(), "ESTALE: /b has changed since the plan was made: plan the edits again");
    assert_eq!(
        error.class,
        Class::Batch { operation: "applyEdits", rolled_back: true, rollback_error: None }
    );
    assert_eq!(text(&vfs, "/a"), "a");
    vfs.write("/b", b"b").expect("written");
    vfs.write("/c", b"made since").expect("written");
    assert!(why(state.apply_edit_plan(&plan, &BatchOptions::default())).starts_with("ESTALE: /c"));
    vfs.unlink("/c").expect("removed");
    state.apply_edit_plan(&plan, &BatchOptions::default()).expect("it is as it was");
    assert!(why(state.apply_edit_plan(&plan, &BatchOptions::default())).starts_with("ESTALE: /a"));
}

#[test]
fn what_cannot_be_planned() {
    let vfs = tree(&[("/a", "a")]);
    vfs.write("/bin", b"\xff").expect("written");
    let state = State { vfs: &vfs };
    let error = |instruction: Value| why(state.plan_edits(&[instruction]));
    assert_eq!(
        error(json!({ "kind": "replace", "path": "/none", "search": "a", "replacement": "b" })),
        "ENOENT: no such file: /none"
    );
    assert!(
        error(json!({ "kind": "replace", "path": "/bin", "search": "a", "replacement": "b" }))
            .starts_with("EILSEQ: /bin")
    );
    assert!(
        error(json!({ "kind": "replace", "path": "/a", "search": "", "replacement": "b" }))
            .contains("must not be empty")
    );
    let options = json!({ "caseSensitve": false });
    let mistyped =
        json!({ "kind": "replace", "path": "/a", "search": "a", "replacement": "b", "options": options });
    assert!(error(mistyped).contains("unknown field `caseSensitve`, expected one of `caseSensitive`"));
    assert!(error(json!({ "kind": "move", "path": "/a" })).contains("an instruction does not fit"));
    assert!(error(json!({ "kind": "write", "path": "/", "content": "b" })).starts_with("EISDIR: "));
}

#[test]
fn edits_are_all_done_or_none() {
    let vfs = tree(&[("/a", "a"), ("/dir/", "")]);
    let state = State { vfs: &vfs };
    let edits = writes(&[("/a", "A"), ("/new/b", "b"), ("/dir", "x")]);
    let error = state.apply_edits(&edits, &BatchOptions::default()).expect_err("a directory");
    assert_eq!((error.code, error.path.as_deref()), (Some("EISDIR"), Some("/dir")));
    assert_eq!((text(&vfs, "/a").as_str(), vfs.exists("/new")), ("a", false));

    let keep = BatchOptions { rollback_on_error: Some(false), ..BatchOptions::default() };
    let error = state.apply_edits(&edits, &keep).expect_err("a directory");
    assert_eq!(
        error.class,
        Class::Batch { operation: "applyEdits", rolled_back: false, rollback_error: None }
    );
    assert_eq!(text(&vfs, "/a"), "A");

    let dry = BatchOptions { dry_run: Some(true), ..BatchOptions::default() };
    let done =
        state.apply_edits(&writes(&[("/a", "x"), ("/a", "x"), ("/a", "y")]), &dry).expect("thought through");
    let changed: Vec<_> = done.edits.iter().map(|edit| edit.changed).collect();
    assert_eq!((changed, done.total_changed), (vec![true, false, true], 2));
    assert_eq!(text(&vfs, "/a"), "A");
}

#[test]
fn a_file_of_many_lines_can_be_edited() {
    let many: String = (0..20_000).map(|n| format!("{n}\n")).collect();
    let vfs = tree(&[("/many", &many)]);
    let state = State { vfs: &vfs };
    let done =
        state.apply_edits(&writes(&[("/many", &many.replace("\n500\n", "\nx\n"))]), &BatchOptions::default());
    assert_eq!(done.expect("done").edits[0].diff.lines().count(), 11);
}
