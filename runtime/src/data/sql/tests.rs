//! Statements over files in memory.

mod functions;
mod later;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cowry_vfs::{MemoryLayer, Overlay, OverlayOptions, ScratchLimits, SystemClock, Vfs, VfsOptions};
use proptest::prelude::*;

mod filters;

use super::join::Shape;
use super::rewrite::{Piece, rewrite};
use super::token::{Kind, tokens};
use super::*;
use crate::data::Format;

const SALES: &str =
    "date,region,qty,price\n2026-03-01,north,2,1.5\n2026-03-02,south,3,2\n2026-04-01,north,5,1\n";

/// A tree with these files.
fn tree(files: &[(&str, &str)]) -> Vfs {
    let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
    vfs.mkdir("/data", 0o777).expect("an empty tree");
    for (path, content) in files {
        vfs.write(path, content.as_bytes()).expect("a tree that can be written");
    }
    vfs
}

/// A statement's surroundings, with scratch of so many bytes in all, none of them in memory.
fn setting(vfs: &Vfs, scratch_bytes: u64) -> Setting {
    let limits =
        ScratchLimits { memory_bytes: 1 << 20, total_bytes: scratch_bytes, ..ScratchLimits::default() };
    let spill = Some(tempfile::tempfile().expect("a file without a name"));
    let options = OverlayOptions { limits, spill, ..OverlayOptions::default() };
    let overlay = Overlay::new(Arc::new(MemoryLayer::new()), options);
    Setting {
        vfs: vfs.clone(),
        scratch: Some(Vfs::new(Arc::new(overlay), VfsOptions::default())),
        clock: Arc::new(SystemClock),
        seed: [7; 32],
        memory_bytes: 16 << 20,
        interrupted: Arc::new(|| false),
    }
}

/// The rows as JSON arrays, or what is wrong.
fn ask(vfs: &Vfs, sql: &str, list: Vec<Parameter>) -> Result<String, String> {
    let parameters = Parameters { list, named: Vec::new() };
    let mut query =
        Query::new(&setting(vfs, 64 << 20), sql, &parameters).map_err(|error| error.to_string())?;
    let batch = query.batch(usize::MAX, true).map_err(|error| error.to_string())?;
    assert!(batch.is_last);
    Ok(batch.json)
}

/// The statement over `/data/sales.csv` and a few others has these rows.
#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(ask(&files(), sql, Vec::new()).as_deref(), Ok(expected), "{sql}");
}

/// The statement fails with a text that has this in it.
#[track_caller]
fn refuse(sql: &str, expected: &str) {
    let error = ask(&files(), sql, Vec::new()).expect_err(sql);
    assert!(error.contains(expected) && !error.contains('\n'), "{sql}: {error}");
}

fn files() -> Vfs {
    tree(&[
        ("/data/sales.csv", SALES),
        ("/data/regions.ndjson", "{\"name\":\"north\",\"tags\":[1,2]}\n{\"name\":\"south\",\"open\":true}\n"),
        ("/data/list.json", "[{\"n\":1,\"Text\":\"a\"},{\"n\":2.5,\"Text\":null}]"),
        ("/data/codes.tsv", "id\tcode\n007\tA\n012\tB\n"),
        ("/data/semicolons.txt", "a;b\n1;x\n2;'y;z'\n"),
        ("/data/bad.csv", "a,b\n1,2\n3\n4,5\n"),
        ("/data/names.csv", "Id,ID,,select\n1,2,3,4\n"),
        ("/data/log-1.csv", "level,text\ninfo,one\n"),
        ("/data/log-2.csv", "text,code\ntwo,5\n"),
    ])
}

#[test]
fn a_path_in_from_is_a_table() {
    check(
        "select region, sum(qty*price) from '/data/sales.csv' where date like '2026-03%' group by 1",
        "[[\"north\",3.0],[\"south\",6.0]]",
    );
}

#[test]
fn numbers_compare_as_numbers_and_codes_stay_text() {
    check("select max(qty), typeof(qty), typeof(price) from '/data/sales.csv'", "[[5,\"integer\",\"real\"]]");
    check("select id, typeof(id) from '/data/codes.tsv' where id = '007'", "[[\"007\",\"text\"]]");
}

/// A column of a thousand tens, and whatever comes later.
fn tens(later: &str) -> Vfs {
    let column = format!("price\n{}{later}", "10\n".repeat(1000));
    tree(&[("/data/late.csv", &column), ("/data/late.tsv", &column)])
}

