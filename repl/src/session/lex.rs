//! JavaScript and TypeScript cut into tokens, for colours and completion. Nothing is parsed, and nothing refused.

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Word,
    Keyword,
    Number,
    /// A string in quotes, or a stretch of a template.
    String,
    Regex,
    Comment,
    Punctuation,
    Space,
}

/// A stretch of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub kind: Kind,
    /// Its bytes in the text.
    pub start: usize,
    pub end: usize,
    /// Whether it came to its end: a string that has no closing quote yet did not.
    pub closed: bool,
}

/// Words that are no names, those of TypeScript among them.
pub const KEYWORDS: &[&str] = &[
    "abstract",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "declare",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "keyof",
    "let",
    "namespace",
    "new",
    "null",
    "of",
    "private",
    "protected",
    "public",
    "readonly",
    "return",
    "satisfies",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Keywords that are values, after which a slash divides.
const VALUES: &[&str] = &["false", "null", "super", "this", "true", "undefined"];

/// Cuts a text into tokens that leave nothing out.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), braces: Vec::new(), after_value: false };
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.tokens
}

/// Whether a character may be in a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '#')
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// Open braces; whether each is that of a template's substitution.
    braces: Vec<bool>,
    /// Whether what stands before is a value, after which a slash divides.
    after_value: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn token(&mut self) {
        let rest = self.rest();
        let c = rest.chars().next().expect("there is more text");
        match c {
            c if c.is_whitespace() => self.take_while(Kind::Space, char::is_whitespace),
            '"' | '\'' => self.string(c),
            '`' => self.template(1),
            '}' if self.braces.pop() == Some(true) => {
                self.push(Kind::Punctuation, 1, true);
                self.template(0);
            }
            '/' if rest.starts_with("//") => self.line_comment(),
            '/' if rest.starts_with("/*") => self.block_comment(),
            '/' if !self.after_value => self.regex(),
            c if c.is_ascii_digit() => self.take_while(Kind::Number, |c| is_word(c) || c == '.'),
            c if is_word(c) => self.word(),
            _ => self.punctuation(c),
        }
    }

    /// Ends a token of so many bytes.
    fn push(&mut self, kind: Kind, len: usize, closed: bool) {
        let (start, end) = (self.at, self.at + len);
        self.at = end;
        match kind {
            Kind::Space | Kind::Comment => {}
            Kind::Keyword => self.after_value = VALUES.contains(&&self.text[start..end]),
            Kind::Punctuation => self.after_value = matches!(&self.text[start..end], ")" | "]" | "}"),
            _ => self.after_value = true,
        }
        if len > 0 {
            self.tokens.push(Token { kind, start, end, closed });
        }
    }

    fn take_while(&mut self, kind: Kind, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.push(kind, len, true);
    }

    fn word(&mut self) {
        let rest = self.rest();
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let is_member = self.tokens.last().is_some_and(|token| self.text[..token.end].ends_with('.'));
        let is_keyword = !is_member && KEYWORDS.binary_search(&&rest[..len]).is_ok();
        self.push(if is_keyword { Kind::Keyword } else { Kind::Word }, len, true);
    }

    fn punctuation(&mut self, c: char) {
        if c == '{' {
            self.braces.push(false);
        }
        self.push(Kind::Punctuation, c.len_utf8(), true);
    }

    fn string(&mut self, quote: char) {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\n' => return self.push(Kind::String, at, true),
                c if c == quote => return self.push(Kind::String, at + 1, true),
                _ => {}
            }
        }
        self.push(Kind::String, self.rest().len(), false);
    }

    /// A stretch of a template, up to its end or its next substitution; so many bytes of it are known.
    fn template(&mut self, known: usize) {
        let mut escaped = false;
        let rest = &self.text[self.at..];
        for (at, c) in rest.char_indices().skip(known) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '`' => return self.push(Kind::String, at + 1, true),
                '$' if rest[at..].starts_with("${") => {
                    self.push(Kind::String, at, true);
                    self.braces.push(true);
                    return self.push(Kind::Punctuation, 2, true);
                }
                _ => {}
            }
        }
        self.push(Kind::String, rest.len(), false);
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        self.push(Kind::Comment, rest.find('\n').unwrap_or(rest.len()), true);
    }

    fn block_comment(&mut self) {
        let rest = self.rest();
        let end = rest[2..].find("*/").map(|at| at + 4);
        self.push(Kind::Comment, end.unwrap_or(rest.len()), end.is_some());
    }

    fn regex(&mut self) {
        let (mut escaped, mut in_class) = (false, false);
        let rest = self.rest();
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    let flags = rest[at + 1..].find(|c| !is_word(c)).unwrap_or(rest.len() - at - 1);
                    return self.push(Kind::Regex, at + 1 + flags, true);
                }
                '\n' => return self.push(Kind::Punctuation, 1, true),
                _ => {}
            }
        }
        self.push(Kind::Regex, rest.len(), false);
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, Kind, tokens};

    /// The tokens but for spaces, each with the letter of its kind; those that did not end have a `!`.
    fn told(text: &str) -> String {
        let letter = |kind| match kind {
            Kind::Word => "w",
            Kind::Keyword => "k",
            Kind::Number => "n",
            Kind::String => "s",
            Kind::Regex => "r",
            Kind::Comment => "c",
            Kind::Punctuation => "p",
            Kind::Space => "",
        };
        let all = tokens(text);
        let whole: String = all.iter().map(|token| &text[token.start..token.end]).collect();
        assert_eq!(whole, text, "nothing is left out");
        let shown = all.iter().filter(|token| token.kind != Kind::Space);
        shown
            .map(|token| {
                let open = if token.closed { "" } else { "!" };
                format!("{}{open}:{}", letter(token.kind), &text[token.start..token.end])
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn keywords_are_in_order_to_be_found() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn words_numbers_and_keywords() {
        assert_eq!(told("const a = 0x1f"), "k:const w:a p:= n:0x1f");
        assert_eq!(told("a.new"), "w:a p:. w:new");
    }

    #[test]
    fn strings_end_at_their_quote_or_their_line() {
        assert_eq!(told(r"'it\'s' x"), r"s:'it\'s' w:x");
        assert_eq!(told("f('/ou"), "w:f p:( s!:'/ou");
        assert_eq!(told("'a\nb"), "s:'a w:b");
    }

    #[test]
    fn templates_go_on_after_their_substitutions() {
        assert_eq!(told("`a ${b} c`"), "s:`a  p:${ w:b p:} s: c`");
        assert_eq!(told("`a ${ {x: 1} } c"), "s:`a  p:${ p:{ w:x p:: n:1 p:} p:} s!: c");
    }

    #[test]
    fn a_slash_divides_values_and_begins_a_regular_expression_elsewhere() {
        assert_eq!(told("a / b"), "w:a p:/ w:b");
        assert_eq!(told("x = /[/]/g.y"), "w:x p:= r:/[/]/g p:. w:y");
        assert_eq!(told("return /a/"), "k:return r:/a/");
        assert_eq!(told("f() / 2"), "w:f p:( p:) p:/ n:2");
    }

    #[test]
    fn comments() {
        assert_eq!(told("1 // x\n2 /* y */ 3 /* z"), "n:1 c:// x n:2 c:/* y */ n:3 c!:/* z");
    }

    #[test]
    fn text_of_any_kind_is_cut_into_something() {
        told("größe 表 \u{1b}[2J @#~ ´`");
    }
}
