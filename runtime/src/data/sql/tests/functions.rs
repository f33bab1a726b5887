//! Functions beside SQLite's own.

use super::*;

/// What an expression comes to.
#[track_caller]
fn is(expression: &str, expected: &str) {
    let sql = format!("select {expression}");
    assert_eq!(ask(&files(), &sql, Vec::new()).as_deref(), Ok(&*format!("[[{expected}]]")), "{expression}");
}

#[test]
fn arithmetic_is_as_sqlite_has_it() {
    is("sqrt(9)", "3.0");
    is("sqrt(-1)", "null");
    is("pow(2, 10), power('2', 0.5)", "1024.0,1.4142135623730951");
    is("exp(0), ln(1), log(100), log10(1000), log2(8), log(2, 8)", "1.0,0.0,2.0,3.0,3.0,3.0");
    is("ln(0), ln(-1), log(0), log(1, 5)", "null,null,null,null");
    is("floor(2.5), ceil(2.5), ceiling(-2.5), trunc(-2.5)", "2.0,3.0,-2.0,-2.0");
    is("typeof(floor(2)), typeof(floor(2.5)), typeof(ceil('3'))", "\"integer\",\"real\",\"integer\"");
    is("mod(7, 3), mod(7.5, 2), mod(1, 0)", "1.0,1.5,null");
    is("round(pi(), 5), round(degrees(pi())), round(radians(180), 5)", "3.14159,180.0,3.14159");
    is("sin(0), cos(0), tan(0), atan2(0, 1), acos(1), sinh(0), acosh(1)", "0.0,1.0,0.0,0.0,0.0,0.0,0.0");
    is("sqrt(null), sqrt('x'), pow(null, 1), floor(x'00')", "null,null,null,null");
}

#[test]
fn patterns_are_found_anywhere() {
    is("'abc' regexp 'b.', 'abc' regexp '^b', 'abc' not regexp 'x'", "1,0,1");
    is("null regexp 'a', 'a' regexp null", "null,null");
    is("12 regexp '^\\d+$', 1.5 regexp '\\.5', 'ÄB' regexp '(?i)äb'", "1,1,1");
    check("select count(*) from '/data/sales.csv' where region regexp '^(nor|sou)th$'", "[[3]]");
    check("select count(*) from '/data/sales.csv' where 'north' regexp region", "[[2]]");
}

#[test]
fn patterns_are_bounded_and_told_where_they_are_wrong() {
    refuse("select 'a' regexp '('", "regexp: pattern '(': unclosed group");
    refuse("select 'a' regexp '(a{1000}){1000}'", "it is too large");
    let slow = format!("select '{}' regexp '(a*)*b'", "a".repeat(10_000));
    assert_eq!(ask(&files(), &slow, Vec::new()).as_deref(), Ok("[[0]]"));
}