#[test]
fn a_column_that_begins_whole_has_decimals_later() {
    let vfs = tens("9.5\n200\n-1e2\n99999999999999999999\nn/a\n");
    let rows = |sql: &str| ask(&vfs, sql, Vec::new()).expect(sql);
    for file in ["csv", "tsv"] {
        let numbers = format!("from '/data/late.{file}' where price < 'a' and price < 1000");
        let sql = format!("select max(price), min(price), sum(price), typeof(min(price)) {numbers}");
        assert_eq!(rows(&sql), "[[200,-100,10109.5,\"integer\"]]");
        let sql = format!("select distinct price, typeof(price) from '/data/late.{file}' order by price");
        let sorted = "[[-100,\"integer\"],[9.5,\"real\"],[10,\"integer\"],[200,\"integer\"],\
                      [1e+20,\"real\"],[\"n/a\",\"text\"]]";
        assert_eq!(rows(&sql), sorted);
    }
}

#[test]
fn numbers_that_are_equal_are_one_group_however_they_are_written() {
    let vfs = tens("10.0\n1e1\n100000000000000000\n1e17\n2.5\n2.50\n");
    let expected = "[[2.5,2],[10,1002],[null,2]]";
    for condition in ["", "where price > 0"] {
        let sql = format!("select price, count(*) from '/data/late.csv' {condition} group by 1 order by 1");
        assert_eq!(ask(&vfs, &sql, Vec::new()).as_deref(), Ok(expected), "{condition}");
    }
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let sql = "select 1 as a, 2 as a, 3 as a_2";
    assert_eq!(text(sql, Format::Csv), "a,a_2,a_2_2\n1,2,3\n");
    assert_eq!(text(sql, Format::Ndjson), "{\"a\":1,\"a_2\":2,\"a_2_2\":3}\n");
    assert_eq!(text(sql, Format::Json), "[\n{\"a\":1,\"a_2\":2,\"a_2_2\":3}\n]\n");
    let vfs = tree(&[("/data/l.csv", "id,x\n1,left\n"), ("/data/r.csv", "id,x\n1,right\n")]);
    let sql = "select * from '/data/l.csv' join '/data/r.csv' on l.id = r.id";
    let mut query =
        Query::new(&setting(&vfs, 1 << 20), sql, &Parameters::default()).expect("a good statement");
    let rows = query.batch(usize::MAX, false).expect("rows").json;
    assert_eq!(rows, "[{\"id\":1,\"x\":\"left\",\"id_2\":1,\"x_2\":\"right\"}]");
}

#[test]
fn files_of_several_formats_are_joined_by_the_names_of_the_files() {
    check(
        "select sales.qty, regions.name from '/data/sales.csv' join '/data/regions.ndjson' on region = name order by 1",
        "[[2,\"north\"],[3,\"south\"],[5,\"north\"]]",
    );
    check(
        "select a.qty + b.qty from \"/data/sales.csv\" a, [/data/sales.csv] as b where a.qty = 2 and b.qty = 5",
        "[[7]]",
    );
    check("select count(*) from ('/data/sales.csv' s join '/data/codes.tsv' c)", "[[6]]");
}

#[test]
fn json_has_truth_nulls_and_text_of_what_is_within() {
    check(
        "select name, open, json_extract(tags, '$[1]') from '/data/regions.ndjson'",
        "[[\"north\",null,2],[\"south\",1,null]]",
    );
    check("select n, text from '/data/list.json'", "[[1,\"a\"],[2.5,null]]");
}

#[test]
fn a_file_can_follow_in() {
    check(
        "select qty from '/data/sales.csv' where region in (select name from '/data/regions.ndjson' where open)",
        "[[3]]",
    );
    refuse("select 1 where 1 in '/data/sales.csv'", "sub-select returns 4 columns");
}

#[test]
fn only_what_stands_where_a_table_does_is_a_path() {
    check(
        "select '/data/sales.csv', 'x' in ('x', 'y'), 1 is not distinct from '/a'",
        "[[\"/data/sales.csv\",1,0]]",
    );
    check("with \"t\"(a) as (values (1)) select a from \"t\"", "[[1]]");
    check("select value from json_each('[1,2]') where value in (2)", "[[2]]");
}

#[test]
fn readers_take_options() {
    check("select b from csv('/data/semicolons.txt', 'delimiter=;', 'quote=''') where a = 2", "[[\"y;z\"]]");
    check(
        "select count(*), max(c1) from csv('/data/sales.csv', 'header=false', 'types=text')",
        "[[4,\"date\"]]",
    );
    check("select typeof(qty) from csv('/data/sales.csv', 'types=qty:text') t limit 1", "[[\"text\"]]");
    refuse("select 1 from csv('/data/sales.csv', 'colour=red')", "option 'colour' is not known");
    refuse("select 1 from csv('/data/sales.csv', 1)", "takes a path and options");
    refuse("select 1 from '/data/semicolons.txt'", "write csv('/data/semicolons.txt')");
}

