use super::said;
use crate::merge::content::Three;
use crate::merge::json::merge;

fn merged(base: &str, ours: &str, theirs: &str) -> Option<Result<String, String>> {
    let files = Three { base: base.as_bytes(), ours: ours.as_bytes(), theirs: theirs.as_bytes() };
    merge(files).map(said)
}

fn check(base: &str, ours: &str, theirs: &str, expected: &str) {
    assert_eq!(merged(base, ours, theirs), Some(Ok(expected.to_owned())));
}

fn check_clash(base: &str, ours: &str, theirs: &str, expected: &str) {
    assert_eq!(merged(base, ours, theirs), Some(Err(expected.to_owned())));
}

#[test]
fn keys_that_each_changed_are_both_taken() {
    check(
        "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
        "{\n  \"a\": 10,\n  \"b\": 2\n}\n",
        "{\n  \"a\": 1,\n  \"b\": 20\n}\n",
        "{\n  \"a\": 10,\n  \"b\": 20\n}\n",
    );
}

#[test]
fn neighbouring_keys_that_come_are_both_taken() {
    check(
        "{\n  \"a\": 1\n}\n",
        "{\n  \"a\": 1,\n  \"ours\": true\n}\n",
        "{\n  \"a\": 1,\n  \"theirs\": [1, 2]\n}\n",
        "{\n  \"a\": 1,\n  \"theirs\": [1, 2],\n  \"ours\": true\n}\n",
    );
}

#[test]
fn keys_that_go_are_gone() {
    check("{\"a\": 1, \"b\": 2, \"c\": 3}", "{\"b\": 2, \"c\": 3}", "{\"a\": 1, \"b\": 2}", "{\"b\": 2}");
    check("{\"a\": 1, \"b\": 2}", "{\"b\": 2}", "{\"a\": 1}", "{}");
}

#[test]
fn the_last_key_goes_and_another_comes() {
    check(
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
        "{\n  \"a\": 1,\n  \"c\": 3\n}",
        "{\n  \"a\": 1,\n  \"c\": 3\n}",
    );
}

#[test]
fn objects_are_merged_at_any_depth() {
    check(
        r#"{"x": {"y": {"a": 1, "b": 1}}}"#,
        r#"{"x": {"y": {"a": 2, "b": 1}}}"#,
        r#"{"x": {"y": {"a": 1, "b": 2, "c": 3}}}"#,
        r#"{"x": {"y": {"a": 2, "b": 2, "c": 3}}}"#,
    );
}

#[test]
fn the_form_of_ours_stays() {
    check(
        r#"{"a":1,"b":{"c":1}}"#,
        "{ \"b\" : { \"c\" : 1 } ,\t\"a\":1 }",
        r#"{"a":5,"b":{"c":1}}"#,
        "{ \"b\" : { \"c\" : 1 } ,\t\"a\":5 }",
    );
}

#[test]
fn white_space_and_order_of_theirs_are_no_change() {
    check(r#"{"a":1,"b":2}"#, r#"{"a":9,"b":2}"#, "{ \"b\": 2,\n \"a\": 1 }", r#"{"a":9,"b":2}"#);
}

#[test]
fn a_key_that_both_changed_clashes() {
    check_clash(r#"{"x":{"a":1}}"#, r#"{"x":{"a":2}}"#, r#"{"x":{"a":3}}"#, "both changed the key \"x.a\"");
}

#[test]
fn arrays_are_values() {
    check_clash(r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, r#"{"a":[1,3]}"#, "both changed the key \"a\"");
    check(r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, r#"{"a":[ 1, 2 ]}"#, r#"{"a":[1,2]}"#);
}

#[test]
fn a_key_that_one_removed_and_one_changed_clashes() {
    check_clash(r#"{"a":1}"#, "{}", r#"{"a":2}"#, "both changed the key \"a\"");
    check_clash(r#"{"a":1}"#, r#"{"a":2}"#, "{}", "both changed the key \"a\"");
}

#[test]
fn objects_that_both_added_are_merged() {
    check(r#"{"z":0}"#, r#"{"z":0,"n":{"a":1}}"#, r#"{"z":0,"n":{"b":2}}"#, r#"{"z":0,"n":{"b":2,"a":1}}"#);
}

#[test]
fn into_an_empty_object() {
    check("{}", "{}", "{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}");
}

#[test]
fn what_is_no_object_is_not_merged_by_structure() {
    for bad in ["[1]", "1", "", "{", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{'a':1}", "{\"a\":tru}", "{} {}"] {
        assert_eq!(merged(bad, "{}", "{}"), None, "{bad}");
        assert_eq!(merged("{}", bad, "{}"), None, "{bad}");
        assert_eq!(merged("{}", "{}", bad), None, "{bad}");
    }
}

#[test]
fn keys_are_told_by_what_they_say() {
    assert_eq!(merged(r#"{"a":1,"\u0061":2}"#, "{}", "{}"), None, "the key is there twice");
}

#[test]
fn deep_nesting_ends() {
    let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    assert_eq!(merged(&deep, &deep, &deep), None);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(merged(&deep, &deep, &deep), None);
}
