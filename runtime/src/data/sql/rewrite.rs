//! Statements as people write them, with files in `FROM`, as SQLite takes them, with tables.

use super::token::{Kind, Token, tokens};

/// Something that stands where a table does and names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableRef {
    /// `csv`, `tsv`, `ndjson`, `json` where it is called so; else the path tells.
    pub(crate) format: Option<String>,
    /// The path or pattern, then options.
    pub(crate) arguments: Vec<Argument>,
}

/// A text of a statement, or the parameter that brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Text(String),
    /// As it is written, with a number if it had none.
    Parameter(String),
}

/// A statement in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it stands.
    Sql(String),
    /// A file as a table; where it has no name of its own in the statement, it may get one.
    Table { table: TableRef, named: bool },
    /// A parameter after `IN`: a list.
    List(String),
}

/// A whole statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) pieces: Vec<Piece>,
    /// The highest number of a parameter.
    pub(crate) parameters: usize,
}

/// A clause in which commas separate tables, and whether one must come next.
#[derive(Clone, Copy, Default)]
struct Level {
    is_from: bool,
    wants_table: bool,
}

/// What ends a list of tables.
const CLAUSES: &[&str] = &[
    "SELECT",
    "VALUES",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "WINDOW",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "RETURNING",
    "SET",
];

/// What may follow a table that has no other name, beside those.
const FOLLOWERS: &[&str] = &[
    "ON", "USING", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER", "NOT", "INDEXED",
    "IN",
];

/// What reads a file when it is called where a table stands.
const READERS: &[&str] = &["csv", "tsv", "ndjson", "json"];

/// Finds the files in a statement. Parameters without a number get theirs, since some are taken out.
///
/// # Errors
/// One line for what cannot be a statement: several of them, or a reader called with something else than texts.
pub(crate) fn rewrite(sql: &str) -> Result<Rewritten, String> {
    let mut rewriter = Rewriter { tokens: tokens(sql), ..Rewriter::default() };
    rewriter.one_statement()?;
    while let Some(token) = rewriter.tokens.get(rewriter.at).copied() {
        rewriter.at += 1;
        rewriter.take(token)?;
    }
    rewriter.flush();
    Ok(Rewritten { pieces: rewriter.pieces, parameters: rewriter.parameters as usize })
}

#[derive(Default)]
struct Rewriter<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    level: Level,
    outer: Vec<Level>,
    /// The token before was `IN`, or `DISTINCT`.
    after_in: bool,
    after_distinct: bool,
    /// The highest number of a parameter so far.
    parameters: u32,
    sql: String,
    pieces: Vec<Piece>,
}

impl<'a> Rewriter<'a> {
    /// Only blanks may follow a semicolon.
    fn one_statement(&self) -> Result<(), String> {
        let mut rest = self.tokens.iter().skip_while(|token| token.kind != Kind::Semicolon);
        match rest.find(|token| !matches!(token.kind, Kind::Semicolon | Kind::Space)) {
            None => Ok(()),
            Some(token) => Err(format!("one statement at a time: there is more from '{}' on", token.text)),
        }
    }

    fn take(&mut self, token: Token<'a>) -> Result<(), String> {
        if token.kind == Kind::Space {
            self.sql.push_str(token.text);
            return Ok(());
        }
        let (after_in, after_distinct) = (self.after_in, self.after_distinct);
        (self.after_in, self.after_distinct) = (token.is("IN"), token.is("DISTINCT"));
        let wants_table = std::mem::take(&mut self.level.wants_table);
        match token.kind {
            Kind::Open => {
                self.outer.push(self.level);
                self.level = Level { is_from: wants_table, wants_table };
            }
            Kind::Close => self.level = self.outer.pop().unwrap_or_default(),
            Kind::Comma => self.level.wants_table = self.level.is_from,
            Kind::Word if token.is("FROM") && !after_distinct || token.is("JOIN") => {
                self.level = Level { is_from: true, wants_table: true };
            }
            Kind::Word if is_any(token, CLAUSES) => self.level.is_from = false,
            Kind::Word if wants_table && self.is_reader(token) => return self.reader(token),
            Kind::Text if wants_table || after_in => {
                self.table(None, vec![Argument::Text(token.unquoted())], after_in);
                return Ok(());
            }
            Kind::Quoted if (wants_table || after_in) && is_path(&token.unquoted()) => {
                self.table(None, vec![Argument::Text(token.unquoted())], after_in);
                return Ok(());
            }
            Kind::Parameter => return self.parameter(token, wants_table, after_in),
            _ => {}
        }
        self.sql.push_str(token.text);
        Ok(())
    }