#[test]
fn a_bad_row_is_told_by_its_line_or_left_out() {
    refuse("select sum(b) from '/data/bad.csv'", "/data/bad.csv: line 3: 1 field where the header has 2");
    check("select sum(b) from csv('/data/bad.csv', 'bad=skip')", "[[7]]");
}

#[test]
fn columns_have_names_that_sqlite_takes() {
    check("select id, id_2, c3, \"select\" from '/data/names.csv'", "[[1,2,3,4]]");
}

#[test]
fn a_pattern_is_all_its_files_with_the_columns_of_all() {
    check(
        "select text, level, code, rowid from '/data/log-*.csv'",
        "[[\"one\",\"info\",null,1],[\"two\",null,5,2]]",
    );
    refuse("select 1 from '/data/no-*.csv'", "no file matches '/data/no-*.csv'");
}

#[test]
fn paths_are_relative_to_the_working_directory() {
    let vfs = files().with_cwd("/data").expect("a directory");
    assert_eq!(ask(&vfs, "select count(*) from 'sales.csv'", Vec::new()).as_deref(), Ok("[[3]]"));
}

#[test]
fn names_that_differ_in_capitals_are_two_files() {
    let vfs = tree(&[("/data/a.csv", "x\n1\n"), ("/data/A.csv", "x\n2\n"), ("/data/sqlite_x.csv", "x\n3\n")]);
    let vfs = vfs.with_cwd("/data").expect("a directory");
    let sql = "select p.x, q.x, r.x from 'a.csv' p, 'A.csv' q, 'sqlite_x.csv' r";
    assert_eq!(ask(&vfs, sql, Vec::new()).as_deref(), Ok("[[1,2,3]]"));
}

#[test]
fn parameters_are_values_paths_and_lists() {
    let text = |text: &str| Parameter::Text(text.into());
    let vfs = files();
    let ask = |sql: &str, list: Vec<Parameter>| ask(&vfs, sql, list);
    let list =
        vec![text("/data/sales.csv"), Parameter::Integer(2), Parameter::List("[\"north\",\"x\"]".into())];
    assert_eq!(
        ask("select qty, ? + 1 from ?1 where region in ?", list.clone()),
        Err("the statement has 2 parameters and was given 3 values".into())
    );
    assert_eq!(ask("select qty from ? where qty > ? and region in ?", list.clone()).as_deref(), Ok("[[5]]"));
    assert_eq!(ask("select qty from ?1 where qty > ?2 and region in ?3", list).as_deref(), Ok("[[5]]"));
    assert!(ask("select 1 from ?", vec![Parameter::Integer(1)]).unwrap_err().contains("has to be a path"));
    assert_eq!(
        ask("select typeof(?), ?, ?", vec![Parameter::Blob(vec![1]), Parameter::Null, Parameter::Real(0.5)])
            .as_deref(),
        Ok("[[\"blob\",null,0.5]]")
    );
    let injected = ask("select 1 from '/data/sales.csv' where region = ?", vec![text("' or 1 = 1 --")]);
    assert_eq!(injected.as_deref(), Ok("[]"));
}

#[test]
fn named_parameters_go_by_their_names() {
    let parameters = Parameters { list: Vec::new(), named: vec![("least".into(), Parameter::Integer(3))] };
    let vfs = files();
    let sql = "select qty from '/data/sales.csv' where qty >= :least and qty >= @least and qty >= $least";
    let mut query = Query::new(&setting(&vfs, 1 << 20), sql, &parameters).expect("a good statement");
    assert_eq!(query.batch(usize::MAX, true).expect("rows").json, "[[3],[5]]");
    let error = Query::new(&setting(&vfs, 1 << 20), "select :more", &parameters).err().expect("no value");
    assert_eq!(error.to_string(), "parameter :more has no value");
}

#[test]
fn nothing_but_reading_is_possible() {
    for sql in [
        "create table t(a)",
        "delete from '/data/sales.csv'",
        "insert into '/data/sales.csv' values (1)",
        "attach '/data/x' as y",
        "attach ':memory:' as y",
        "pragma page_size",
        "select * from pragma_table_list",
        "vacuum into '/x'",
        "begin",
        "savepoint x",
        "select load_extension('x')",
        "reindex",
        "create virtual table t using cowry_file(0)",
        "drop table '/data/sales.csv'",
    ] {
        let error = ask(&files(), sql, Vec::new()).expect_err(sql);
        assert!(!error.contains('\n'), "{sql}: {error}");
    }
    refuse("create table t(a)", "only SELECT, WITH, VALUES and EXPLAIN");
    refuse("select 1; select 2", "one statement at a time: there is more from 'select' on");
    refuse("-- nothing", "there is no statement");
    check("values (1), (2);", "[[1],[2]]");
    let plan = ask(&files(), "explain query plan select qty from '/data/sales.csv'", Vec::new());
    assert!(plan.expect("a plan").contains("SCAN sales"));
}

