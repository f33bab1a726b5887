use proptest::prelude::*;

use super::{tree, why};
use crate::state::State;
use crate::state::glob::Glob;

fn matching<'a>(pattern: &str, paths: &[&'a str]) -> Vec<&'a str> {
    let glob = Glob::new(pattern).expect("a pattern");
    paths.iter().copied().filter(|path| glob.matches(path)).collect()
}

#[test]
fn stars_and_question_marks_stay_within_a_component() {
    let paths = ["/a.ts", "/.ts", "/a/b.ts", "/ab.tsx"];
    assert_eq!(matching("/*.ts", &paths), ["/a.ts", "/.ts"]);
    assert_eq!(matching("/??ts", &paths), ["/a.ts"]);
}

#[test]
fn two_stars_cross_components() {
    let paths = ["/a.ts", "/x/a.ts", "/x/y/a.ts", "/x/ya.ts", "/b.ts"];
    assert_eq!(matching("/**/a.ts", &paths), ["/a.ts", "/x/a.ts", "/x/y/a.ts"]);
    assert_eq!(matching("/x/**", &paths), ["/x/a.ts", "/x/y/a.ts", "/x/ya.ts"]);
    assert_eq!(matching("/x**a.ts", &paths), ["/x/a.ts", "/x/y/a.ts", "/x/ya.ts"]);
    assert_eq!(matching("**/*.ts", &paths), paths);
}

#[test]
fn classes_and_their_negation() {
    let paths = ["/a1", "/b1", "/c1", "/-1", "/]1", "/^1"];
    assert_eq!(matching("/[ab]1", &paths), ["/a1", "/b1"]);
    assert_eq!(matching("/[!a-c]1", &paths), ["/-1", "/]1", "/^1"]);
    assert_eq!(matching("/[^a-c-]1", &paths), ["/]1", "/^1"]);
    assert_eq!(matching("/[]a]1", &paths), ["/a1", "/]1"]);
    assert_eq!(matching("/[a", &["/[a"]), ["/[a"]);
    assert_eq!(matching("/x[!a]y", &["/x/y", "/xby"]), ["/xby"]);
    assert_eq!(why(Glob::new("/[z-a]")), "Invalid glob pattern: /[z-a]: the range z-a is out of order");
}

#[test]
fn alternatives_hold_patterns() {
    let paths = ["/a.ts", "/a.tsx", "/b.js", "/src/a.js", "/{a"];
    assert_eq!(matching("/{a.*,src/**}", &paths), ["/a.ts", "/a.tsx", "/src/a.js"]);
    assert_eq!(matching("/a.{ts{,x},js}", &paths), ["/a.ts", "/a.tsx"]);
    assert_eq!(matching("/{a", &paths), ["/{a"]);
    assert_eq!(matching("/a},b*", &["/a},bc"]), ["/a},bc"]);
}

#[test]
fn a_backslash_makes_anything_itself() {
    assert_eq!(matching("/\\*\\{", &["/*{", "/a{"]), ["/*{"]);
}

#[test]
fn a_tree_is_matched_whatever_it_holds() {
    let vfs = tree(&[("/src/a.ts", ""), ("/src/.hidden/b.ts", ""), ("/src-x/c.ts", ""), ("/d.ts", "")]);
    vfs.symlink("/src", "/link").expect("made");
    let glob = |pattern: &str| State { vfs: &vfs }.glob(pattern).expect("matched");
    assert_eq!(glob("/**/*.ts"), ["/d.ts", "/src-x/c.ts", "/src/.hidden/b.ts", "/src/a.ts"]);
    assert_eq!(glob("*"), ["/d.ts", "/link", "/src", "/src-x"]);
    assert_eq!(glob("./src/../src/./a.ts"), ["/src/a.ts"]);
    assert_eq!(glob("/src/*"), ["/src/.hidden", "/src/a.ts"]);
    assert_eq!(glob("/link/*"), [""; 0]);
    assert_eq!(glob("/link/a.ts"), [""; 0]);
    assert_eq!(glob("/link"), ["/link"]);
    assert_eq!(glob("/none/**"), [""; 0]);
    assert_eq!(glob("/d.ts/*"), [""; 0]);
    assert_eq!(glob("/"), ["/"]);
    assert_eq!(glob("{src,src-x}/*.ts"), ["/src-x/c.ts", "/src/a.ts"]);
    assert_eq!(glob("/src/**/"), ["/src/.hidden", "/src/.hidden/b.ts", "/src/a.ts"]);
}

/// Matching as it is defined, with all the time in the world: no classes, no braces.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', '*', '/', rest @ ..], _) if slow(rest, text) => true,
        (['*', '*', '/', rest @ ..], _) => {
            (1..text.len()).any(|at| text[at] == '/' && slow(rest, &text[at + 1..]))
        }
        (['*', '*', rest @ ..], _) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
        (['*', rest @ ..], _) => {
            (0..=text.len()).take_while(|at| !text[..*at].contains(&'/')).any(|at| slow(rest, &text[at..]))
        }
        (['?', rest @ ..], [c, after @ ..]) => *c != '/' && slow(rest, after),
        ([p, rest @ ..], [c, after @ ..]) => p == c && slow(rest, after),
        _ => false,
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn matches_what_is_defined(pattern in "[ab*?/]{1,10}", text in "(/[ab]{1,3}){1,4}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        // Three stars are two.
        let plain = pattern.replace("****", "**").replace("***", "**");
        let glob = Glob::of_text(&plain).expect("a pattern");
        prop_assert_eq!(glob.matches(&text), slow(&chars(&plain), &chars(&text)), "{} {}", plain, text);
    }

    #[test]
    fn no_pattern_panics(pattern in r"[\[\]{}*?!^,/\\a-c-]{0,30}") {
        let _ = Glob::new(&pattern).map(|glob| glob.matches("/a/b"));
    }
}