    fn parameter(&mut self, token: Token<'a>, wants_table: bool, after_in: bool) -> Result<(), String> {
        let parameter = self.number(token)?;
        if wants_table {
            self.table(None, vec![Argument::Parameter(parameter)], false);
        } else if after_in {
            self.flush();
            self.pieces.push(Piece::List(parameter));
        } else {
            self.sql.push_str(&parameter);
        }
        Ok(())
    }

    /// A parameter with its number or name.
    fn number(&mut self, token: Token<'a>) -> Result<String, String> {
        let Some(number) = token.text.strip_prefix('?') else { return Ok(token.text.into()) };
        let number = if number.is_empty() { Some(self.parameters + 1) } else { number.parse().ok() };
        let known = number.filter(|number| (1..=super::MAX_PARAMETERS).contains(number));
        let number = known.ok_or_else(|| {
            format!("parameter {}: numbers go from 1 to {}", token.text, super::MAX_PARAMETERS)
        })?;
        self.parameters = self.parameters.max(number);
        Ok(format!("?{number}"))
    }

    fn is_reader(&self, token: Token<'a>) -> bool {
        is_any(token, READERS) && self.next(self.at).is_some_and(|(_, next)| next.kind == Kind::Open)
    }

    /// The first token from here that is no blank, and where it is.
    fn next(&self, from: usize) -> Option<(usize, Token<'a>)> {
        let mut rest = self.tokens.iter().enumerate().skip(from);
        rest.find(|(_, token)| token.kind != Kind::Space).map(|(at, token)| (at, *token))
    }

    /// Moves past the next token that is no blank.
    fn advance(&mut self) -> Option<Token<'a>> {
        let (at, token) = self.next(self.at)?;
        self.at = at + 1;
        Some(token)
    }

    /// `csv('/a.csv', 'delimiter=;')`.
    fn reader(&mut self, name: Token<'a>) -> Result<(), String> {
        let bad = || format!("{}(…) in FROM takes a path and options, all of them texts", name.text);
        self.advance();
        let mut arguments = Vec::new();
        loop {
            let argument = self.advance().ok_or_else(bad)?;
            arguments.push(match argument.kind {
                Kind::Text => Argument::Text(argument.unquoted()),
                Kind::Parameter => Argument::Parameter(self.number(argument)?),
                _ => return Err(bad()),
            });
            match self.advance().map(|token| token.kind) {
                Some(Kind::Comma) => {}
                Some(Kind::Close) => break,
                _ => return Err(bad()),
            }
        }
        self.table(Some(name.text.to_ascii_lowercase()), arguments, false);
        Ok(())
    }

    /// A file is used as a table. After `IN` it can have no other name.
    fn table(&mut self, format: Option<String>, arguments: Vec<Argument>, after_in: bool) {
        let named = after_in || self.has_name();
        self.flush();
        self.pieces.push(Piece::Table { table: TableRef { format, arguments }, named });
    }

    /// Whether the statement gives the table that was just read another name.
    fn has_name(&self) -> bool {
        self.next(self.at).is_some_and(|(_, next)| match next.kind {
            Kind::Word => !is_any(next, CLAUSES) && !is_any(next, FOLLOWERS),
            Kind::Text | Kind::Quoted => true,
            _ => false,
        })
    }

    fn flush(&mut self) {
        if !self.sql.is_empty() {
            self.pieces.push(Piece::Sql(std::mem::take(&mut self.sql)));
        }
    }
}

fn is_any(token: Token<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| token.is(word))
}

/// Whether a quoted name is a path rather than that of a common table expression.
fn is_path(name: &str) -> bool {
    name.contains('/') || crate::data::Format::of(name).is_some()
}
