//! SQL cut into tokens where SQLite cuts it, so that what is a name to us is one to it.

/// What a token is, as far as finding tables needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Blanks and comments.
    Space,
    /// A text in single quotes.
    Text,
    /// A name in double quotes, backquotes or brackets.
    Quoted,
    /// A keyword or a bare name.
    Word,
    /// `?`, `?1`, `:name`, `@name`, `$name`.
    Parameter,
    Open,
    Close,
    Comma,
    Semicolon,
    Dot,
    /// Numbers, blobs, operators, and what SQLite will complain about.
    Other,
}

/// A token: what it is and where its text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

impl Token<'_> {
    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// What a text or a quoted name says, without quotes.
    pub(crate) fn unquoted(&self) -> String {
        let inner = &self.text[1..self.text.len() - 1];
        match self.text.as_bytes()[0] {
            b'[' => inner.into(),
            quote => {
                let quote = char::from(quote);
                inner.replace(&format!("{quote}{quote}"), &quote.to_string())
            }
        }
    }
}

/// All tokens; their texts one after another are `sql` again.
pub(crate) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut rest = sql;
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let (kind, len) = first(rest.as_bytes());
        // Everything that ends a token is ASCII, but a lone character of another kind may be longer.
        let len = (len..=rest.len()).find(|&len| rest.is_char_boundary(len)).unwrap_or(rest.len());
        let (text, after) = rest.split_at(len);
        tokens.push(Token { kind, text });
        rest = after;
    }
    tokens
}

/// The kind and length of the token that `sql`, which is not empty, begins with.
fn first(sql: &[u8]) -> (Kind, usize) {
    match sql {
        [b' ' | b'\t' | b'\n' | b'\x0c' | b'\r', ..] => (Kind::Space, run(sql, is_space)),
        [b'-', b'-', ..] => (Kind::Space, run(sql, |byte| byte != b'\n')),
        [b'/', b'*', ..] => (Kind::Space, comment(sql)),
        [b'\'', ..] => quoted(sql, b'\'', Kind::Text),
        [b'[', ..] => match sql.iter().position(|&byte| byte == b']') {
            Some(end) => (Kind::Quoted, end + 1),
            None => (Kind::Other, sql.len()),
        },
        [quote @ (b'"' | b'`'), ..] => quoted(sql, *quote, Kind::Quoted),
        [b'?', rest @ ..] => (Kind::Parameter, 1 + run(rest, |byte| byte.is_ascii_digit())),
        [b':' | b'@' | b'$' | b'#', rest @ ..] => named(rest),
        [b'x' | b'X', b'\'', ..] => (Kind::Other, 1 + quoted(&sql[1..], b'\'', Kind::Other).1),
        [b'.', digit, ..] if digit.is_ascii_digit() => (Kind::Other, number(sql)),
        [b'0'..=b'9', ..] => (Kind::Other, number(sql)),
        [byte, ..] if is_name(*byte) => (Kind::Word, run(sql, is_name)),
        [b'(', ..] => (Kind::Open, 1),
        [b')', ..] => (Kind::Close, 1),
        [b',', ..] => (Kind::Comma, 1),
        [b';', ..] => (Kind::Semicolon, 1),
        [b'.', ..] => (Kind::Dot, 1),
        _ => (Kind::Other, 1),
    }
}

/// How many bytes there are at the beginning that `belongs` is true of.
fn run(sql: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    sql.iter().position(|&byte| !belongs(byte)).unwrap_or(sql.len())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// A comment that nothing ends goes to the end.
fn comment(sql: &[u8]) -> usize {
    // `/*/` does not end itself.
    let end = sql.windows(2).skip(2).position(|pair| pair == b"*/");
    end.map_or(sql.len(), |end| end + 4)
}

/// A doubled quote stands for one.
fn quoted(sql: &[u8], quote: u8, kind: Kind) -> (Kind, usize) {
    let mut at = 1;
    while let Some(length) = sql[at..].iter().position(|&byte| byte == quote) {
        at += length + 1;
        if sql.get(at) != Some(&quote) {
            return (kind, at);
        }
        at += 1;
    }
    (Kind::Other, sql.len())
}

/// A parameter with a name, which may have the colons and the suffix in parentheses that Tcl's have.
fn named(name: &[u8]) -> (Kind, usize) {
    let mut len = 0;
    loop {
        match &name[len..] {
            [byte, ..] if is_name(*byte) => len += 1,
            [b':', b':', ..] if len > 0 => len += 2,
            [b'(', rest @ ..] if len > 0 => {
                let inside = run(rest, |byte| !is_space(byte) && byte != b')');
                let closed = rest.get(inside) == Some(&b')');
                return (
                    if closed { Kind::Parameter } else { Kind::Other },
                    1 + len + 1 + inside + usize::from(closed),
                );
            }
            _ => return (if len > 0 { Kind::Parameter } else { Kind::Other }, 1 + len),
        }
    }
}

/// A number with whatever name characters follow it, which SQLite takes for one bad token.
fn number(sql: &[u8]) -> usize {
    let mut len = 0;
    while let Some(&byte) = sql.get(len) {
        let signs = matches!(byte, b'+' | b'-') && len > 0 && matches!(sql[len - 1], b'e' | b'E');
        let hexadecimal = sql.len() > 1 && matches!(sql[1], b'x' | b'X');
        if !(is_name(byte) || byte == b'.' || (signs && !hexadecimal)) {
            break;
        }
        len += 1;
    }
    len
}
