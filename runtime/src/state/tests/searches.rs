use proptest::prelude::*;
use serde_json::json;

use super::{text, tree, why};
use crate::state::pattern::{Pattern, SearchOptions};
use crate::state::search::Search;
use crate::state::{Class, State};

fn options(value: serde_json::Value) -> SearchOptions {
    serde_json::from_value(value).expect("options")
}

/// Lines, columns and texts of the matches.
fn found(content: &str, query: &str, with: serde_json::Value) -> Vec<(usize, usize, String)> {
    let vfs = tree(&[("/f", content)]);
    let matches = State { vfs: &vfs }.search_text("/f", query, &options(with)).expect("searched");
    matches.into_iter().map(|found| (found.line, found.column, found.text)).collect()
}

#[test]
fn lines_and_columns_count_from_one_in_utf16() {
    assert_eq!(
        found("😀 ab\nx\nab é ab", "ab", json!({})),
        [(1, 4, "ab".into()), (3, 1, "ab".into()), (3, 6, "ab".into())]
    );
}

#[test]
fn anchors_are_those_of_lines() {
    let regex = json!({ "regex": true });
    assert_eq!(
        found("ab\r\nb\n\nab", "b$", regex.clone()),
        [(1, 2, "b".into()), (2, 1, "b".into()), (4, 2, "b".into())]
    );
    assert_eq!(found("a\n\nb\n", "^$", regex.clone()), [(2, 1, String::new())]);
    assert_eq!(found("a\nb", r"a\s*b|[^x]$", regex.clone()), [(1, 1, "a".into()), (2, 1, "b".into())]);
    assert_eq!(found("a\nb", "a\nb", json!({})), []);
    assert_eq!(found("ab\nb", r"(?<!a)b", regex), [(2, 1, "b".into())]);
}

#[test]
fn context_and_bounds() {
    let vfs = tree(&[("/f", "1\r\n2\nx x\n4\n5\n"), ("/g", "x\nx\nx")]);
    let state = State { vfs: &vfs };
    let with = options(json!({ "contextBefore": 1, "contextAfter": 5, "maxMatches": 1 }));
    let matches = state.search_text("/f", "x", &with).expect("searched");
    assert_eq!(
        serde_json::to_value(&matches).expect("JSON"),
        json!([{ "line": 3, "column": 1, "match": "x", "lineText": "x x", "beforeLines": ["2"], "afterLines": ["4", "5"] }])
    );
    let files = state.search_files("/*", "x", &options(json!({ "maxMatches": 2 }))).expect("searched");
    let counts: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.matches.len())).collect();
    assert_eq!(counts, [("/f", 2), ("/g", 2)]);
    let none = state.search_files("/*", "x", &options(json!({ "maxMatches": 0 }))).expect("searched");
    assert_eq!(none, state.search_files("/*", "x", &options(json!({ "maxMatches": 1 }))).expect("searched"));
}

#[test]
fn bytes_that_are_no_text_are_searched_too() {
    let vfs = tree(&[]);
    vfs.write("/bin", b"\xff\0needle\xfe\nneedle").expect("written");
    let matches =
        State { vfs: &vfs }.search_files("/**", "needle", &SearchOptions::default()).expect("searched");
    assert_eq!(
        (matches[0].matches[0].column, matches[0].matches[0].line_text.as_str()),
        (3, "\u{fffd}\0needle\u{fffd}")
    );
    assert_eq!(matches[0].matches[1].line, 2);
}

#[test]
fn a_large_file_is_searched_in_pieces_and_alike() {
    let mut content = String::new();
    for line in 0..400_000 {
        content.push_str(if line % 50_000 == 7 { "needle é line\r\n" } else { "some line of hay ü\n" });
    }
    assert!(content.len() > 5 << 20);
    let vfs = tree(&[("/large", &content)]);
    let with = options(json!({ "contextBefore": 2, "contextAfter": 3 }));
    let pieces = State { vfs: &vfs }.search_text("/large", "needle", &with).expect("searched");
    let pattern = Pattern::new("needle", &with).expect("a query");
    let whole = Search::new(&pattern, &with).in_text(&content).expect("searched");
    assert_eq!(pieces.len(), 8);
    assert!(pieces == whole);
    // Bytes that are no UTF-8 change no line.
    vfs.append("/large", b"\xff\nneedle").expect("written");
    let pieces = State { vfs: &vfs }.search_text("/large", "needle", &with).expect("searched");
    assert_eq!((pieces.len(), pieces[8].line), (9, 400_002));
    assert_eq!(pieces[8].before_lines.as_ref().expect("context")[1], "\u{fffd}");
}

#[test]
fn what_would_be_too_much_is_refused() {
    let vfs = tree(&[("/line", &"a".repeat(100_000))]);
    let error = why(State { vfs: &vfs }.search_text("/line", "a", &SearchOptions::default()));
    assert!(error.contains("larger than 64 MiB: narrow"), "{error}");
}

