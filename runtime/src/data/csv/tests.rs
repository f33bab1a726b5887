use proptest::prelude::*;

use super::super::{Charset, DataError, Kind, RowSource, Source, Value};
use super::reader::Reader;
use super::*;

fn reader(text: &[u8], chunk: usize) -> Reader {
    let charset = Charset::Given(encoding_rs::UTF_8);
    let options = CsvOptions { delimiter: Delimiter::Given(b','), ..CsvOptions::default() };
    Reader::new(Source::chunked(text.to_vec(), charset, chunk), &options).unwrap()
}

/// Every record as its line and its fields; bad ones as `line: reason`.
fn records(text: &str, chunk: usize) -> Vec<Vec<String>> {
    let mut reader = reader(text.as_bytes(), chunk);
    let mut out = Vec::new();
    loop {
        match reader.next() {
            Ok(None) => return out,
            Ok(Some(record)) => {
                let fields = record.cells().map(|cell| cell.text.into_owned());
                out.push(std::iter::once(record.line.to_string()).chain(fields).collect());
            }
            Err(error @ DataError::Row(_)) => out.push(vec![error.to_string()]),
            Err(error) => panic!("{error}"),
        }
    }
}

fn check(text: &str, expected: &[&[&str]]) {
    for chunk in [1, 2, 3, 7, 4096] {
        assert_eq!(records(text, chunk), expected, "in chunks of {chunk}: {text:?}");
    }
}

#[test]
fn fields_and_lines() {
    check("a,b\n1,2\n", &[&["1", "a", "b"], &["2", "1", "2"]]);
    check("a,b\r\n1,2", &[&["1", "a", "b"], &["2", "1", "2"]]);
    check("a,\n,b\n,", &[&["1", "a", ""], &["2", "", "b"], &["3", "", ""]]);
    check("\na\rb,c\n", &[&["2", "a\rb", "c"]]);
}

#[test]
fn quotes_are_undone() {
    check("\"a,b\",\"c\"\"d\"\n", &[&["1", "a,b", "c\"d"]]);
    check("\"a\nb\",c\nd,e\n", &[&["1", "a\nb", "c"], &["3", "d", "e"]]);
    check("\"\",\"\"\"\"\r\n\"x\"\r\n", &[&["1", "", "\""], &["2", "x"]]);
    check("a \"b\" c, \"d\"\n", &[&["1", "a \"b\" c", " \"d\""]]);
}

#[test]
fn blank_lines_are_no_records() {
    check("\n\na\n\r\n\"\"\n", &[&["3", "a"], &["5", ""]]);
    check("", &[]);
}

#[test]
fn bad_rows_are_named_by_line_and_cost_no_more_than_themselves() {
    check(
        "a,b\n\"x\"y,2\n3,4\n",
        &[&["1", "a", "b"], &["line 2: field 1 goes on after its closing quote"], &["3", "3", "4"]],
    );
    check(
        "a,b\n1,\"x\n3,4\n5,6\n",
        &[
            &["1", "a", "b"],
            &["line 2: the quote that opens field 2 is never closed"],
            &["3", "3", "4"],
            &["4", "5", "6"],
        ],
    );
}

#[test]
fn bytes_that_are_no_text_make_a_bad_row() {
    let mut reader = reader(b"a\n\xff\nb\n", 4096);
    assert!(reader.next().unwrap().is_some());
    assert_eq!(
        reader.next().unwrap_err().to_string(),
        "line 2: not valid UTF-8; say which encoding it is, such as encoding: 'latin1'"
    );
    assert_eq!(reader.next().unwrap().unwrap().line, 3);
}

fn rows(bytes: &[u8], options: &CsvOptions) -> CsvRows {
    CsvRows::new(Source::bytes(bytes.to_vec().into(), Charset::Auto), options).unwrap()
}