#[test]
fn steps_of_the_machine_are_not_told() {
    for sql in ["explain select 1", " /* x */ EXPLAIN select 1 from '/data/sales.csv'", ";explain values (1)"]
    {
        refuse(sql, "say EXPLAIN QUERY PLAN");
    }
}

#[test]
fn a_result_spares_the_files_beside_it() {
    let vfs = files();
    vfs.write("/data/x.json.partial", b"mine").expect("a file");
    let write = |path: &str| {
        let mut query = Query::new(&setting(&vfs, 1 << 20), "select 1 a", &Parameters::default())
            .expect("a good statement");
        write_file(&mut query, Format::Json, &vfs, path, 1).map_err(|error| error.to_string())
    };
    assert_eq!(write("/data/x.json"), Ok(1));
    assert_eq!(vfs.read_to_string("/data/x.json.partial").expect("a file"), "mine");
    let none = "ENOENT: no such file or directory, open '/none/x.json'";
    assert_eq!(write("/none/x.json"), Err(none.to_owned()));
}

#[test]
fn mistakes_are_told_in_one_line() {
    refuse("select nowhere from '/data/sales.csv'", "no such column: nowhere");
    refuse("select 1 from '/data/none.csv'", "ENOENT: no such file or directory, open '/data/none.csv'");
    refuse("select 1 from '/data'", "the name does not say");
    refuse("select \"north\"", "no such column");
    refuse("selec 1", "syntax error");
}

#[test]
fn what_json_cannot_say_is_told_apart() {
    let mut query = Query::new(
        &setting(&files(), 1 << 20),
        "select 9007199254740991 a, 9007199254740992 b, x'0102' c, 9e999 d, -9223372036854775808 e",
        &Parameters::default(),
    )
    .expect("a good statement");
    let batch = query.batch(usize::MAX, false).expect("rows");
    assert_eq!(batch.json, "[{\"a\":9007199254740991,\"b\":null,\"c\":null,\"d\":null,\"e\":null}]");
    let odd: Vec<_> =
        batch.odd.iter().map(|odd| format!("{}:{}:{:?}", odd.row, odd.column, odd.value)).collect();
    assert_eq!(
        odd,
        [
            "0:1:Big(9007199254740992)",
            "0:2:Blob([1, 2])",
            "0:3:Infinite(inf)",
            "0:4:Big(-9223372036854775808)"
        ]
    );
}

#[test]
fn rows_come_in_batches_and_once() {
    let sql =
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) select i from n";
    let mut query =
        Query::new(&setting(&files(), 1 << 20), sql, &Parameters::default()).expect("a good statement");
    let mut rows = Vec::new();
    loop {
        let batch = query.batch(100, true).expect("rows");
        assert!(batch.json.len() < 200);
        rows.extend(serde_json::from_str::<Vec<[i64; 1]>>(&batch.json).expect("JSON"));
        if batch.is_last {
            break;
        }
    }
    assert_eq!(rows, (1..=1000).map(|i| [i]).collect::<Vec<_>>());
    assert_eq!(
        query.batch(100, true).expect("the end"),
        Batch { json: "[]".into(), odd: Vec::new(), is_last: true }
    );
}

#[test]
fn an_endless_statement_stops_when_it_is_told_to() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let setting = Setting {
        interrupted: Arc::new(move || counted.fetch_add(1, Ordering::Relaxed) > 20),
        ..setting(&files(), 1 << 20)
    };
    for sql in [
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n",
        "select count(*) from '/data/sales.csv' a, '/data/sales.csv' b, '/data/sales.csv' c, '/data/sales.csv' d,
            '/data/sales.csv' e, '/data/sales.csv' f, '/data/sales.csv' g, '/data/sales.csv' h, '/data/sales.csv' i",
    ] {
        asked.store(0, Ordering::Relaxed);
        let mut query = Query::new(&setting, sql, &Parameters::default()).expect("a good statement");
        assert!(matches!(query.batch(usize::MAX, true), Err(SqlError::Interrupted)), "{sql}");
    }
}

/// A file of rows that nobody could sort in a megabyte.
fn large(rows: u32) -> String {
    let row = |i: u32| format!("{},{}\n", i.wrapping_mul(2_654_435_761) % 1_000_003, "x".repeat(40));
    std::iter::once("key,text\n".to_owned()).chain((0..rows).map(row)).collect()
}