#[test]
fn replacements_are_literal_and_span_lines() {
    let vfs = tree(&[("/f", "a\nb a\nb")]);
    let state = State { vfs: &vfs };
    let done = state.replace_in_file("/f", "a\nb", "$1", &SearchOptions::default()).expect("replaced");
    assert_eq!((done.replaced, done.content.as_str()), (2, "$1 $1"));
    assert_eq!(text(&vfs, "/f"), "$1 $1");
    let before = vfs.stat("/f").expect("there").version;
    assert_eq!(
        state.replace_in_file("/f", "none", "", &SearchOptions::default()).expect("replaced").replaced,
        0
    );
    assert_eq!(vfs.stat("/f").expect("there").version, before);
}

#[test]
fn an_empty_match_is_replaced_as_javascript_does() {
    let vfs = tree(&[("/f", "aéa")]);
    let with = options(json!({ "regex": true }));
    let done = State { vfs: &vfs }.replace_in_file("/f", "x*", "-", &with).expect("replaced");
    assert_eq!((done.replaced, done.content.as_str()), (4, "-a-é-a-"));
}

#[test]
fn bytes_beside_a_replacement_stay_as_they_are() {
    let vfs = tree(&[]);
    vfs.write("/bin", b"\xffab\xfe\xe2\x82ab").expect("written");
    let done = State { vfs: &vfs }.replace_in_file("/bin", "ab", "c", &SearchOptions::default());
    assert_eq!(done.expect("replaced").content, "\u{fffd}c\u{fffd}\u{fffd}c");
    assert_eq!(&vfs.read("/bin").expect("there")[..], b"\xffc\xfe\xe2\x82c");
}

#[test]
fn many_files_change_together_or_not_at_all() {
    let vfs = tree(&[("/a.txt", "one two"), ("/b.txt", "two"), ("/c.txt", "three")]);
    let state = State { vfs: &vfs };
    let dry = serde_json::from_value(json!({ "dryRun": true })).expect("options");
    let done = state.replace_in_files("/*.txt", "two", "2", &dry).expect("replaced");
    assert_eq!((done.dry_run, done.total_files, done.total_replacements), (true, 2, 2));
    assert_eq!(
        done.files[0].diff,
        "--- /a.txt\n+++ /a.txt\n@@ -1,1 +1,1 @@\n-one two\n\\ No newline at end of file\n+one 2\n\\ No newline at end of file\n"
    );
    assert_eq!(text(&vfs, "/a.txt"), "one two");

    let at_last = serde_json::from_value(json!({ "regex": true })).expect("options");
    vfs.write("/b.txt", ("a".repeat(101) + "b").as_bytes()).expect("written");
    let error =
        state.replace_in_files("/*.txt", r"two|^(a|aa)+\1$", "2", &at_last).expect_err("it takes too long");
    assert_eq!(
        error.class,
        Class::Batch { operation: "replaceInFiles", rolled_back: true, rollback_error: None }
    );
    assert_eq!(text(&vfs, "/a.txt"), "one two");

    let keep = serde_json::from_value(json!({ "regex": true, "rollbackOnError": false })).expect("options");
    let error =
        state.replace_in_files("/*.txt", r"two|^(a|aa)+\1$", "2", &keep).expect_err("it takes too long");
    assert!(matches!(error.class, Class::Batch { rolled_back: false, .. }));
    assert_eq!(text(&vfs, "/a.txt"), "one 2");
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    /// Lines without a match are passed over, which must change nothing.
    #[test]
    fn lines_are_found_as_if_each_were_searched(
        pattern in "(a|b|c|\\^|\\$|\\.|\\\\s|\\\\b|\\[\\^a\\]|\\[ab\\]|\\\\W|a\\*|b\\+|\\n){1,5}",
        content in "[abc \\n\\r]{0,60}",
    ) {
        let with = options(json!({ "regex": true }));
        let Ok(query) = Pattern::new(&pattern, &with) else { return Ok(()) };
        let fast = Search::new(&query, &with).in_text(&content).expect("searched");
        let mut slow = Vec::new();
        for (number, line) in content.split_inclusive('\n').enumerate() {
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = line.strip_suffix('\r').unwrap_or(line);
            let mut next = query.find(line, 0).expect("searched");
            while let Some(found) = next {
                slow.push((number + 1, found.start + 1, line[found.clone()].to_owned()));
                next = query.find_after(line, &found).expect("searched");
            }
        }
        let fast: Vec<_> = fast.into_iter().map(|found| (found.line, found.column, found.text)).collect();
        prop_assert_eq!(fast, slow, "/{}/ in {:?}", pattern, content);
    }
}
