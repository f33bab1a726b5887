//! Files for people: CSV in columns, bytes as a dump, text as it is.

use cowry_shell_core::units::format_size;

use super::{Table, legible, shown};

/// Rows of a CSV file that are shown, and the width of a column at most.
const ROWS: usize = 20;
const WIDTH: usize = 32;
/// Bytes that are dumped, and bytes on a line.
const DUMPED: usize = 256;
const LINE: usize = 16;
/// Lines of text that are shown.
const LINES: usize = 200;

/// What a file of this name and size looks like, of which `bytes` are the beginning.
pub fn of(path: &str, bytes: &[u8], size: u64) -> String {
    let Some(text) = text(bytes) else { return dump(bytes, size) };
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv") => columns(text, ',', bytes.len() as u64 == size),
        Some("tsv") => columns(text, '\t', bytes.len() as u64 == size),
        _ => lines(text, size),
    }
}

/// All of it: text as it is, bytes as a dump.
pub fn whole(bytes: &[u8]) -> String {
    match text(bytes) {
        Some(text) if text.len() == bytes.len() => legible(text),
        _ => bytes.chunks(LINE).enumerate().map(|(at, row)| dump_line(at * LINE, row)).collect(),
    }
}

/// Bytes as text, unless they are none. A character may have been cut off at the end.
fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.contains(&0) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        Err(_) => None,
    }
}

fn lines(text: &str, size: u64) -> String {
    let shown: String = text.split_inclusive('\n').take(LINES).collect();
    let rest = size - shown.len() as u64;
    let shown = legible(&shown);
    if rest == 0 {
        return shown;
    }
    format!("{}\n... {} more (--all shows all)\n", shown.trim_end_matches('\n'), format_size(rest))
}

fn dump(bytes: &[u8], size: u64) -> String {
    let head = &bytes[..bytes.len().min(DUMPED)];
    let rows: String = head.chunks(LINE).enumerate().map(|(at, row)| dump_line(at * LINE, row)).collect();
    let rest = size - head.len() as u64;
    if rest == 0 { rows } else { format!("{rows}... {} more (--all shows all)\n", format_size(rest)) }
}

/// As `hexdump -C` has it.
fn dump_line(at: usize, row: &[u8]) -> String {
    let code = |i: usize| {
        let gap = if i == LINE / 2 { "  " } else { " " };
        row.get(i).map_or(format!("{gap}  "), |byte| format!("{gap}{byte:02x}"))
    };
    let codes: String = (0..LINE).map(code).collect();
    let text: String =
        row.iter().map(|byte| if matches!(byte, 32..127) { char::from(*byte) } else { '.' }).collect();
    format!("{at:08x} {codes}  |{text}|\n")
}

/// The first rows in columns, and how many there are in all, as far as was looked.
fn columns(text: &str, delimiter: char, is_all: bool) -> String {
    let records = records(text, delimiter);
    let mut table = Table::new(&[]);
    for record in records.iter().take(ROWS + 1) {
        table.row(record.iter().map(|field| cut(&shown(field))));
    }
    let mut shown: String =
        table.lines(|_, _, cell| cell.to_owned()).into_iter().flat_map(|line| [line, "\n".into()]).collect();
    let rest = records.len().saturating_sub(ROWS + 1);
    if rest > 0 {
        let at_least = if is_all { "" } else { "at least " };
        shown.push_str(&format!("... {at_least}{rest} more rows (--all shows the file)\n"));
    }
    shown
}

/// A cell that is not too wide.
fn cut(field: &str) -> String {
    if field.chars().count() <= WIDTH {
        return field.to_owned();
    }
    field.chars().take(WIDTH - 1).chain(['…']).collect()
}

/// The records of a CSV text; a quoted field may hold delimiters, line breaks, and quotes as two. Anything is
/// read as something.
fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let record = records.last_mut().expect("there is one");
        let field = record.last_mut().expect("there is one");
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            c if quoted => field.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' if chars.peek().is_none() => {}
            '\n' => records.push(vec![String::new()]),
            c if c == delimiter => record.push(String::new()),
            c => field.push(c),
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::{of, whole};

    fn look(path: &str, content: &[u8]) -> String {
        of(path, content, content.len() as u64)
    }

    #[test]
    fn csv_stands_in_columns() {
        assert_eq!(
            look("/a.csv", b"name,note\r\nAnn,\"a, b\"\nBartholomew,\"say \"\"hi\"\"\"\n"),
            "name         note\nAnn          a, b\nBartholomew  say \"hi\"\n"
        );
        assert_eq!(look("/a.tsv", b"a\tb\n1\t2"), "a  b\n1  2\n");
    }

    #[test]
    fn many_rows_are_counted() {
        let csv: String = (0..50).map(|i| format!("{i}\n")).collect();
        assert!(look("/a.csv", csv.as_bytes()).ends_with("20\n... 29 more rows (--all shows the file)\n"));
        let begun = of("/a.csv", csv.as_bytes(), 1_000_000);
        assert!(begun.ends_with("... at least 29 more rows (--all shows the file)\n"), "{begun}");
    }

    #[test]
    fn wide_fields_are_cut() {
        let shown = look("/a.csv", format!("{}\n", "x".repeat(100)).as_bytes());
        assert_eq!(shown, format!("{}…\n", "x".repeat(31)));
    }

    #[test]
    fn bytes_are_dumped() {
        assert_eq!(
            look("/a.bin", b"\x00\x01AB"),
            "00000000  00 01 41 42                                       |..AB|\n"
        );
        let long = of("/a.bin", &[0; 1000], 5000);
        assert_eq!(long.lines().count(), 17);
        assert!(long.ends_with("more (--all shows all)\n"), "{long}");
    }

    #[test]
    fn text_is_shown_and_escapes_in_it_are_not_obeyed() {
        assert_eq!(look("/a.txt", "größe\n\x1b[2J".as_bytes()), "größe\n\\u{1b}[2J");
        let long = "line\n".repeat(1000);
        assert_eq!(look("/a.txt", long.as_bytes()).lines().count(), 201);
        assert_eq!(whole(long.as_bytes()), long);
        assert_eq!(whole(b"\xff"), "00000000  ff                                                |.|\n");
    }

    #[test]
    fn a_character_cut_in_two_does_not_make_text_binary() {
        assert_eq!(of("/a.txt", &"é".as_bytes()[..1], 2), "\n... 2 B more (--all shows all)\n");
    }
}