/// The columns and all rows, as text.
fn dump(bytes: &[u8], options: &CsvOptions) -> String {
    let mut rows = rows(bytes, options);
    let columns = rows.columns().iter().map(|it| format!("{}:{}", it.name, it.kind.name()));
    let mut out = columns.collect::<Vec<_>>().join(" ");
    loop {
        match rows.advance() {
            Ok(false) => return out,
            Ok(true) => {
                let values = (0..rows.columns().len()).map(|index| match rows.value(index) {
                    Value::Null => "-".to_owned(),
                    Value::Boolean(it) => it.to_string(),
                    Value::Integer(it) => it.to_string(),
                    Value::Real(it) => format!("{it:?}"),
                    Value::Text(it) => format!("'{it}'"),
                    Value::Json(it) => it.to_owned(),
                });
                out += &format!("\n{}", values.collect::<Vec<_>>().join(" "));
            }
            Err(error) => out += &format!("\n{error}"),
        }
    }
}

fn check_rows(text: &str, options: CsvOptions, expected: &str) {
    assert_eq!(dump(text.as_bytes(), &options), expected, "{text:?}");
}

#[test]
fn columns_are_typed_by_their_first_rows() {
    check_rows(
        "n,r,t,b,z\n1,1.5,x,true,007\n-2,2,,FALSE,010\n,,1,,\n",
        CsvOptions::default(),
        "n:integer r:real t:text b:boolean z:text\n1 1.5 'x' true '007'\n-2 2 - false '010'\n- - '1' - -",
    );
}

#[test]
fn what_does_not_fit_a_guess_stays_text_unless_it_is_a_number() {
    let mut text = "n\n".to_owned();
    text.extend((0..2000).map(|n| format!("{n}\n")));
    text += "n/a\n2.5\n1e3\n007\n8\n";
    let dump = dump(text.as_bytes(), &CsvOptions::default());
    assert!(dump.starts_with("n:integer\n0\n1\n"), "{dump}");
    assert!(dump.ends_with("\n1999\n'n/a'\n2.5\n1000.0\n'007'\n8"), "{dump}");
}

#[test]
fn what_does_not_fit_a_cast_is_a_bad_row() {
    let types = Types::Cast(vec![("n".into(), Kind::Integer), ("t".into(), Kind::Text)]);
    check_rows(
        "n,t\n 07 ,1\nx,2\n,3\n1.5,4\n",
        CsvOptions { types, ..CsvOptions::default() },
        "n:integer t:text\n7 '1'\nline 3: column 'n': 'x' is not integer\n- '3'\n\
         line 5: column 'n': '1.5' is not integer",
    );
}

#[test]
fn rows_have_as_many_fields_as_the_header_unless_ragged() {
    let text = "a,b\n1\n1,2,3\n1,2\n";
    let bad = "line 2: 1 field where the header has 2\nline 3: 3 fields where the header has 2";
    check_rows(text, CsvOptions::default(), &format!("a:integer b:integer\n{bad}\n1 2"));
    let ragged = CsvOptions { ragged: true, ..CsvOptions::default() };
    check_rows(text, ragged, "a:integer b:integer\n1 -\n1 2\n1 2");
}

#[test]
fn headers() {
    let with = |header: Header| CsvOptions { header, ..CsvOptions::default() };
    check_rows("a,a,\n1,2,3\n", with(Header::First), "a:integer a_2:integer c3:integer\n1 2 3");
    check_rows("1,2\n3,4\n", with(Header::None), "c1:integer c2:integer\n1 2\n3 4");
    check_rows("1,2\n3,4\n", with(Header::Auto), "c1:integer c2:integer\n1 2\n3 4");
    check_rows("a,b\n3,4\n", with(Header::Auto), "a:integer b:integer\n3 4");
    let names = Header::Names(vec!["x".into(), "__proto__".into()]);
    check_rows("1,2\n", with(names), "x:integer __proto__:integer\n1 2");
    check_rows("", with(Header::First), "");
}