#[test]
fn what_does_not_fit_into_memory_goes_to_the_scratch() {
    let vfs = tree(&[("/data/large.csv", &large(60_000))]);
    for sql in [
        "select key, text from '/data/large.csv' order by key limit 1 offset 59999",
        "select count(distinct key), count(distinct key || text) from '/data/large.csv'",
        "select count(*) from (select key, text from '/data/large.csv' union select key, text || 'y' from '/data/large.csv')",
    ] {
        let mut query =
            Query::new(&setting(&vfs, 64 << 20), sql, &Parameters::default()).expect("a good statement");
        query.batch(usize::MAX, true).expect("rows");
        assert!(query.spilled_bytes() > 1 << 20, "{sql}: {} bytes", query.spilled_bytes());
    }
}

/// What a statement has over a file, with so much memory, and how much of it went to the scratch.
fn within(vfs: &Vfs, memory_bytes: u64, sql: &str) -> String {
    let setting = Setting { memory_bytes, ..setting(vfs, 256 << 20) };
    let mut query = Query::new(&setting, sql, &Parameters::default()).expect("a good statement");
    query.batch(usize::MAX, true).expect("rows").json
}

#[test]
fn groups_are_the_same_however_they_are_found() {
    let row = |i: u32| {
        format!("{},{},{}\n", i * 7919 % 60_000 / 3, ["x", "", "y\"\"", "z"][(i % 4) as usize], i % 9)
    };
    let quoted = |row: String| row.replace("y\"\"", "\"y\"\"\"");
    let file: String =
        std::iter::once("a,b,c\n".to_owned()).chain((0..60_000).map(row).map(quoted)).collect();
    let vfs = tree(&[("/data/large.csv", &file)]);
    for by in ["a", "b", "a, b", "b collate nocase, a", "c, b"] {
        // A condition that is always true and no filter leaves sorting to SQLite.
        let sql = |condition: &str| {
            format!(
                "select {by}, count(*) n, sum(c) s, min(b) m, max(rowid) r from '/data/large.csv'
                 {condition} group by {by} order by {}",
                by.replace(" collate nocase", "")
            )
        };
        let sorted = within(&vfs, 64 << 20, &sql("where rowid > 0"));
        assert!(sorted.len() > 100);
        for memory in [64 << 20, 4 << 20] {
            assert_eq!(within(&vfs, memory, &sql("")), sorted, "by {by} in {memory}");
        }
    }
}

#[test]
fn rows_are_grouped_without_sorting_them() {
    let plan = |sql: &str| ask(&files(), &format!("explain query plan {sql}"), Vec::new()).expect("a plan");
    assert!(!plan("select region, sum(qty) from '/data/sales.csv' group by 1").contains("TEMP B-TREE"));
    for (condition, is_sorted) in [("qty > 2", false), ("date like '2026-03%'", false), ("rowid > 1", true)] {
        let plan =
            plan(&format!("select region, sum(qty) from '/data/sales.csv' where {condition} group by 1"));
        assert_eq!(plan.contains("TEMP B-TREE"), is_sorted, "{condition}");
    }
    assert!(
        plan("select region from '/data/sales.csv' group by region order by region").contains("TEMP B-TREE")
    );
    assert!(plan("select n, count(*) from '/data/list.json' group by 1").contains("TEMP B-TREE"));
}

#[test]
fn scratch_that_is_full_is_told() {
    let vfs = tree(&[("/data/large.csv", &large(60_000))]);
    let sql = "select key, text from '/data/large.csv' order by key";
    let mut query =
        Query::new(&setting(&vfs, 1 << 20), sql, &Parameters::default()).expect("a good statement");
    let error = query.batch(usize::MAX, true).expect_err("there is no room").to_string();
    assert!(error.contains("needs more scratch"), "{error}");
}

#[test]
fn without_scratch_everything_is_in_memory() {
    let vfs = tree(&[("/data/large.csv", &large(20_000))]);
    let setting = Setting { scratch: None, ..setting(&vfs, 0) };
    let sql = "select count(*) from (select * from '/data/large.csv' order by text, key limit -1)";
    let mut query = Query::new(&setting, sql, &Parameters::default()).expect("a good statement");
    assert_eq!(query.batch(usize::MAX, true).expect("rows").json, "[[20000]]");
}

#[test]
fn random_is_the_sandbox_s_own() {
    let sql = "select random(), hex(randomblob(4))";
    let (vfs, other) = (files(), Setting { seed: [8; 32], ..setting(&files(), 1 << 20) });
    let run = |setting: &Setting| {
        Query::new(setting, sql, &Parameters::default()).expect("good").batch(usize::MAX, true).expect("rows")
    };
    assert_eq!(run(&setting(&vfs, 1 << 20)), run(&setting(&vfs, 1 << 20)));
    assert_ne!(run(&setting(&vfs, 1 << 20)), run(&other));
}

