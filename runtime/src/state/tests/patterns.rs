//! Regular expressions mean what they mean in JavaScript.

use proptest::prelude::*;

use crate::state::pattern::{Pattern, SearchOptions};
use crate::state::script_regex::{Manner, of_text, translate};

fn regex() -> SearchOptions {
    SearchOptions { regex: Some(true), ..SearchOptions::default() }
}

/// All matches, as `matchAll` finds them.
fn matches(pattern: &str, text: &str, options: &SearchOptions) -> Result<Vec<String>, String> {
    let pattern = Pattern::new(pattern, options).map_err(|error| error.to_string())?;
    let (mut all, mut next) = (Vec::new(), pattern.find(text, 0).map_err(|error| error.to_string())?);
    while let Some(found) = next {
        all.push(text[found.clone()].to_owned());
        next = pattern.find_after(text, &found).map_err(|error| error.to_string())?;
    }
    Ok(all)
}

fn check(pattern: &str, text: &str, expected: &[&str]) {
    assert_eq!(
        matches(pattern, text, &regex()).as_deref(),
        Ok(&expected.map_owned()[..]),
        "/{pattern}/ in {text:?}"
    );
}

trait Owned {
    fn map_owned(&self) -> Vec<String>;
}

impl Owned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn digits_and_words_are_ascii() {
    check(r"\d+", "12 ٣٤ 5", &["12", "5"]);
    check(r"\w+", "añb_1", &["a", "b_1"]);
    check(r"\ba", "éa a", &["a", "a"]);
    check(r"\Bb", "ab b éb", &["b"]);
    check(r"[^\W\d]+", "ab12é", &["ab"]);
}

#[test]
fn spaces_are_those_of_the_standard() {
    check(r"\s+", "a\u{feff}\u{a0}\u{2028}b\u{85}c", &["\u{feff}\u{a0}\u{2028}"]);
    check(r"\S+", "a b", &["a", "b"]);
}

#[test]
fn a_dot_is_no_line_end() {
    check("a.", "ab a\n a\r a\u{2028} a\u{85}", &["ab", "a\u{85}"]);
}

#[test]
fn empty_matches_step_by_a_character() {
    check("a*", "aab", &["aa", "", ""]);
    check("x?", "é", &["", ""]);
}

#[test]
fn classes_may_be_empty_or_everything() {
    check("a[]", "a]", &[]);
    check("a[^]", "a\n", &["a\n"]);
    check(r"[\b]", "a\u{8}", &["\u{8}"]);
    check(r"[\w-.]+", "a-b.c d", &["a-b.c", "d"]);
    check("[&&~~[-]+", "a&~-[", &["&~-["]);
    check("[-a]+", "b-a", &["-a"]);
}

#[test]
fn escapes_of_both_dialects() {
    check(r"\/\u0041\x42\u{43}\cJ\-\0", "/ABC\n-\0", &["/ABC\n-\0"]);
    check(r"\ud83d\ude00", "😀", &["😀"]);
    check(r"\p{Lu}\P{L}", "É1 e1", &["É1"]);
    check(r"\101\8", "A8", &["A8"]);
    check(r"\q\_", "q_", &["q_"]);
}

#[test]
fn braces_that_count_nothing_are_braces() {
    check("a{2}", "aaa", &["aa"]);
    check("a{,2}", "a{,2}", &["a{,2}"]);
    check("a{x} {1", "a{x} {1", &["a{x} {1"]);
    check("a{1,}?", "aa", &["a", "a"]);
}

#[test]
fn groups_of_all_kinds() {
    check("(?<year>[0-9]{4})-(?:0|1)", "2026-1", &["2026-1"]);
    check("(a|b)+|c", "abc", &["ab", "c"]);
}

#[test]
fn lookaround() {
    check("a(?=b)", "ab ac", &["a"]);
    check("a(?!b)", "ab ac", &["a"]);
    check(r"(?<=\$)\d+(?<!9)", "$12 $9 7", &["12"]);
    check(r"(?<=a+)b", "aab b", &["b"]);
    check(r"\b(?=a)a\b", "a éa", &["a", "a"]);
}

#[test]
fn backreferences() {
    check(r"(.)\1", "abba", &["bb"]);
    check(r"(?<q>['\u0022]).*?\k<q>", "'a\"' b", &["'a\"'"]);
    // A group that took no part matches nothing.
    check(r"(?:(a)|b)\1", "aa b", &["aa", "b"]);
    check(r"(a)\11", "aa1", &["aa1"]);
}

