use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Step, delete, get, parse, set};

fn key(text: &str) -> Step {
    Step::Key(text.into())
}

fn steps(text: &str) -> Vec<Step> {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn paths_are_read_with_and_without_a_leading_dot() {
    for text in [".a.b[0]", "a.b[0]", "$.a.b[0]", "$['a'][\"b\"][ 0 ]"] {
        assert_eq!(steps(text), [key("a"), key("b"), Step::Index(0)], "{text}");
    }
    for root in ["", ".", "$"] {
        assert_eq!(steps(root), [], "{root:?}");
    }
}

#[test]
fn keys_in_quotes_may_hold_anything() {
    assert_eq!(steps(r#"["a.b"]['it\'s "x"']["q\"\u0041"]"#), [key("a.b"), key("it's \"x\""), key("q\"A")]);
    assert_eq!(steps("[-2]"), [Step::Index(-2)]);
}

#[test]
fn what_is_no_path_is_refused_by_its_text() {
    for text in [".a[", ".a[x]", ".a[*]", "a..b", "a.", ".a[\"x]", "[0]b", "[1.5]", "['a]"] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.message, format!("Invalid JSON path: {text}"));
    }
}

#[test]
fn a_missing_leaf_is_nothing_and_the_wrong_kind_an_error() {
    let value = json!({ "list": [1, { "x": 2 }], "n": 5 });
    assert_eq!(get(&value, &steps(".list[-1].x")).unwrap(), Some(&json!(2)));
    assert_eq!(get(&value, &steps(".list[7]")).unwrap(), None);
    assert_eq!(get(&value, &steps(".list[-3]")).unwrap(), None);
    assert_eq!(get(&value, &steps(".gone")).unwrap(), None);
    let message = |path: &str| get(&value, &steps(path)).expect_err(path).message;
    assert_eq!(message(".n[0]"), "JSON query expected array access at [0]");
    assert_eq!(message(".list.x"), "JSON query expected object access at \"x\"");
    assert_eq!(message(".gone.x"), "JSON query expected object access at \"x\"");
}

#[test]
fn setting_makes_what_is_missing_on_the_way() {
    let mut value = json!({});
    set(&mut value, &steps(".a.list[1].x"), json!(1)).unwrap();
    set(&mut value, &steps(".a.list[-1].y"), json!(2)).unwrap();
    assert_eq!(value, json!({ "a": { "list": [null, { "x": 1, "y": 2 }] } }));
    let mut fails = |path: &str| set(&mut value, &steps(path), json!(0)).expect_err(path).message;
    assert_eq!(fails(""), "JSON update path must not be empty");
    assert_eq!(fails(".a[0]"), "JSON update expected array at [0]");
    assert_eq!(fails(".a.list.x"), "JSON update expected object at \"x\"");
    assert!(fails(".a.list[1000000000]").starts_with("JSON update index is out of range at [1000000000]"));
    assert!(fails(".a.list[-3]").starts_with("JSON update index is out of range at [-3]"));
}

#[test]
fn proto_is_a_key_like_any_other() {
    let mut value = json!({});
    set(&mut value, &steps(".__proto__.polluted"), json!(true)).unwrap();
    assert_eq!(value.to_string(), r#"{"__proto__":{"polluted":true}}"#);
}

#[test]
fn deleting_keeps_the_order_of_what_stays() {
    let mut value: Value = serde_json::from_str(r#"{"a":1,"b":[1,2,3],"c":2}"#).unwrap();
    delete(&mut value, &steps(".a")).unwrap();
    delete(&mut value, &steps(".b[-2]")).unwrap();
    delete(&mut value, &steps(".none.below")).unwrap();
    assert_eq!(value.to_string(), r#"{"b":[1,3],"c":2}"#);
    assert_eq!(delete(&mut value, &[]).unwrap_err().message, "JSON delete path must not be empty");
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn any_key_in_quotes_is_found(text in ".*") {
        let quoted = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(parse(&format!("[{quoted}]")).unwrap(), vec![key(&text)]);
    }

    #[test]
    fn no_text_is_a_panic(text in r#"[\[\]\.'"$\\a0\-ä]{0,12}"#) {
        let _ = parse(&text);
    }
}
