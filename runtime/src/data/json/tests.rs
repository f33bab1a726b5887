use proptest::prelude::*;

use super::super::{Charset, RowSource, Source, Value};
use super::*;

fn source(text: &str, chunk: usize) -> Source {
    Source::chunked(text.as_bytes().to_vec(), Charset::Given(encoding_rs::UTF_8), chunk)
}

/// Every value as its line and its text; an error ends it unless it is of one row.
fn values(text: &str, layout: Layout, chunk: usize) -> Vec<String> {
    let mut values = Values::new(source(text, chunk), layout);
    let mut out = Vec::new();
    loop {
        match values.advance() {
            Ok(false) => return out,
            Ok(true) => out.push(format!("{} {}", values.at(), values.text())),
            Err(error) => {
                out.push(error.to_string());
                return out;
            }
        }
    }
}

fn check(text: &str, layout: Layout, expected: &[&str]) {
    for chunk in [1, 2, 5, 4096] {
        assert_eq!(values(text, layout, chunk), expected, "in chunks of {chunk}: {text:?}");
    }
}

#[test]
fn lines() {
    check("{\"a\":1}\n\n [2] \r\n\"x\"", Layout::Lines, &["1 {\"a\":1}", "3 [2]", "4 \"x\""]);
    check("\n", Layout::Lines, &[]);
}

#[test]
fn elements() {
    check(
        " [ {\"a\":\"]\\\"\"} ,\n[1,[2]],\n-1.5e3 , null]\n",
        Layout::Array,
        &["1 {\"a\":\"]\\\"\"}", "2 [1,[2]]", "3 -1.5e3", "3 null"],
    );
    check("[]", Layout::Array, &[]);
    check("", Layout::Array, &[]);
    check("{\"a\":[1]}", Layout::Array, &["1 {\"a\":[1]}"]);
}

#[test]
fn broken_arrays_say_where() {
    check("[1,\n2", Layout::Array, &["1 1", "2 2", "line 2: the array is not closed"]);
    check("[1 2]", Layout::Array, &["1 1", "line 1: a comma is missing between two elements"]);
    check("[1,]", Layout::Array, &["1 1", "line 1: a JSON value is missing"]);
    check("[\n{\"a\":", Layout::Array, &["line 2: the JSON value is not complete"]);
    check("[] x", Layout::Array, &["line 1: text after the end of the JSON value"]);
}

#[test]
fn rows_have_the_members_of_the_first_objects() {
    let text = "{\"a\":1,\"b\":\"x\\n\"}\n{\"b\":null,\"c\":[1, 2],\"__proto__\":2.5}\n7\n{\"a\" 1}\n";
    let mut rows = JsonRows::lines(source(text, 4096)).unwrap();
    let names: Vec<_> = rows.columns().iter().map(|column| column.name.clone()).collect();
    assert_eq!(names, ["a", "b", "c", "__proto__", "value"]);
    assert!(rows.advance().unwrap());
    assert_eq!(rows.value(0), Value::Integer(1));
    assert_eq!(rows.value(1), Value::Text("x\n".into()));
    assert_eq!(rows.value(2), Value::Null);
    assert!(rows.advance().unwrap());
    assert_eq!((rows.value(0), rows.value(1)), (Value::Null, Value::Null));
    assert_eq!((rows.value(2), rows.value(3)), (Value::Json("[1, 2]"), Value::Real(2.5)));
    assert!(rows.advance().unwrap());
    assert_eq!(rows.value(4), Value::Integer(7));
    assert_eq!(rows.advance().unwrap_err().to_string(), "line 4: a colon is missing");
    assert!(!rows.advance().unwrap());
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn arbitrary_text_is_read_alike_in_any_chunks(text in "[\\[\\]{}\",:\\\\1ae\n é]{0,60}", chunk in 1_usize..9) {
        for layout in [Layout::Lines, Layout::Array] {
            prop_assert_eq!(values(&text, layout, chunk), values(&text, layout, 4096));
        }
        if let Ok(mut rows) = JsonRows::array(source(&text, chunk)) {
            while let Ok(true) = rows.advance() {
                (0..rows.columns().len()).for_each(|column| drop(rows.value(column)));
            }
        }
    }

    #[test]
    fn members_are_those_that_serde_sees(names in proptest::collection::hash_set("[a\"\\\\é\n]{0,4}", 0..6)) {
        let object: serde_json::Map<_, _> =
            names.iter().enumerate().map(|(n, name)| (name.clone(), serde_json::json!([n, { name: name }]))).collect();
        let text = serde_json::to_string_pretty(&object).unwrap();
        let members: Result<Vec<_>, _> = Members::of(&text).unwrap().collect();
        let members: serde_json::Map<_, _> = members
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name.into_owned(), serde_json::from_str(value).unwrap()))
            .collect();
        prop_assert_eq!(members, object);
    }
}

