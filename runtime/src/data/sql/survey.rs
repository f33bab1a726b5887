//! A second look at the files of a statement, where their first rows leave something open that it asks for.
//!
//! It costs a pass over the file, so it is taken only where the answer would otherwise be wrong: for `*`, for names that no
//! first row has, for the kind of a column that is named and had no value at first, and for names made of digits in a
//! column of numbers that rows are looked up by.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::{SqlError, SqlResult};
use super::plan::Plan;
use super::rewrite::Piece;
use super::token::{Kind, Token, tokens};
use crate::data::Wanted;

/// The columns that a statement may mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// All there are, of some table.
    pub(super) all: bool,
    /// Every word in it, in small letters.
    pub(super) words: HashSet<String>,
    /// Those that do not say of which table.
    pub(super) alone: HashSet<String>,
}

/// What stands before a token, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Something after which a star means columns.
    List,
    Dot,
    Other,
}

impl Names {
    /// The names in a statement whose files are taken out.
    pub(super) fn of(pieces: &[Piece]) -> Names {
        let mut names = Names::default();
        let mut before = Before::Other;
        for piece in pieces {
            let Piece::Sql(sql) = piece else {
                before = Before::Other;
                continue;
            };
            for token in tokens(sql).into_iter().filter(|token| token.kind != Kind::Space) {
                names.take(token, before);
                before = after(token);
            }
        }
        names
    }

    fn take(&mut self, token: Token<'_>, before: Before) {
        let is_star = token.text == "*" && before != Before::Other;
        self.all |= is_star || token.is("NATURAL");
        let word = match token.kind {
            Kind::Word => token.text.to_ascii_lowercase(),
            Kind::Quoted => token.unquoted().to_ascii_lowercase(),
            _ => return,
        };
        if before != Before::Dot {
            self.alone.insert(word.clone());
        }
        self.words.insert(word);
    }

    /// The columns that matter, for a second look.
    fn wanted<'a>(&'a self, stop: &'a dyn Fn() -> bool) -> Wanted<'a> {
        Wanted { names: (!self.all).then_some(&self.words), codes: false, stop }
    }
}

fn after(token: Token<'_>) -> Before {
    match token.kind {
        Kind::Dot => Before::Dot,
        Kind::Comma => Before::List,
        _ if ["SELECT", "DISTINCT", "ALL"].iter().any(|word| token.is(word)) => Before::List,
        _ => Before::Other,
    }
}

impl Plan {
    /// Looks at the files again in which the first rows leave open what the statement asks for.
    ///
    /// # Errors
    /// What reading fails with; a statement's error for too many columns.
    pub(super) fn settle(&mut self, stop: &dyn Fn() -> bool) -> SqlResult<()> {
        for at in 0..self.tables.len() {
            let wanted = self.names.wanted(stop);
            let file = &self.tables[at].1;
            let may_hide = !file.is_whole() && (self.names.all || self.may_mean(at));
            if may_hide || file.has_open(&wanted) {
                Arc::make_mut(&mut self.tables[at].1).survey(&wanted)?;
            }
        }
        Ok(())
    }

    /// Whether a name that another table has may be meant for this one, which may have it, too.
    fn may_mean(&self, at: usize) -> bool {
        let others = self.tables.iter().enumerate().filter(|(other, _)| *other != at);
        let mut names = others.flat_map(|(_, (_, file))| file.names());
        names.any(|name| {
            self.names.alone.contains(&name.to_ascii_lowercase())
                && !self.tables[at].1.names().any(|own| own.eq_ignore_ascii_case(name))
        })
    }

    /// Looks for the statement's names in the whole of the files that may have more; whether there were any.
    ///
    /// # Errors
    /// As [`Plan::settle`].
    pub(super) fn find_names(&mut self, stop: &dyn Fn() -> bool) -> SqlResult<bool> {
        let mut found = false;
        let wanted = self.names.wanted(stop);
        for (_, file) in self.tables.iter_mut().filter(|(_, file)| !file.is_whole()) {
            let before: HashSet<String> = file.names().map(str::to_owned).collect();
            Arc::make_mut(file).survey(&wanted)?;
            found |= file.names().any(|name| !before.contains(name));
        }
        Ok(found)
    }

    /// Makes text of the columns of a table that begin with numbers and have names made of digits later.
    ///
    /// # Errors
    /// As [`Plan::settle`].
    pub(super) fn find_codes(&mut self, table: usize, stop: &dyn Fn() -> bool) -> SqlResult<()> {
        let Some((_, file)) = self.tables.get_mut(table) else { return Ok(()) };
        Arc::make_mut(file).survey(&Wanted { names: None, codes: true, stop })
    }
}

impl SqlError {
    /// Whether SQLite misses a column.
    pub(super) fn misses_column(&self) -> bool {
        const SAYS: &[&str] = &["no such column", "cannot join using column"];
        matches!(self, SqlError::Statement(text) if SAYS.iter().any(|says| text.starts_with(says)))
    }
}
