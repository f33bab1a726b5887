use super::said;
use crate::merge::text::{DIFFERING_MAX, merge};

fn check(base: &str, ours: &str, theirs: &str, expected: Result<&str, &str>) {
    let expected = expected.map(str::to_owned).map_err(str::to_owned);
    let merged = |ours: &str, theirs: &str| said(merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()));
    assert_eq!(merged(ours, theirs), expected);
    assert_eq!(merged(theirs, ours), expected, "the other way round");
}

#[test]
fn changes_apart_are_both_taken() {
    check("a\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", Ok("A\nb\nc\nd\nE\n"));
}

#[test]
fn the_same_change_is_taken_once() {
    check("a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n", Ok("a\nX\nc\n"));
}

#[test]
fn the_same_change_among_others_is_taken_once() {
    check("a\nb\nc\nd\ne\n", "1\nb\nX\nd\ne\n", "a\nb\nX\nd\n5\n", Ok("1\nb\nX\nd\n5\n"));
}

#[test]
fn changes_of_one_line_clash() {
    check("a\nb\nc\n", "a\nX\nc\n", "a\nY\nc\n", Err("both changed line 2"));
}

#[test]
fn changes_of_neighbouring_lines_clash() {
    check("a\nb\nc\nd\n", "a\nX\nc\nd\n", "a\nb\nY\nd\n", Err("both changed lines 2-3"));
}

#[test]
fn additions_at_one_place_clash() {
    check("a\nb\n", "a\nb\nmine\n", "a\nb\nyours\n", Err("both added lines after line 2"));
}

#[test]
fn an_addition_beside_a_removal_clashes() {
    check("a\nb\nc\n", "a\nc\n", "a\nb\nnew\nc\n", Err("both changed line 2"));
}

#[test]
fn removals_apart_are_both_taken() {
    check("a\nb\nc\nd\ne\n", "b\nc\nd\ne\n", "a\nb\nc\nd\n", Ok("b\nc\nd\n"));
}

#[test]
fn a_line_end_that_comes_is_a_change_of_the_last_line() {
    check("a\nb\nc", "a\nb\nc\n", "A\nb\nc", Ok("A\nb\nc\n"));
}

#[test]
fn line_ends_of_windows_stay() {
    check("a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", Ok("A\r\nb\r\nC\r\n"));
}

#[test]
fn an_empty_base_has_one_place() {
    check("", "a\n", "b\n", Err("both added lines after line 0"));
    check("", "a\n", "", Ok("a\n"));
}

/// One side's changes may bridge two of the other's.
#[test]
fn what_hangs_together_is_settled_together() {
    check("a\nb\nc\nd\n", "1\nb\nc\n4\n", "a\n2\n3\nd\n", Err("both changed lines 1-4"));
}

#[test]
fn too_many_lines_are_not_compared() {
    let long = "x\n".repeat(DIFFERING_MAX + 1);
    let said = |base: &str| said(merge(base.as_bytes(), b"a\n", b"b\n"));
    assert_eq!(said(&long), Err(format!("more than {DIFFERING_MAX} lines differ, so merged as a whole")));
}

#[test]
fn lines_that_all_have_do_not_count() {
    let with = |first: &str, last: &str| format!("{first}\n{}{last}\n", "x\n".repeat(DIFFERING_MAX + 1));
    let (base, ours, theirs) = (with("1", "2"), with("one", "2"), with("1", "2\n3"));
    let merged = said(merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()));
    assert_eq!(merged, Ok(with("one", "2\n3")));
}

/// Texts made to take the shortest difference long: few kinds of lines, in an order that nothing repeats. That
/// this test ends is the test.
#[test]
fn hostile_lines_are_compared_in_bounded_time() {
    let text = |seed: u64| {
        let mut state = seed;
        let mut out = String::new();
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            out.push_str(if state >> 62 == 0 {
                "a\n"
            } else if state >> 62 == 1 {
                "b\n"
            } else {
                "c\n"
            });
        }
        out
    };
    let merged = said(merge(text(1).as_bytes(), text(2).as_bytes(), text(3).as_bytes()));
    assert!(merged.is_err(), "all of it clashes");
}