/// The whole result as text.
fn text(sql: &str, format: Format) -> String {
    let mut query =
        Query::new(&setting(&files(), 1 << 20), sql, &Parameters::default()).expect("a good statement");
    let mut output = Output::new(format);
    let mut text = String::new();
    loop {
        let chunk = output.chunk(&mut query).expect("text");
        if chunk.is_empty() {
            return text;
        }
        text += &chunk;
    }
}

#[test]
fn results_are_written_in_every_format() {
    let sql = "select 1 a, 'x,\"y\"' b, null c, '' d, 1.5 e, 9007199254740993 f, x'ff' \"g,\"";
    assert_eq!(
        text(sql, Format::Csv),
        "a,b,c,d,e,f,\"g,\"\n1,\"x,\"\"y\"\"\",,\"\",1.5,9007199254740993,ff\n"
    );
    assert_eq!(
        text(sql, Format::Tsv),
        "a\tb\tc\td\te\tf\tg,\n1\t\"x,\"\"y\"\"\"\t\t\"\"\t1.5\t9007199254740993\tff\n"
    );
    let object = "{\"a\":1,\"b\":\"x,\\\"y\\\"\",\"c\":null,\"d\":\"\",\"e\":1.5,\"f\":9007199254740993,\"g,\":\"ff\"}";
    assert_eq!(text(sql, Format::Ndjson), format!("{object}\n"));
    assert_eq!(text(sql, Format::Json), format!("[\n{object}\n]\n"));
    assert_eq!(text("select 1 where 0", Format::Json), "[]\n");
    assert_eq!(text("select 1 a where 0", Format::Csv), "a\n");
}

#[test]
fn a_result_can_replace_the_file_it_is_made_from() {
    let vfs = files();
    let sql = "select region, qty from '/data/sales.csv' where qty > 2";
    let mut query =
        Query::new(&setting(&vfs, 1 << 20), sql, &Parameters::default()).expect("a good statement");
    let before = vfs.read_dir("/data").expect("a directory").len();
    assert_eq!(write_file(&mut query, Format::Csv, &vfs, "/data/sales.csv", 1).expect("written"), 2);
    assert_eq!(vfs.read_to_string("/data/sales.csv").expect("a file"), "region,qty\nsouth,3\nnorth,5\n");
    assert_eq!(vfs.read_dir("/data").expect("a directory").len(), before);
}

#[test]
fn a_result_that_fails_leaves_what_was_there() {
    let vfs = files();
    let sql = "select a from '/data/bad.csv'";
    let mut query =
        Query::new(&setting(&vfs, 1 << 20), sql, &Parameters::default()).expect("a good statement");
    let before = vfs.read_dir("/data").expect("a directory").len();
    write_file(&mut query, Format::Csv, &vfs, "/data/sales.csv", 1).expect_err("a bad row");
    assert_eq!(vfs.read_to_string("/data/sales.csv").expect("a file"), SALES);
    assert_eq!(vfs.read_dir("/data").expect("a directory").len(), before);
}

#[test]
fn a_result_leaves_alone_what_has_a_name_like_its_own() {
    let vfs = files();
    for name in ["/data/x.csv.partial", "/data/x.csv.tmp"] {
        vfs.write(name, b"precious").expect("a file");
    }
    vfs.write("/data/real.csv", b"old").expect("a file");
    vfs.symlink("real.csv", "/data/x.csv").expect("a link");
    let mut query = Query::new(&setting(&vfs, 1 << 20), "select 1 as a", &Parameters::default())
        .expect("a good statement");
    write_file(&mut query, Format::Csv, &vfs, "/data/x.csv", 1).expect("written");
    assert_eq!(vfs.read_to_string("/data/x.csv.partial").expect("a file"), "precious");
    assert_eq!(vfs.read_to_string("/data/x.csv.tmp").expect("a file"), "precious");
    assert_eq!(vfs.read_to_string("/data/real.csv").expect("a file"), "a\n1\n");
    assert!(vfs.lstat("/data/x.csv").expect("a link").is_symlink());
}

#[test]
fn too_many_columns_are_told() {
    let names: Vec<_> = (0..2001).map(|n| format!("c{n}")).collect();
    let vfs = tree(&[("/data/wide.csv", &(names.join(",") + "\n"))]);
    let error = ask(&vfs, "select c1 from '/data/wide.csv'", Vec::new()).expect_err("too many");
    assert!(
        error.starts_with("/data/wide.csv: 2001 columns, where a table of SQL has at most 2000"),
        "{error}"
    );
}

/// Kinds of all tokens but blanks.
fn kinds(sql: &str) -> Vec<Kind> {
    tokens(sql).iter().map(|token| token.kind).filter(|kind| *kind != Kind::Space).collect()
}