#[test]
fn nulls_and_empty_text_are_told_apart_by_quotes() {
    check_rows("t\n\"\"\nx\n", CsvOptions::default(), "t:text\n''\n'x'");
    check_rows("t,u\n\"\",\n", CsvOptions::default(), "t:text u:text\n'' -");
    check_rows("n,m\n\"\",1\n\"2\",1\n", CsvOptions::default(), "n:integer m:integer\n- 1\n2 1");
    let nulls = CsvOptions { nulls: Nulls::Given(vec!["NA".into()]), ..CsvOptions::default() };
    check_rows("n,m\nNA,\n1,x\n", nulls, "n:integer m:text\n- ''\n1 'x'");
    let text = CsvOptions { types: Types::Text, ..CsvOptions::default() };
    check_rows("n,m\n1,\n", text, "n:text m:text\n'1' ''");
}

#[test]
fn numbers_that_are_names_stay_text() {
    for text in
        ["007", "+1", "1.", "1e999", "0x10", "NaN", "Infinity", "-", ".", "1_000", " 1", "9007199254740993"]
    {
        check_rows(&format!("v\n{text}\n"), CsvOptions::default(), &format!("v:text\n'{text}'"));
    }
    for (text, value) in
        [("-0.5", "-0.5"), (".5", "0.5"), ("1e3", "1000.0"), ("0.10", "0.1"), ("-1E-2", "-0.01")]
    {
        check_rows(&format!("v\n{text}\n"), CsvOptions::default(), &format!("v:real\n{value}"));
    }
}

#[test]
fn a_delimiter_is_no_quote() {
    let options = CsvOptions { delimiter: Delimiter::Given(b'"'), ..CsvOptions::default() };
    let error = CsvRows::new(Source::text("a,b\n1,2\n"), &options).unwrap_err();
    assert_eq!(error.to_string(), "delimiter and quote are both '\"'; say another quote");
    check_rows("a\"b\n1\"2\n", CsvOptions { quote: None, ..options }, "a:integer b:integer\n1 2");
}

#[test]
fn columns_in_the_order_asked_for() {
    let columns = Some(vec!["b".to_owned(), "a".to_owned()]);
    check_rows("a,x,b\n1,2,3\n", CsvOptions { columns, ..CsvOptions::default() }, "b:integer a:integer\n3 1");
    let columns = Some(vec!["nope".to_owned()]);
    let source = Source::text("a,b\n1,2\n");
    let error = CsvRows::new(source, &CsvOptions { columns, ..CsvOptions::default() }).unwrap_err();
    assert_eq!(error.to_string(), "there is no column 'nope'; there are: a, b");
}

#[test]
fn delimiters_are_told_by_their_looks() {
    let expected = "a:integer b:integer\n1 2\n3 4";
    for text in ["a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "a|b\n1|2\n3|4\n", "sep=:\na:b\n1:2\n3:4\n"] {
        check_rows(text, CsvOptions::default(), expected);
    }
    check_rows("a;b\n1,5;2,5\n3,5;4\n", CsvOptions::default(), "a:text b:text\n'1,5' '2,5'\n'3,5' '4'");
    check_rows("a\n1\n", CsvOptions::default(), "a:integer\n1");
    let comment = CsvOptions { comment: Some(b'#'), ..CsvOptions::default() };
    check_rows("# a;b;c\n#\na,b\n1,2\n#x\n3,4\n", comment, expected);
}

#[test]
fn encodings_are_told_by_their_looks() {
    let text = "naïve,ß\nx,é\n";
    let expected = "naïve:text ß:text\n'x' 'é'";
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let with = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
    for bytes in [
        text.as_bytes().to_vec(),
        with(b"\xef\xbb\xbf", text.as_bytes()),
        with(b"\xff\xfe", &utf16(u16::to_le_bytes)),
        with(b"\xfe\xff", &utf16(u16::to_be_bytes)),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
    ] {
        assert_eq!(dump(&bytes, &CsvOptions::default()), expected, "{bytes:?}");
    }
    assert!(matches!(Charset::named("latin1"), Ok(Charset::Given(it)) if it == encoding_rs::WINDOWS_1252));
    assert!(Charset::named("klingon").is_err());
}

