//! The words of a dot command, as a shell would split them.

/// Splits a line at spaces. Quotes keep spaces together, and a backslash takes away the meaning of what follows it.
///
/// `None`: a quote is not closed.
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => quoted(&mut chars, c, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Reads up to the closing quote.
fn quoted(chars: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            c if c == quote => return Some(()),
            '\\' if quote == '"' => word.push(chars.next()?),
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    fn check(line: &str, expected: &[&str]) {
        assert_eq!(split(line).expect("every quote is closed"), expected, "{line}");
    }

    #[test]
    fn spaces_part_words_and_quotes_keep_them() {
        check("", &[]);
        check("  log  -n 5 ", &["log", "-n", "5"]);
        check("cat '/a b' \"/it's\" c\\ d", &["cat", "/a b", "/it's", "c d"]);
        check("a'b'c \"\"", &["abc", ""]);
    }

    #[test]
    fn an_open_quote_is_told() {
        assert_eq!(split("cat '/a"), None);
        assert_eq!(split("cat \"/a\\"), None);
    }
}
