use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::{tree, why};
use crate::state::State;
use crate::state::diff::unified;
use crate::state::plan::Write;
use crate::state::replace::BatchOptions;

#[test]
fn equal_texts_have_no_difference() {
    assert_eq!(unified("/a", "/b", "a\n", "a\n"), "");
}

#[test]
fn hunks_and_ends_of_files() {
    for (before, after, hunks) in [
        ("", "a\n", "@@ -0,0 +1,1 @@\n+a\n"),
        ("a\n", "", "@@ -1,1 +0,0 @@\n-a\n"),
        ("a", "a\n", "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        ("a\nb", "a\nc\nb", "@@ -1,2 +1,3 @@\n a\n+c\n b\n\\ No newline at end of file\n"),
        ("1\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n", "@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+five\n"),
    ] {
        assert_eq!(unified("/a", "/b", before, after), format!("--- /a\n+++ /b\n{hunks}"));
    }
}

#[test]
fn changes_far_apart_are_hunks_of_their_own() {
    let lines = |changed: &[usize]| -> String {
        (1..=40).map(|n| if changed.contains(&n) { format!("x{n}\n") } else { format!("{n}\n") }).collect()
    };
    let hunks = |changed: &[usize]| unified("/a", "/a", &lines(&[]), &lines(changed)).matches("@@ -").count();
    assert_eq!(hunks(&[10, 17]), 1);
    assert_eq!(hunks(&[10, 18]), 2);
}

#[test]
fn files_and_contents() {
    let vfs = tree(&[("/a", "a\n"), ("/b", "b\n")]);
    let state = State { vfs: &vfs };
    assert_eq!(state.diff("/a", "/b").expect("compared"), "--- /a\n+++ /b\n@@ -1,1 +1,1 @@\n-a\n+b\n");
    assert_eq!(state.diff_content("/a", "a\n").expect("compared"), "");
    assert!(why(state.diff("/a", "/none")).starts_with("ENOENT: "));
    vfs.truncate("/b", 1 << 40).expect("a hole");
    assert!(why(state.diff("/a", "/b")).starts_with("EFBIG: "));
}

#[test]
fn what_is_no_text_differs_too() {
    let vfs = tree(&[("/text", "\u{fffd}")]);
    vfs.write("/a", b"\xff\xfe").expect("written");
    vfs.write("/b", b"\xff\xfd").expect("written");
    let state = State { vfs: &vfs };
    assert_eq!(state.diff("/a", "/b").expect("compared"), "Binary files /a and /b differ\n");
    assert_eq!(state.diff("/a", "/text").expect("compared"), "Binary files /a and /text differ\n");
    assert_eq!(state.diff("/a", "/a").expect("compared"), "");
    let differ = "Binary files /a and /a differ\n";
    // What the bytes would be if they were read as text.
    let content = "\u{fffd}\u{fffd}";
    assert_eq!(state.diff_content("/a", content).expect("compared"), differ);
    let edits = [Write { path: "/a".into(), content: content.into() }];
    let done = state.apply_edits(&edits, &BatchOptions { dry_run: Some(true), ..Default::default() });
    assert_eq!(done.expect("planned").edits[0].diff, differ);
    vfs.write("/a", b"x\xff").expect("written");
    let done = state.replace_in_files("/a", "x", "y", &Default::default()).expect("replaced");
    assert_eq!(done.files[0].diff, differ);
}

#[test]
fn there_is_no_limit_of_lines() {
    let text = |with: &str| -> String { (0..300_000).map(|n| format!("{n}{with}\n")).collect() };
    let (before, after) = (text(""), text("x"));
    let diff = unified("/a", "/a", &before, &after);
    assert_eq!(apply(&before, &diff), after);
    let edited = before.replace("\n777\n", "\nseven\n");
    assert_eq!(unified("/a", "/a", &before, &edited).lines().count(), 3 + 8);
}

/// What `patch` does with a diff, as far as ours go.
fn apply(before: &str, diff: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let (mut out, mut at) = (String::new(), 0);
    let diff = diff.replace("\n\\ No newline at end of file\n", "\0\n");
    for line in diff.split_inclusive('\n').skip(2) {
        let content = line[1..].strip_suffix("\0\n").unwrap_or(&line[1..]);
        match line.as_bytes()[0] {
            b'@' => {
                let (start, count) =
                    line[4..].split_once(' ').and_then(|(old, _)| old.split_once(',')).expect("a range");
                let start: usize = start.parse().expect("a number");
                let first = if count == "0" { start } else { start - 1 };
                out.extend(old[at..first].iter().copied());
                at = first;
            }
            b'+' => out.push_str(content),
            sign => {
                assert_eq!(old[at], content);
                at += 1;
                if sign == b' ' {
                    out.push_str(content);
                }
            }
        }
    }
    out.extend(old[at..].iter().copied());
    out
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn a_diff_makes_one_text_of_the_other(before in "([abc]{0,1}\\n){0,30}[ab]?", after in "([abc]{0,1}\\n){0,30}[ab]?") {
        let diff = unified("/a", "/b", &before, &after);
        prop_assert_eq!(diff.is_empty(), before == after);
        prop_assert_eq!(apply(&before, &diff), after);
    }
}

/// What the program `patch` makes of it; nothing where there is none.
fn patched(before: &str, diff: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, before).expect("written");
    let mut patch = Command::new("patch")
        .args(["--binary", "--quiet", "--posix", "-o", "-"])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    patch.stdin.take().expect("piped").write_all(diff.as_bytes()).expect("sent");
    let output = patch.wait_with_output().expect("ended");
    assert!(output.status.success(), "patch refused:\n{diff}");
    Some(String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn patch_accepts_what_is_written() {
    let many: String = (0..2000).map(|n| format!("line {n}\n")).collect();
    let edited =
        many.replace("line 17\n", "").replace("line 900\n", "more\nand more\n").replace("line 1999\n", "end");
    for (before, after) in
        [("a\nb\nc\n", "a\nc\nd"), ("a", "b"), ("x\n", "x\ny\n"), (&many, &edited), (&edited, &many)]
    {
        match patched(before, &unified("/f", "/f", before, after)) {
            Some(made) => assert_eq!(made, after),
            None => return eprintln!("skipped: there is no program `patch` here"),
        }
    }
}