#[test]
fn lines_may_end_in_carriage_returns_alone() {
    check_rows("a,b\r1,2\r3,\"x\ry\"\r", CsvOptions::default(), "a:integer b:text\n1 '2'\n3 'x\ry'");
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn arbitrary_bytes_are_read_alike_in_any_chunks(
        bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
        chunk in 1_usize..20,
    ) {
        // Lines that end in a carriage return alone are told by the first chunk.
        let bytes = [b"\n", &bytes[..]].concat();
        let all = |chunk: usize| {
            let mut reader = reader(&bytes, chunk);
            let mut out = Vec::new();
            loop {
                match reader.next() {
                    Ok(None) => return out,
                    Ok(Some(record)) => {
                        out.push(format!("{} {:?}", record.line, record.cells().collect::<Vec<_>>()));
                    }
                    Err(error) => out.push(error.to_string()),
                }
            }
        };
        prop_assert_eq!(all(chunk), all(1 << 16));
    }

    #[test]
    fn well_formed_text_is_read_as_the_crate_csv_reads_it(
        rows in proptest::collection::vec(proptest::collection::vec("[a,\"\n é]{0,6}", 2..5), 0..20),
        chunk in 1_usize..50,
    ) {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let mut theirs = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(&text[..]);
        let theirs: Vec<Vec<String>> =
            theirs.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let mut reader = reader(&text, chunk);
        let mut ours = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            ours.push(record.cells().map(|cell| cell.text.into_owned()).collect::<Vec<_>>());
        }
        prop_assert_eq!(ours, theirs);
    }

    /// Text, nulls and numbers are what they were, once written and read.
    #[test]
    fn what_is_written_is_read_as_it_was(
        rows in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![
                    Just(serde_json::Value::Null),
                    "[a,;\"\n\r é\u{feff}=]{0,6}".prop_map(serde_json::Value::from),
                    Just(serde_json::Value::from("sep=;")),
                ],
                3,
            ),
            1..10,
        ),
        crlf in any::<bool>(),
    ) {
        let writer = CsvWriter {
            delimiter: b',',
            quote: b'"',
            line_end: if crlf { "\r\n" } else { "\n" },
            columns: vec!["x".into(), "a \"name\"".into(), "é".into()],
            chosen: false,
            null: String::new(),
        };
        let mut text = String::new();
        writer.header(&mut text);
        writer.rows(&serde_json::to_string(&rows).unwrap(), 1, &mut text).unwrap();
        let options = CsvOptions { delimiter: Delimiter::Given(b','), ..CsvOptions::default() };
        let mut read = CsvRows::new(Source::text(text.clone().into_bytes()), &options).unwrap();
        prop_assert_eq!(read.columns().iter().map(|it| it.name.clone()).collect::<Vec<_>>(), writer.columns);
        for row in &rows {
            prop_assert!(read.advance().unwrap(), "{}", text);
            for (index, cell) in row.iter().enumerate() {
                let expected = cell.as_str().map_or(Value::Null, |text| Value::Text(text.into()));
                prop_assert_eq!(read.value(index), expected, "{}", text);
            }
        }
        prop_assert!(!read.advance().unwrap());
    }
}

/// Values after more rows without one than decide about a column.
#[test]
fn a_column_that_is_empty_first_is_what_its_first_values_are() {
    for (later, expected) in [
        ("1,2\n1,3\n", "Integer(2) Integer(3)"),
        ("1,2\n1,x\n", "Text(\"2\") Text(\"x\")"),
        ("1,2\n1,0.5\n1,n/a\n", "Text(\"2\") Text(\"0.5\") Text(\"n/a\")"),
        ("1,true\n", "Boolean(true)"),
    ] {
        let text = format!("n,late\n{}{later}", "1,\n".repeat(1500));
        let mut rows = CsvRows::new(Source::text(text), &CsvOptions::default()).expect("a header");
        let mut seen = Vec::new();
        while rows.advance().expect("good rows") {
            seen.extend(
                Some(rows.value(1)).filter(|value| *value != Value::Null).map(|value| format!("{value:?}")),
            );
        }
        assert_eq!(seen.join(" "), expected);
    }
}
