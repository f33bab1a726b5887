//! What the first thousand rows of a file do not tell.

use super::*;

/// Rows before those that tell, more than decide.
const FIRST: usize = 1500;

fn rows(vfs: &Vfs, sql: &str) -> String {
    ask(vfs, sql, Vec::new()).expect(sql)
}

/// Lines of JSON, of which the last has members that no other has; and the same as an array.
fn late_members() -> Vfs {
    let first: Vec<String> = (0..FIRST).map(|n| format!("{{\"n\":{n}}}")).collect();
    let last = "{\"n\":-1,\"Error\":\"disk\",\"code\":7}";
    let lines = format!("{}\n{last}\n", first.join("\n"));
    let array = format!("[{},{last}]", first.join(","));
    let other = "code,level\n7,fatal\n8,fine\n";
    tree(&[("/data/log.ndjson", &lines), ("/data/log.json", &array), ("/data/codes.csv", other)])
}

#[test]
fn members_that_come_late_are_columns() {
    let vfs = late_members();
    for file in ["log.ndjson", "log.json"] {
        let from = format!("from '/data/{file}'");
        assert_eq!(rows(&vfs, &format!("select n, error {from} where error is not null")), "[[-1,\"disk\"]]");
        assert_eq!(rows(&vfs, &format!("select * {from} order by n limit 1")), "[[-1,\"disk\",7]]");
        assert_eq!(rows(&vfs, &format!("select log.* {from} where n = 3")), "[[3,null,null]]");
        assert_eq!(rows(&vfs, &format!("select count(*), sum(n*2) {from} where n < 3")), "[[4,4]]");
        let error = ask(&vfs, &format!("select none_such {from}"), Vec::new()).expect_err("no such column");
        assert_eq!(error, "no such column: none_such");
    }
}

#[test]
fn members_that_come_late_are_columns_of_joins() {
    let vfs = late_members();
    let from = "from '/data/codes.csv' c join '/data/log.ndjson' l";
    assert_eq!(
        rows(&vfs, &format!("select level, error {from} on l.code = c.code")),
        "[[\"fatal\",\"disk\"]]"
    );
    assert_eq!(rows(&vfs, &format!("select level, error {from} using (code)")), "[[\"fatal\",\"disk\"]]");
    let natural = "select level, error from '/data/codes.csv' natural join '/data/log.ndjson'";
    assert_eq!(rows(&vfs, natural), "[[\"fatal\",\"disk\"]]");
    // Else the column of the other file would be taken, and nobody would know.
    let inner = "select n from '/data/log.ndjson' where code = 7 limit 1";
    let sql = format!("select level, ({inner}) from '/data/codes.csv' where codes.code = 7");
    assert_eq!(rows(&vfs, &sql), "[[\"fatal\",-1]]");
}

#[test]
fn names_of_members_are_bounded() {
    let members: Vec<String> = (0..3000).map(|n| format!("\"m{n}\":{n}")).collect();
    let text = format!("{{{}}}\n", members.join(","));
    let vfs = tree(&[("/data/wide.ndjson", &text)]);
    assert_eq!(rows(&vfs, "select m1, m2999 from '/data/wide.ndjson'"), "[[1,2999]]");
    assert_eq!(rows(&vfs, "select count(*) from '/data/wide.ndjson'"), "[[1]]");
    let error = ask(&vfs, "select * from '/data/wide.ndjson'", Vec::new()).expect_err("too many");
    assert!(error.contains("more than 2000 names of members"), "{error}");
}

/// A column that is empty first, and then has these.
fn empty_first(later: &str) -> Vfs {
    let text = format!("n,price,note\n{}{later}", "1,,\n".repeat(FIRST));
    tree(&[("/data/late.csv", &text)])
}

#[test]
fn a_column_that_is_empty_first_has_the_kind_of_what_comes() {
    let vfs = empty_first("2,9,\n2,10,\n2,9.5,\n");
    let sql = "select price, typeof(price) from '/data/late.csv' where price > 9 order by price desc";
    assert_eq!(rows(&vfs, sql), "[[10.0,\"real\"],[9.5,\"real\"]]");
    let sql = "select sum(price), count(price), count(*) from '/data/late.csv' group by n order by n";
    assert_eq!(rows(&vfs, sql), "[[null,0,1500],[28.5,3,3]]");
    assert_eq!(rows(&vfs, "select * from '/data/late.csv' where price > 9.5"), "[[2,10.0,null]]");
    let vfs = empty_first("2,007,\n2,10,\n");
    let sql = "select price, typeof(price) from '/data/late.csv' where price is not null";
    assert_eq!(rows(&vfs, sql), "[[\"007\",\"text\"],[\"10\",\"text\"]]");
}

#[test]
fn codes_that_come_late_are_found_by_joins() {
    let ids: String = (1000..1000 + FIRST).map(|n| format!("{n},{n}\n")).collect();
    let left = format!("id,l\n{ids}007,90\n7,91\n");
    let right = format!("id,r\n{ids}007,80\n");
    let text = "id,r\n007,60\n7,61\n1000,62\n";
    let vfs = tree(&[("/data/l.csv", &left), ("/data/r.csv", &right), ("/data/t.csv", text)]);
    for join in ["join", "left join"] {
        let sql =
            format!("select l.id, r from '/data/l.csv' l {join} '/data/r.csv' r using (id) where l = 90");
        assert_eq!(rows(&vfs, &sql), "[[\"007\",80]]", "{join}");
    }
    let sql = "select l, r from '/data/l.csv' l join '/data/t.csv' t on l.id = t.id order by l";
    assert_eq!(rows(&vfs, sql), "[[90,60],[91,61],[1000,62]]");
    let sql = "select count(*) from '/data/l.csv' l join '/data/r.csv' r on l.id = r.id";
    assert_eq!(rows(&vfs, sql), "[[1501]]");
}

#[test]
fn a_quoted_field_with_nothing_in_it_is_null_where_there_are_numbers() {
    let vfs = tree(&[("/data/q.csv", "n,t\n\"1\",\"a\"\n\"\",\"\"\n")]);
    assert_eq!(rows(&vfs, "select n, t from '/data/q.csv'"), "[[1,\"a\"],[null,\"\"]]");
}