#[test]
fn tokens_are_cut_as_sqlite_cuts_them() {
    use Kind::*;
    for (sql, expected) in [
        ("a b", &[Word, Word][..]),
        ("'it''s' \"a\"\"b\" `c` [d e]", &[Text, Quoted, Quoted, Quoted]),
        ("x'ab' 1.5e-3 .5 0x1F 1a", &[Other, Other, Other, Other, Other]),
        ("a--b'\nc /* ' */ d /*", &[Word, Word, Word]),
        ("?1 ? :a @b $c::d(e)", &[Parameter, Parameter, Parameter, Parameter, Parameter]),
        ("a.b, (c);", &[Word, Dot, Word, Comma, Open, Word, Close, Semicolon]),
        ("1-1 a->>b", &[Other, Other, Other, Word, Other, Other, Other, Word]),
        ("'open", &[Other]),
        ("ünïcode", &[Word]),
    ] {
        assert_eq!(kinds(sql), expected, "{sql}");
    }
}

/// A statement's shape: whether it keeps rows, and which references read the file where all are of one size.
#[track_caller]
fn shaped(sql: &str, is_join: bool, expected: &[bool]) {
    let shape = Shape::of(&rewrite(sql).expect(sql).pieces);
    assert_eq!(shape.insertion.is_some(), is_join, "{sql}");
    if is_join {
        assert_eq!(shape.direct(&vec![1; shape.places.len()], false), expected, "{sql}");
    }
}

#[test]
fn files_that_are_brought_together_are_kept() {
    shaped("select 1 from 'a.csv'", false, &[]);
    shaped("select 1 from 'a.csv' union select 2 from 'b.csv'", false, &[]);
    shaped("select 1 from (select 1 from 'a.csv' union all select 2 from 'b.csv')", false, &[]);
    shaped("select 1 from 'a.csv' where x in 'b.csv'", false, &[]);
    shaped("select 1 from 'a.csv', 'b.csv'", true, &[false, false]);
    shaped("select 1 from 'a.csv' left join 'b.csv' using (x)", true, &[true, false]);
    shaped("select 1 from 'a.csv' where exists (select 1 from 'b.csv')", true, &[false, false]);
    let sql = "select 1 from 'a.csv' where x in (select x from 'b.csv') and y in 'c.csv'";
    shaped(sql, true, &[false, false, true]);
    shaped("with a as (select * from 'a.csv') select 1 from a, 'b.csv'", true, &[false, false]);
    shaped(
        "with a as (select * from 'a.csv') select 1 from 'b.csv' union select 2 from a",
        true,
        &[false; 2],
    );
    shaped("with recursive a as (select 1 union select x from a, 'a.csv') select 1 from a", true, &[false]);
    shaped(
        "select 1 from 'a.csv', 'b.csv' union select 2 from 'c.csv' left join b",
        true,
        &[false, false, true],
    );
}

#[test]
fn a_file_much_larger_than_the_others_is_not_kept() {
    let shape = Shape::of(&rewrite("select 1 from 'a.csv', 'b.csv', 'c.csv'").expect("good").pieces);
    assert_eq!(shape.direct(&[3, 1 << 30, 4], false), [false, true, false]);
    assert_eq!(shape.direct(&[3, 1 << 30, 1 << 30], false), [false; 3]);
    assert_eq!(shape.direct(&[3, 1 << 30, 4], true), [false; 3]);
    assert_eq!(shape.direct(&[3, 1 << 20, 4], false), [false; 3]);
}

/// Files that take longer than anybody waits if every row of one is compared with all of another.
fn tables() -> Vfs {
    let rows = 20_000;
    let csv = |head: &str, row: &dyn Fn(u32) -> String| {
        std::iter::once(format!("{head}\n")).chain((0..rows).map(row)).collect::<String>()
    };
    let json: String = (0..rows).map(|i| format!("{{\"id\":{},\"w\":\"w{i}\"}}\n", i * 2)).collect();
    tree(&[
        ("/data/a.csv", &csv("id,v", &|i| format!("{i},x{}\n", i % 7))),
        ("/data/b.csv", &csv("id,u", &|i| format!("{},u{}\n", i * 3, i % 5))),
        ("/data/c.ndjson", &json),
    ])
}

