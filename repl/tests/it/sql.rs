//! `cowry sql`.

use crate::console::Place;

fn place() -> Place {
    let place = Place::new();
    place.write("in/a.csv", "id,name\n1,one\n2,\"t,wo\"\n").write("in/bad.csv", "a,b\n1\n");
    place
}

#[test]
fn results_are_printed_in_every_format() {
    place().check(
        "
$ cowry sql --mount /in=in \"select * from '/in/a.csv'\"
id,name
1,one
2,\"t,wo\"
$ cowry sql --mount /in=in \"select * from '/in/a.csv'\" --format ndjson
{\"id\":1,\"name\":\"one\"}
{\"id\":2,\"name\":\"t,wo\"}
$ cowry sql --mount /in=in \"select id * 10 as id, name, null as none from '/in/a.csv'\" --format table
id  name  none
--  ----  ----
10  one
20  t,wo
$ cowry sql --json --mount /in=in \"select id from '/in/a.csv'\"
{\"rows\": [
{\"id\":1},
{\"id\":2}
]}
$ echo \"select char(27) || '[31m' as a\" | cowry sql - --format table
a
----------
\\u001b[31m
",
    );
}

#[test]
fn a_result_goes_to_a_file_whole_or_not_at_all() {
    place().check(
        "
$ cowry sql --mount /in=in \"select id from '/in/a.csv'\" --to out.json; cat out.json; ls
[
{\"id\":1},
{\"id\":2}
]
in
out.json
$ cowry sql --mount /in=in \"select b from '/in/bad.csv'\" --to out.json; wc -l < out.json; ls
4
in
out.json
! cowry: /in/bad.csv: line 2: 1 field where the header has 2
",
    );
}

#[test]
fn a_workspace_is_read_and_stays_as_it_is() {
    place().check(
        "
$ cowry -w a.cowry run -q -e 'fs.writeFileSync(\"/a.csv\", \"n\\n1\\n2\\n\")'
$ cowry -w a.cowry sql \"select sum(n) as n from '/a.csv'\"
n
3
$ cowry -w a.cowry runs | wc -l
1
$ cowry -w none.cowry sql 'select 1'
! cowry: [..]none.cowry[..]
[exit status: 125]
$ cowry sql --mount /in=in:rw 'select 1'
! cowry: SQL only reads: mount /in without :rw
[exit status: 125]
",
    );
}

#[test]
fn a_result_takes_the_place_of_nothing_else() {
    place().check(
        "
$ echo mine > out.csv.partial; echo old > real.csv; ln -s real.csv out.csv
$ cowry sql 'select 1 as a' --to out.csv; cat real.csv; cat out.csv.partial; readlink out.csv
a
1
mine
real.csv
",
    );
}

#[test]
fn a_long_result_arrives_whole() {
    let statement =
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 400000) select i from n";
    let printed = place().run(&format!("cowry sql '{statement}' | wc -lc"));
    assert_eq!(printed.split_whitespace().collect::<Vec<_>>(), ["400001", "2688897"]);
}
