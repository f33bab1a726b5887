use super::failed;
use crate::merge::content::Three;
use crate::merge::csv::merge;

fn merged(base: &str, ours: &str, theirs: &str, columns: &[&str]) -> Result<String, String> {
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let files = Three { base: base.as_bytes(), ours: ours.as_bytes(), theirs: theirs.as_bytes() };
    match merge(files, &columns, b',') {
        Ok(bytes) => Ok(String::from_utf8(bytes).expect("the tests are text")),
        Err(why) => Err(failed(why)),
    }
}

fn check(base: &str, ours: &str, theirs: &str, expected: Result<&str, &str>) {
    let expected = expected.map(str::to_owned).map_err(str::to_owned);
    assert_eq!(merged(base, ours, theirs, &["id"]), expected);
}

#[test]
fn rows_that_each_changed_are_both_taken() {
    check("id,n\n1,a\n2,b\n", "id,n\n1,A\n2,b\n", "id,n\n1,a\n2,B\n", Ok("id,n\n1,A\n2,B\n"));
}

#[test]
fn rows_that_come_at_one_place_are_both_taken() {
    check("id,n\n1,a\n", "id,n\n1,a\n2,o\n", "id,n\n1,a\n3,t\n", Ok("id,n\n1,a\n3,t\n2,o\n"));
}

#[test]
fn rows_that_go_are_gone() {
    check("id,n\n1,a\n2,b\n3,c\n", "id,n\n2,b\n3,c\n", "id,n\n1,a\n2,b\n", Ok("id,n\n2,b\n"));
}

#[test]
fn the_order_of_ours_stays() {
    check("id,n\n1,a\n2,b\n", "id,n\n2,b\n1,a\n", "id,n\n1,a\n2,B\n", Ok("id,n\n2,B\n1,a\n"));
}

#[test]
fn a_row_that_both_changed_clashes() {
    let why = "both changed the row with the key \"1\"";
    check("id,n\n1,a\n", "id,n\n1,b\n", "id,n\n1,c\n", Err(why));
    check("id,n\n1,a\n", "id,n\n", "id,n\n1,c\n", Err(why));
    check("id,n\n1,a\n", "id,n\n1,b\n", "id,n\n", Err(why));
    check("id,n\n", "id,n\n1,b\n", "id,n\n1,c\n", Err(why));
}

#[test]
fn a_row_that_both_changed_alike_is_taken() {
    check("id,n\n1,a\n2,b\n", "id,n\n1,x\n2,b\n", "id,n\n1,x\n2,y\n", Ok("id,n\n1,x\n2,y\n"));
}

#[test]
fn a_key_of_several_columns() {
    let base = "a,b,n\n1,1,x\n1,2,y\n";
    let ours = "a,b,n\n1,1,X\n1,2,y\n";
    let theirs = "a,b,n\n1,1,x\n1,2,Y\n";
    assert_eq!(merged(base, ours, theirs, &["a", "b"]), Ok("a,b,n\n1,1,X\n1,2,Y\n".into()));
    assert_eq!(
        merged(base, ours, theirs, &["a"]),
        Err("base has two rows with the key \"1\"".into()),
        "a key that is there twice tells nothing apart"
    );
}

#[test]
fn a_column_that_nobody_has_is_a_mistake() {
    check("n\n1\n", "n\n2\n", "n\n3\n", Err("no column id"));
}

#[test]
fn a_column_that_one_does_not_have_clashes() {
    check("id,n\n1,a\n", "id,n\n1,b\n", "n\na\n", Err("theirs has no column \"id\""));
}

#[test]
fn columns_that_differ_clash() {
    check("id,n\n1,a\n", "id,n,m\n1,a,z\n", "id,n\n1,b\n", Err("the columns of ours and theirs differ"));
}

#[test]
fn quoted_fields_hold_anything() {
    let base = "id,n\n\"1\n1\",\"a, \"\"b\"\"\"\n2,c\n";
    check(
        base,
        &base.replace("2,c", "2,C"),
        &base.replace("a, ", "A, "),
        Ok(&base.replace("2,c", "2,C").replace("a, ", "A, ")),
    );
}

#[test]
fn line_ends_are_those_of_ours() {
    check("id\r\n1\r\n", "id\r\n1\r\n2\r\n", "id\n1\n3", Ok("id\r\n1\r\n3\r\n2\r\n"));
    check("id\n1", "id\n1\n2", "id\n1\n3", Ok("id\n1\n3\n2"));
}

#[test]
fn what_is_no_csv_clashes() {
    check("id\n1\n", "id\n\"2\n", "id\n3\n", Err("record 2 of ours is no CSV"));
    check("id,n\n1,a\n", "id,n\n1,b\n", "", Err("theirs has no header"));
    check("n,id\n1,a\n", "n,id\n1\n", "n,id\n2,a\n", Err("record 2 of ours is too short to have a key"));
}

#[test]
fn the_mark_of_spreadsheets_is_no_part_of_a_name() {
    let (plain, marked) = ("id,n\n1,a\n2,b\n", "\u{feff}id,n\n1,a\n2,b\n");
    let theirs = "id,n\n1,a\n2,B\n";
    check(marked, "\u{feff}id,n\n1,A\n2,b\n", &format!("\u{feff}{theirs}"), Ok("\u{feff}id,n\n1,A\n2,B\n"));
    check(plain, "id,n\n1,A\n2,b\n", &format!("\u{feff}{theirs}"), Ok("\u{feff}id,n\n1,A\n2,B\n"));
    check(marked, "id,n\n1,A\n2,b\n", &format!("\u{feff}{theirs}"), Ok("id,n\n1,A\n2,B\n"));
    check(
        "\u{feff}\"id\",n\n1,a\n",
        "\u{feff}\"id\",n\n1,A\n",
        "\u{feff}\"id\",n\n1,a\n2,b\n",
        Ok("\u{feff}\"id\",n\n1,A\n2,b\n"),
    );
}
