//! Whether an entry goes on: brackets, quotes and templates counted, without parsing JavaScript.
//!
//! Where this is unsure it calls the entry finished: the engine then says what is wrong with it.

/// What an open construct waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Open {
    /// `(`; whether it belongs to `if`, `for`, `while` or `with`, after which a statement follows.
    Paren { of_statement: bool },
    /// `[`.
    Bracket,
    /// `{`.
    Brace,
    /// `${` within a template, which goes on when it closes.
    Substitution,
}

/// What came last, as far as it decides what a slash means and whether something must follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Last {
    /// Nothing, or the end of a statement: an operand may follow, none must.
    Start,
    /// A value or a name: a slash divides.
    Operand,
    /// An operator or keyword that wants something after it.
    Wanting,
    /// The head of an `if`, `for`, `while` or `with`: a statement must follow.
    Head,
}

/// Whether more lines are needed before `code` can be run.
pub fn is_incomplete(code: &str) -> bool {
    Scanner::new(code).scan()
}

struct Scanner<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    open: Vec<Open>,
    last: Last,
    word: String,
}

impl<'a> Scanner<'a> {
    fn new(code: &'a str) -> Scanner<'a> {
        Scanner { rest: code.chars().peekable(), open: Vec::new(), last: Last::Start, word: String::new() }
    }

    /// Whether the code ends inside something. A closing bracket without its opening one ends the scan:
    /// no further line can mend that.
    fn scan(&mut self) -> bool {
        while let Some(c) = self.rest.next() {
            let ended_inside = match c {
                '\'' | '"' => self.string(c),
                '`' => self.template(),
                '/' => self.slash(),
                '(' | '[' | '{' => self.opens(c),
                ')' | ']' | '}' => match self.closes(c) {
                    Some(ended_inside) => ended_inside,
                    None => return false,
                },
                c if c.is_alphanumeric() || matches!(c, '_' | '$' | '#') => self.word(c),
                c if c.is_whitespace() => false,
                c => self.operator(c),
            };
            if ended_inside {
                return true;
            }
        }
        !self.open.is_empty() || matches!(self.last, Last::Wanting | Last::Head)
    }

    /// Reads a string. A line break ends it unless a backslash stands before it; then the next line is
    /// wanted.
    fn string(&mut self, quote: char) -> bool {
        self.last = Last::Operand;
        while let Some(c) = self.rest.next() {
            match c {
                '\\' if self.rest.peek().is_none() => return true,
                '\\' => {
                    // A continued line that has nothing after it yet is the end of what was typed.
                    let continued = self.rest.next() == Some('\n');
                    if continued && self.rest.peek().is_none() {
                        return true;
                    }
                }
                '\n' => return false,
                c if c == quote => return false,
                _ => {}
            }
        }
        false
    }

    /// Reads a template up to its end or its next substitution.
    fn template(&mut self) -> bool {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    self.rest.next();
                }
                '`' => {
                    self.last = Last::Operand;
                    return false;
                }
                '$' if self.rest.peek() == Some(&'{') => {
                    self.rest.next();
                    self.open.push(Open::Substitution);
                    self.last = Last::Start;
                    return false;
                }
                _ => {}
            }
        }
        true
    }

    /// Reads a comment, a regular expression, or a division.
    fn slash(&mut self) -> bool {
        match self.rest.peek() {
            Some('/') => {
                self.rest.by_ref().take_while(|c| *c != '\n').for_each(drop);
                false
            }
            Some('*') => {
                self.rest.next();
                self.block_comment()
            }
            _ if self.last == Last::Operand => self.operator('/'),
            _ => {
                self.regex();
                false
            }
        }
    }

    fn block_comment(&mut self) -> bool {
        while let Some(c) = self.rest.next() {
            if c == '*' && self.rest.peek() == Some(&'/') {
                self.rest.next();
                return false;
            }
        }
        true
    }

    /// Reads a regular expression; it cannot span lines.
    fn regex(&mut self) {
        let mut in_class = false;
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => {
                    self.rest.next();
                }
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => break,
                '\n' => break,
                _ => {}
            }
        }
        self.last = Last::Operand;
    }

    fn opens(&mut self, c: char) -> bool {
        let of_statement = matches!(&*self.word, "if" | "for" | "while" | "with") && self.last == Last::Head;
        self.open.push(match c {
            '(' => Open::Paren { of_statement },
            '[' => Open::Bracket,
            _ => Open::Brace,
        });
        self.last = Last::Start;
        false
    }

    /// Closes what is open; `None` where that is something else.
    fn closes(&mut self, c: char) -> Option<bool> {
        let open = self.open.pop()?;
        match (open, c) {
            (Open::Paren { of_statement }, ')') => {
                self.last = if of_statement { Last::Head } else { Last::Operand };
                self.word.clear();
            }
            (Open::Bracket, ']') => self.last = Last::Operand,
            // A block may be followed by a regular expression, an object by a division: the former is
            // rare enough at the beginning of a statement to read a slash here as division.
            (Open::Brace, '}') => self.last = Last::Operand,
            (Open::Substitution, '}') => return Some(self.template()),
            _ => return None,
        }
        Some(false)
    }

    fn word(&mut self, first: char) -> bool {
        let after_dot = self.word == ".";
        let after_block = self.last == Last::Operand;
        self.word.clear();
        self.word.push(first);
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
            self.word.push(c);
        }
        self.last = match &*self.word {
            _ if after_dot => Last::Operand,
            // `while` after a block ends a `do`, after which nothing must follow.
            "while" if after_block => Last::Operand,
            "if" | "for" | "while" | "with" => Last::Head,
            "else" | "do" | "try" | "finally" | "new" | "typeof" | "void" | "delete" | "in"
            | "instanceof" | "extends" | "throw" | "const" | "case" | "await" | "import" | "export" => {
                Last::Wanting
            }
            "return" | "yield" => Last::Start,
            _ => Last::Operand,
        };
        false
    }

    /// Takes note of an operator. `++`, `--`, `;`, `?.` and `!` need no operand after them, or none that
    /// this can be sure of.
    fn operator(&mut self, c: char) -> bool {
        self.word.clear();
        let doubled = matches!(c, '+' | '-') && self.rest.next_if_eq(&c).is_some();
        self.last = match c {
            ';' => Last::Start,
            _ if doubled => Last::Operand,
            '.' => {
                self.word.push('.');
                Last::Wanting
            }
            ':' | '!' | '~' | '@' | '\\' => Last::Start,
            _ => Last::Wanting,
        };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::is_incomplete;

    fn check(incomplete: bool, entries: &[&str]) {
        for entry in entries {
            assert_eq!(is_incomplete(entry), incomplete, "{entry:?}");
        }
    }

    #[test]
    fn a_finished_entry_is_complete() {
        check(
            false,
            &[
                "",
                "1 + 1",
                "let x = [1, 2, 3]",
                "({a: 1})",
                "f(`a ${b} c`)",
                "'it\\'s'",
                "\"a } b\"",
                "x++",
                "// a comment {",
                "/* { */ 1",
                "a / b / c",
                "do { x() } while (y)",
                "if (a) b()",
                "for (const a of b) { }",
                "x.if",
                "obj.new",
                "`${`${1}`}`",
            ],
        );
    }

    #[test]
    fn an_open_bracket_quote_or_template_wants_more() {
        check(
            true,
            &[
                "function f() {",
                "f(1,",
                "[1, 2",
                "({",
                "`a",
                "`a ${b",
                "`a ${b} c",
                "/* a",
                "'a \\\n",
                "`${`",
            ],
        );
    }

    #[test]
    fn an_operator_at_the_end_wants_more() {
        check(true, &["1 +", "a &&", "x =", "f(a) ||", "a.", "(a) =>", "const", "await", "a\n  ?"]);
    }

    #[test]
    fn the_head_of_a_statement_wants_its_body() {
        check(true, &["if (a)", "for (;;)", "while (true)", "if (a) b(); else", "try"]);
    }

    #[test]
    fn a_slash_is_a_regular_expression_where_an_operand_is_due() {
        check(false, &["/[(]/.test(x)", "x = /[/{]/", "f(/`/)", "return /{/", "a.replace(/\\//g, '')"]);
        check(true, &["a / ("]);
    }

    #[test]
    fn what_no_further_line_can_mend_is_left_to_the_engine() {
        check(false, &[")", "(]", "'open", "}\n{"]);
    }
}
