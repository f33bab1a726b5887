//! What is passed over before SQLite sees it makes no difference to a result.

use super::*;

/// Text, whole numbers and others, each with what does not belong there far down.
fn odd() -> Vfs {
    let mut file = "t,n,r\n".to_owned();
    for i in 0..1200_u32 {
        let text = ["abc", "ABCD", "b", "\u{e9}t\u{e9}", "5", "a_c", "\"\"", ""][(i % 8) as usize];
        file += &format!("{text},{},{}.5\n", i % 7, i % 5);
    }
    for late in
        ["x,9007199254740992,2", "y,9007199254740993,-0.0", "z,n/a,1e300", ",,", "a%,5,abc", "AB,-5,2.0"]
    {
        file += &format!("{late}\n");
    }
    tree(&[("/data/odd.csv", &file), ("/data/few.csv", "k,t\n1,abc\n2,b\n3,none\n")])
}

const CONDITIONS: &[&str] = &[
    "t like 'A%'",
    "t like 'a_c'",
    "t like '%b'",
    "t like '\u{c9}%'",
    "t like '\u{e9}%'",
    "t like 'ab'",
    "t like ''",
    "t not like 'a%'",
    "t like 'a\\_c' escape '\\'",
    "t = 'abc'",
    "t = 'ABC' collate nocase",
    "t < 'ABCD' collate nocase",
    "t > 'b'",
    "t <= 'abc'",
    "t = 5",
    "t > 4",
    "t like 5",
    "t in ('abc', '5')",
    "t = ''",
    "t is null",
    "t = null",
    "t glob 'a*'",
    "n = 5",
    "5 = n",
    "n >= 2.5",
    "n < 9007199254740993",
    "n = 9007199254740993",
    "n > 9007199254740992.0",
    "n = '5'",
    "n > 'x'",
    "n like '5%'",
    "n between 2 and 4",
    "n = 5 or t = 'abc'",
    "not n = 5",
    "n in (1, 2)",
    "r = 2",
    "r < 2.5",
    "r > 1e299",
    "r = 0",
    "r >= 'a'",
    "n > 2 and t < 'b' and r <> 1.5",
    "rowid > 1190",
    "n > 5 and rowid > 1190",
    "n = (select 5)",
    "n > r",
];

#[test]
fn filters_leave_results_as_they_are() {
    let vfs = odd();
    let rows = |sql: &str| ask(&vfs, sql, Vec::new()).expect(sql);
    for condition in CONDITIONS {
        // What is compared with something is no condition on a column.
        let careful = format!("({condition}) is true");
        for select in [
            "select rowid, t, n, r from '/data/odd.csv' where CONDITION order by rowid",
            "select t, count(*), sum(n), max(rowid) from '/data/odd.csv' where CONDITION group by t order by t",
            "select n, t, sum(r) from '/data/odd.csv' where CONDITION group by n, t order by n, t",
        ] {
            let with = |condition: &str| rows(&select.replace("CONDITION", condition));
            assert_eq!(with(condition), with(&careful), "{select}: {condition}");
        }
    }
}

#[test]
fn filters_leave_joins_as_they_are() {
    let vfs = odd();
    let rows = |sql: &str| ask(&vfs, sql, Vec::new()).expect(sql);
    for (on, condition) in [
        ("f.t = o.t", "o.n = 5"),
        ("f.t = o.t and o.n = 5", "1"),
        ("f.t = o.t and f.k = 1", "o.n > 2"),
        ("f.t = o.t and o.n = 5", "o.n is null"),
        ("f.t = o.t and o.t like 'abc%'", "1"),
        ("f.t = o.t", "f.t like 'a%'"),
        ("f.t = o.t and o.t = 'b'", "f.k < 3"),
    ] {
        for (first, second) in [("few.csv' f", "odd.csv' o"), ("odd.csv' o", "few.csv' f")] {
            let join = |on: &str, condition: &str| {
                rows(&format!(
                    "select f.k, o.t, count(*), sum(o.n) from '/data/{first} left join '/data/{second} on {on}
                     where {condition} group by 1, 2 order by 1, 2"
                ))
            };
            let careful = |text: &str| format!("({text}) is true");
            assert_eq!(join(on, condition), join(on, &careful(condition)), "{first}: {on} where {condition}");
            assert_eq!(join(on, condition), join(&careful(on), condition), "{first}: {on} where {condition}");
        }
    }
}

#[test]
fn a_statement_that_passes_over_all_rows_can_be_stopped() {
    let vfs = odd();
    let setting = Setting { interrupted: Arc::new(|| true), ..setting(&vfs, 1 << 20) };
    let sql = "select t from '/data/odd.csv' where t = 'nowhere'";
    let mut query = Query::new(&setting, sql, &Parameters::default()).expect("a good statement");
    let error = query.batch(usize::MAX, true).expect_err("it was stopped");
    assert!(matches!(error, SqlError::Interrupted), "{error}");
}