#[test]
fn what_is_no_pattern_is_named() {
    for (pattern, why) in [
        ("(", "Unterminated group"),
        (")", "Unmatched ')'"),
        ("[a", "Unterminated character class"),
        ("*", "Nothing to repeat"),
        ("a**", "Nothing to repeat"),
        ("^*", "Nothing to repeat"),
        ("a{2,1}", "numbers out of order in {} quantifier"),
        ("[z-a]", "Range out of order in character class"),
        ("\\", "\\ at end of pattern"),
        ("(?x)", "Invalid group"),
        ("(?<1 >a)", "Invalid capture group name"),
        ("(?<a>b)\\k<c>", "Invalid named capture referenced"),
        ("\\p{NoSuch}", "Unicode property not found"),
        ("(?:a{1000}){1000}{9}", "Nothing to repeat"),
        ("(?:(?:a{1000}){1000}){1000}", "it is too large"),
    ] {
        let error = Pattern::new(pattern, &regex()).map(drop).expect_err(pattern).to_string();
        assert!(error.starts_with("Invalid search pattern: "), "{error}");
        assert!(error.contains(why), "/{pattern}/: {error}");
    }
    let deep = "(".repeat(5000) + &")".repeat(5000);
    assert!(matches(&deep, "", &regex()).expect_err("too deep").contains("nested more than"));
    let error = Pattern::new("", &regex()).map(drop).expect_err("empty").to_string();
    assert_eq!(error, "Search query must not be empty");
}

#[test]
fn a_pattern_that_explodes_gives_up() {
    let error = matches("^(?=(a+)+$)b", &"a".repeat(60).replace("aaaaaaaaaa", "aaaaaaaaaac"), &regex());
    assert_eq!(error, Ok(vec![]));
    let error = matches(r"^(a|aa)+\1$", &("a".repeat(101) + "b"), &regex()).expect_err("too much work");
    assert!(error.starts_with("Search pattern takes too long: /^(a|aa)+\\1$/"), "{error}");
    // Without either it runs in linear time.
    assert_eq!(matches("^(a+)+$", &("a".repeat(100_000) + "b"), &regex()), Ok(vec![]));
}

/// What JavaScript says with `gi`.
#[test]
fn without_case_ascii_stays_ascii() {
    let text = "kK\u{212a} sS\u{17f} éÉ";
    let caseless = SearchOptions { case_sensitive: Some(false), ..SearchOptions::default() };
    assert_eq!(matches("k", text, &caseless).expect("searched"), ["k", "K"]);
    assert_eq!(matches("é", text, &caseless).expect("searched"), ["é", "É"]);
    let caseless = SearchOptions { regex: Some(true), ..caseless };
    for (pattern, expected) in [
        ("K", &["k", "K"][..]),
        ("S+", &["sS"]),
        ("[a-z]+", &["kK", "sS"]),
        ("[^K-S ]+", &["\u{212a}", "\u{17f}", "éÉ"]),
        (r"\w+", &["kK", "sS"]),
        (r"[\W]+", &["\u{212a} ", "\u{17f} éÉ"]),
        ("[éx]", &["é", "É"]),
        ("k(?=K)", &["k"]),
        ("(?<=[k])[a-z]", &["K"]),
        ("s{2}", &["sS"]),
    ] {
        assert_eq!(matches(pattern, text, &caseless).expect(pattern), expected, "/{pattern}/gi");
    }
}

#[test]
fn text_is_searched_as_it_stands() {
    let plain = SearchOptions::default();
    assert_eq!(matches("a.b", "a.b axb", &plain).expect("searched"), ["a.b"]);
    let caseless = SearchOptions { case_sensitive: Some(false), ..SearchOptions::default() };
    assert_eq!(matches("É.", "é. E.", &caseless).expect("searched"), ["é."]);
    let word = SearchOptions { whole_word: Some(true), ..SearchOptions::default() };
    assert_eq!(matches("cat", "cat concat cat", &word).expect("searched"), ["cat", "cat"]);
    let word = SearchOptions { whole_word: Some(true), regex: Some(true), ..SearchOptions::default() };
    assert_eq!(matches("a|ab", "ab a", &word).expect("searched"), ["ab", "a"]);
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn any_text_is_a_query(text in "\\PC{1,40}", before in "[a-z ]{0,10}") {
        let found = matches(&text, &format!("{before}{text}"), &SearchOptions::default()).expect("searched");
        prop_assert!(found.contains(&text));
        let escaped = regex::Regex::new(&of_text(&text, Manner::default()).text).expect("it is escaped");
        prop_assert_eq!(escaped.find(&text).map(|found| found.range()), Some(0..text.len()));
    }

    /// Whatever is translated can be compiled, or is refused with an error.
    #[test]
    fn no_pattern_panics(pattern in r"[()\[\]{}|*+?^$.\\,0-9a-zA-Z<>=!:&~_-]{0,30}", text in "[a-c\\n\\r0-9]{0,20}") {
        let _ = matches(&pattern, &text, &regex());
        let caseless = SearchOptions { case_sensitive: Some(false), ..regex() };
        let _ = matches(&pattern, &text, &caseless);
        if let Ok(translated) = translate(&pattern, Manner { whole_word: true, caseless: true }) {
            prop_assert_eq!(translated.lines.is_none(), translated.backtracks);
        }
    }
}
