//! Statements that bring several files together. SQLite would read the inner file of a join anew for each row of the
//! outer one: it makes no index of its own on a virtual table. It does on rows that it keeps, so the rows of
//! files are kept, as common table expressions before the statement.

use super::rewrite::Piece;
use super::table::quoted;
use super::token::{Kind, Token, tokens};

/// Bytes of a file that is not kept if there is another way.
const LARGE: u64 = 32 << 20;

/// How a statement uses its files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Where common table expressions go, if rows should be kept.
    pub(super) insertion: Option<Insertion>,
    /// For each reference to a file in turn, where it stands.
    pub(super) places: Vec<Place>,
    /// For each part of the outermost query, whether it has outer joins.
    pub(super) outer_joins: Vec<bool>,
}

/// A place in the first piece of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Insertion {
    /// Bytes from its beginning.
    pub(super) at: usize,
    /// Whether there are others already, which follow.
    pub(super) has_others: bool,
}

/// Where a file is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the outermost `FROM` of this part of the statement.
    Outermost(usize),
    Inner,
    /// After `IN`, where SQLite keeps the rows anyway.
    AfterIn,
}

impl Shape {
    /// Looks at how a statement uses its files.
    pub(super) fn of(pieces: &[Piece]) -> Shape {
        let mut walk = Walk { levels: vec![Level::default()], ..Walk::default() };
        walk.shape.outer_joins.push(false);
        for piece in pieces {
            match piece {
                Piece::Sql(sql) => tokens(sql).into_iter().for_each(|token| walk.take(token)),
                Piece::Table { .. } => walk.table(),
                Piece::List(_) => {}
            }
        }
        let mut most = 0;
        while !walk.levels.is_empty() {
            most = walk.close();
        }
        let is_join = most > 1 || most == 1 && walk.is_recursive;
        walk.shape.insertion = pieces.first().and_then(insertion).filter(|_| is_join);
        walk.shape
    }

    /// Which references read the file itself. With outer joins the first can, for it is the outermost of the loops.
    /// Otherwise SQLite chooses better where it has all rows, so only a file of these sizes does that is much larger
    /// than all others, if it is no use to look things up in it (`is_mixed`: columns have types in some files only).
    pub(super) fn direct(&self, sizes: &[u64], is_mixed: bool) -> Vec<bool> {
        let mut direct: Vec<bool> = self.places.iter().map(|place| *place == Place::AfterIn).collect();
        let others = |at: usize| sizes.iter().enumerate().filter(move |(other, _)| *other != at);
        let is_large = |at: &usize| {
            let size = sizes[*at];
            size > LARGE && others(*at).all(|(_, other)| size / 4 > *other)
        };
        for (part, &has_outer_joins) in self.outer_joins.iter().enumerate() {
            let mut here = (0..self.places.len()).filter(|&at| self.places[at] == Place::Outermost(part));
            let first = match (has_outer_joins, is_mixed) {
                (true, _) => here.next(),
                (false, true) => None,
                (false, false) => here.find(is_large),
            };
            first.into_iter().for_each(|at| direct[at] = true);
        }
        direct
    }
}

/// Common table expressions for the rows of these tables.
pub(super) fn expressions(kept: &[String], has_others: bool) -> String {
    let one = |name: &String| {
        let name = quoted(name);
        format!("{name} AS MATERIALIZED (SELECT * FROM main.{name})")
    };
    let all: Vec<String> = kept.iter().map(one).collect();
    let all = all.join(", ");
    if has_others { format!(" {all},") } else { format!("WITH {all} ") }
}

/// Whether a piece asks for the number of a row, which rows that are kept do not have.
pub(super) fn numbers_rows(piece: &Piece) -> bool {
    let is_number = |token: &Token<'_>| {
        let name = if token.kind == Kind::Quoted { token.unquoted() } else { token.text.to_owned() };
        ["rowid", "_rowid_", "oid"].iter().any(|number| name.eq_ignore_ascii_case(number))
    };
    matches!(piece, Piece::Sql(sql) if tokens(sql).iter().any(is_number))
}

/// Before a query, or after the `WITH` that it begins with.
fn insertion(first: &Piece) -> Option<Insertion> {
    let Piece::Sql(sql) = first else { return None };
    let mut start = 0;
    let mut words = Vec::new();
    for token in tokens(sql) {
        if token.kind != Kind::Space {
            words.push((start, token));
        }
        start += token.text.len();
    }
    let mut rest = words.into_iter().peekable();
    for word in ["EXPLAIN", "QUERY", "PLAN"] {
        rest.next_if(|(_, token)| token.is(word));
    }
    let (start, first) = rest.next()?;
    if first.is("WITH") {
        let (start, last) = rest.next_if(|(_, token)| token.is("RECURSIVE")).unwrap_or((start, first));
        return Some(Insertion { at: start + last.text.len(), has_others: true });
    }
    (first.is("SELECT") || first.is("VALUES")).then_some(Insertion { at: start, has_others: false })
}

#[derive(Default)]
struct Walk {
    shape: Shape,
    levels: Vec<Level>,
    /// There was a `WITH`: parts of a statement may use one another.
    has_with: bool,
    /// It was one whose rows depend on one another.
    is_recursive: bool,
    after_in: bool,
}

/// How many files are used together within parentheses.
#[derive(Default)]
struct Level {
    /// In the part of a `UNION` or the like that is being read.
    files: usize,
    /// In the part that has most.
    most: usize,
}

impl Walk {
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// Ends a pair of parentheses and answers how many files it has; they are used where the pair stands.
    fn close(&mut self) -> usize {
        let level = self.levels.pop().unwrap_or_default();
        let files = level.most.max(level.files);
        if let Some(outer) = self.levels.last_mut() {
            outer.files += files;
        }
        files
    }

    fn take(&mut self, token: Token<'_>) {
        const PARTS: &[&str] = &["UNION", "EXCEPT", "INTERSECT"];
        const OUTER: &[&str] = &["LEFT", "RIGHT", "FULL", "OUTER"];
        let is_any = |words: &[&str]| words.iter().any(|word| token.is(word));
        match token.kind {
            Kind::Space => return,
            Kind::Open => self.levels.push(Level::default()),
            Kind::Close => drop(self.close()),
            _ if is_any(PARTS) => self.part(),
            _ if is_any(OUTER) && self.levels.len() <= 1 => {
                self.shape.outer_joins.last_mut().into_iter().for_each(|has| *has = true);
            }
            _ => {
                self.has_with |= token.is("WITH");
                self.is_recursive |= self.has_with && token.is("RECURSIVE");
            }
        }
        self.after_in = token.is("IN");
    }

    /// Parts are read one after another, and each file once, unless they have names for one another.
    fn part(&mut self) {
        if self.levels.len() <= 1 {
            self.shape.outer_joins.push(false);
        }
        if !self.has_with {
            let level = self.level();
            level.most = level.most.max(std::mem::take(&mut level.files));
        }
    }

    fn table(&mut self) {
        let place = match (self.after_in, self.levels.len()) {
            (true, _) => Place::AfterIn,
            (false, 0 | 1) => Place::Outermost(self.shape.outer_joins.len() - 1),
            _ => Place::Inner,
        };
        self.after_in = false;
        self.shape.places.push(place);
        if place != Place::AfterIn {
            self.level().files += 1;
        }
    }
}