#[test]
fn large_files_are_joined() {
    let vfs = tables();
    for (sql, expected) in [
        (
            "select count(*), max(v) from '/data/a.csv' a join '/data/b.csv' b on a.id = b.id",
            "[[6667,\"x6\"]]",
        ),
        (
            "select count(*), count(u) from '/data/a.csv' a left join '/data/b.csv' b on a.id = b.id",
            "[[20000,6667]]",
        ),
        ("select count(*) from '/data/a.csv' p, '/data/a.csv' q where p.id = q.id + 1", "[[19999]]"),
        (
            "select count(*) from '/data/a.csv' a, '/data/b.csv' b, '/data/c.ndjson' c where a.id = b.id and c.id = b.id",
            "[[3334]]",
        ),
        (
            "select count(*), min(w) from '/data/c.ndjson' join '/data/a.csv' on a.id = c.id",
            "[[10000,\"w0\"]]",
        ),
        (
            "select count(*) from '/data/a.csv' a where exists (select 1 from '/data/b.csv' b where b.id = a.id)",
            "[[6667]]",
        ),
        (
            "select count(*) from '/data/a.csv' a where v in (select 'x0' from '/data/b.csv' b where b.id = a.id)",
            "[[953]]",
        ),
        (
            "with b as (select * from '/data/b.csv') select count(*) from '/data/a.csv' a join b using (id)",
            "[[6667]]",
        ),
        (
            "with recursive t(i) as (select 0 union all select a.id + 1 from t join '/data/a.csv' a on a.id = t.i) select max(i) from t",
            "[[20000]]",
        ),
    ] {
        assert_eq!(ask(&vfs, sql, Vec::new()).as_deref(), Ok(expected), "{sql}");
    }
}

#[test]
fn rows_that_are_kept_go_to_the_scratch() {
    let vfs = tree(&[("/data/large.csv", &large(60_000)), ("/data/key.csv", "key\n5\n")]);
    let sql = "select count(*) from '/data/large.csv' p join '/data/large.csv' q on p.key = q.key and p.text = q.text";
    let setting = Setting { memory_bytes: 4 << 20, ..setting(&vfs, 256 << 20) };
    let mut query = Query::new(&setting, sql, &Parameters::default()).expect("a good statement");
    assert_eq!(query.batch(usize::MAX, true).expect("rows").json, "[[60000]]");
    assert!(query.spilled_bytes() > 1 << 20, "{} bytes", query.spilled_bytes());
}

#[test]
fn joins_are_told_of_as_they_were_written() {
    let join = "from '/data/sales.csv' join '/data/regions.ndjson' on region = name";
    refuse(&format!("select nowhere {join}"), "no such column: nowhere");
    refuse(
        "select 1 from '/data/sales.csv', '/data/none.csv'",
        "ENOENT: no such file or directory, open '/data/none.csv'",
    );
    check(&format!("select * {join} where qty = 3"), "[[\"2026-03-02\",\"south\",3,2.0,\"south\",null,1]]");
    check(&format!("select sales.rowid, regions.rowid {join} order by 1"), "[[1,1],[2,2],[3,1]]");
    let plan = ask(&files(), &format!("explain query plan select qty {join}"), Vec::new()).expect("a plan");
    assert!(plan.contains("MATERIALIZE /data/regions.ndjson") && plan.contains("sales"), "{plan}");
    let list =
        vec![Parameter::Integer(2), Parameter::Text("/data/regions.ndjson".into()), Parameter::Integer(9)];
    let sql = "with x(a) as (select ?) select qty, ? from '/data/sales.csv' join x on qty = a";
    let sql = sql.replace("join x", "join ?2 on region = name join x").replace("qty, ?", "qty, ?3");
    assert_eq!(ask(&files(), &sql, list).as_deref(), Ok("[[2,9]]"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_are_the_text(sql in "([a-z'\"`\\[\\]()?:,;/*-]|--|\\PC| |from|join|in){0,40}") {
        let again: String = tokens(&sql).iter().map(|token| token.text).collect();
        prop_assert_eq!(again, sql);
    }

    /// Whatever is asked, there is an answer or one line that says why not, and never a panic.
    #[test]
    fn any_statement_has_an_answer(
        words in proptest::collection::vec(
            proptest::sample::select(&[
                "select", "from", "'/data/sales.csv'", "\"/data/list.json\"", "join", ",", "(", ")", "*", "qty", "in",
                "where", "group by", "1", "order by", "with", "as", "x", "values", "union", "csv(", "'types=text'", "?",
                "is not distinct from", "/*", "--", "'", "[", ";", "limit", "json_each(", "over", "exists",
            ][..]),
            0..14,
        )
    ) {
        let sql = words.join(" ");
        if let Err(error) = ask(&files(), &sql, Vec::new()) {
            prop_assert!(!error.is_empty());
        }
    }

    /// What has no file in it stays as it is, but for the numbers of parameters.
    #[test]
    fn statements_without_files_are_left_alone(sql in "(select|from t|where|a|1|'x'| |,|\\(|\\)|=){0,20}") {
        let sql = sql.replace("from t", " from t ");
        let has_text_in_from = tokens(&sql).iter().any(|token| token.kind == Kind::Text);
        if let (Ok(rewritten), false) = (rewrite(&sql), has_text_in_from) {
            let pieces = rewritten.pieces;
            prop_assert!(pieces.iter().all(|piece| matches!(piece, Piece::Sql(same) if *same == sql)));
        }
    }
}