fn steps(path: &str) -> String {
    match parse(path) {
        Ok(steps) => format!("{steps:?}").replace("Key(\"", "K(\""),
        Err(error) => error.to_string(),
    }
}

#[test]
fn paths_are_names_quoted_names_and_indexes() {
    for (path, expected) in [
        ("", "[]"),
        ("$", "[]"),
        (".", "[]"),
        (".a", "[K(\"a\")]"),
        ("$.a[0]", "[K(\"a\"), Index(0)]"),
        ("a.b[-2]['c.d'][\"e\\\"f\"]", "[K(\"a\"), K(\"b\"), Index(-2), K(\"c.d\"), K(\"e\\\"f\")]"),
        ("[3].x", "[Index(3), K(\"x\")]"),
        ("a..b", "path 'a..b': a name is missing at 3; paths are like a.b[0][\"c d\"][-1]"),
        ("a[x]", "path 'a[x]': no index and no quoted name at 2; paths are like a.b[0][\"c d\"][-1]"),
        ("a[0]b", "path 'a[0]b': no dot and no bracket at 5; paths are like a.b[0][\"c d\"][-1]"),
    ] {
        assert_eq!(steps(path), expected, "{path}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_path_or_says_why_not(path in "[a.\\[\\]\"'\\\\0-9é$-]{0,12}") {
        let _ = parse(&path);
    }

    /// What a parser of the whole document finds is what is found without holding it.
    #[test]
    fn values_by_path_are_those_of_a_parser(
        leaves in proptest::collection::vec("[a\"\\\\\\]}é,]{0,5}", 1..6),
        chunk in 1_usize..40,
        index in -7_i64..7,
    ) {
        let document = serde_json::json!({ "skip": leaves, "a": { "skip": [[], {}, -1.5e3, null], "b": leaves } });
        let text = serde_json::to_string_pretty(&document).unwrap();
        let path = [Step::Key("a".into()), Step::Key("b".into()), Step::Index(index)];
        let found = get(|| Ok(source(&text, chunk)), &path).unwrap();
        let found = found.map(|text| serde_json::from_str::<String>(&text).unwrap());
        let at = if index < 0 { leaves.len().checked_add_signed(index as isize) } else { Some(index as usize) };
        prop_assert_eq!(found.as_ref(), at.and_then(|at| leaves.get(at)));
    }

    #[test]
    fn arbitrary_text_has_values_or_errors_and_no_panics(text in "[\\[\\]{}\",:\\\\1a\n]{0,40}", chunk in 1_usize..9) {
        for path in ["a", "[0]", "[-1].a"] {
            let path = parse(path).unwrap();
            let all = get(|| Ok(source(&text, 4096)), &path).map_err(|error| error.to_string());
            let pieces = get(|| Ok(source(&text, chunk)), &path).map_err(|error| error.to_string());
            prop_assert_eq!(all, pieces);
        }
    }
}

#[test]
fn a_document_that_is_damaged_is_no_document_without_the_value() {
    for (text, path, expected) in [
        ("", "a", "line 1: the document ends where a value should be"),
        ("\n \n", "", "line 3: the document ends where a value should be"),
        ("{\"a\":1,\n\"b\":", "b", "line 2: the document ends where a value should be"),
        ("{\"a\":1,\n\"b\":", "c", "line 2: a JSON value is missing or not complete"),
        ("hello", "c", "line 1: not a JSON value"),
        ("{\"a\":{\"x\":1},\n\"b\":", "a.y", "line 2: a JSON value is missing or not complete"),
        ("{\"a\":[1],\n", "a[-2]", "line 2: a member has no name in double quotes"),
        ("[1,2,3", "a", "line 1: a JSON value is missing or not complete"),
        ("\"abc", "a", "line 1: a JSON value is missing or not complete"),
        ("{\"a\":1}\n}", "b", "line 2: text after the end of the JSON value"),
        ("[[1],[2]", "[0][5]", "line 1: an array is not closed"),
    ] {
        for chunk in [1, 3, 4096] {
            let path = parse(path).unwrap();
            let error = get(|| Ok(source(text, chunk)), &path).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text:?} {path:?} in chunks of {chunk}");
        }
    }
    let whole = "{\"a\":[1,{\"b\":null}],\"c\":2} \n";
    for path in ["d", "a.x", "a[5]", "a[-3]", "a[1].c", "c.d", "a[0][0]", "c[-1]"] {
        assert_eq!(get(|| Ok(source(whole, 3)), &parse(path).unwrap()).unwrap(), None, "{path}");
    }
    let damaged = "{\"a\":1,\"b\":";
    assert_eq!(get(|| Ok(source(damaged, 3)), &parse("a").unwrap()).unwrap().as_deref(), Some("1"));
}
