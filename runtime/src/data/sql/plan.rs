//! From a statement as it is written to one that SQLite takes, and the tables it needs.

use std::sync::Arc;

use cowry_vfs::Vfs;

use super::error::{SqlError, SqlResult};
use super::join::{Shape, expressions, numbers_rows};
use super::options::Reading;
use super::parameters::{Parameter, Parameters};
use super::rewrite::{Argument, Piece, TableRef, rewrite};
use super::survey::Names;
use super::table::{TableFile, quoted};
use super::token::{Kind, tokens};

/// The most files a statement can name.
const MAX_TABLES: usize = 64;

/// A statement and its tables.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) sql: String,
    /// By the names that the statement knows them by.
    pub(super) tables: Vec<(String, Arc<TableFile>)>,
    /// The columns that it may mean.
    pub(super) names: Names,
}

/// Opens what a statement names.
///
/// # Errors
/// What [`TableFile::new`] fails with; one line for options and parameters that make no sense.
pub(super) fn plan(vfs: &Vfs, sql: &str, parameters: &Parameters) -> SqlResult<Plan> {
    if explains_steps(sql) {
        // They tell addresses in the memory of the process.
        return Err(SqlError::statement("EXPLAIN alone is not possible over files: say EXPLAIN QUERY PLAN"));
    }
    let rewritten = rewrite(sql).map_err(SqlError::Statement)?;
    if parameters.list.len() != rewritten.parameters {
        let (values, needed) = (parameters.list.len(), rewritten.parameters);
        return Err(SqlError::statement(format!(
            "the statement has {needed} parameters and was given {values} values"
        )));
    }
    let names = Names::of(&rewritten.pieces);
    let mut planner = Planner { vfs, parameters, sql: String::new(), known: Vec::new(), tables: Vec::new() };
    let pieces = planner.join(rewritten.pieces)?;
    pieces.into_iter().try_for_each(|piece| planner.take(piece))?;
    Ok(Plan { sql: planner.sql, tables: planner.tables, names })
}

/// Whether it asks for the steps of SQLite's machine.
fn explains_steps(sql: &str) -> bool {
    let tokens = tokens(sql);
    let mut words = tokens.iter().filter(|token| !matches!(token.kind, Kind::Space | Kind::Semicolon));
    words.next().is_some_and(|first| first.is("explain"))
        && !words.next().is_some_and(|next| next.is("query"))
}

struct Planner<'a> {
    vfs: &'a Vfs,
    parameters: &'a Parameters,
    sql: String,
    /// What the tables are made from, so that what is named twice is opened once.
    known: Vec<(Option<String>, Vec<String>)>,
    tables: Vec<(String, Arc<TableFile>)>,
}

impl Planner<'_> {
    /// Where a statement brings files together, all but those that are best read as they are become common table expressions,
    /// which hide the tables that have the same names.
    fn join(&mut self, mut pieces: Vec<Piece>) -> SqlResult<Vec<Piece>> {
        let shape = Shape::of(&pieces);
        let Some(insertion) = shape.insertion.as_ref().filter(|_| !pieces.iter().any(numbers_rows)) else {
            return Ok(pieces);
        };
        let direct = self.direct(&shape, &pieces)?;
        let mut kept: Vec<String> = Vec::new();
        let mut is_direct = direct.into_iter();
        for piece in &mut pieces {
            let Piece::Table { table, named } = piece else { continue };
            let name = self.table(table)?;
            let is_direct = is_direct.next().unwrap_or(true);
            *piece = Piece::Sql(reference(&name, *named, if is_direct { "main." } else { "" }));
            if !is_direct && !kept.contains(&name) {
                kept.push(name);
            }
        }
        for (_, file) in self.tables.iter_mut().filter(|(name, _)| kept.contains(name)) {
            Arc::make_mut(file).keep();
        }
        if let (Some(Piece::Sql(first)), false) = (pieces.first_mut(), kept.is_empty()) {
            first.insert_str(insertion.at, &expressions(&kept, insertion.has_others));
        }
        Ok(pieces)
    }

    /// Which references to files read the file itself.
    fn direct(&mut self, shape: &Shape, pieces: &[Piece]) -> SqlResult<Vec<bool>> {
        let mut files = Vec::new();
        for piece in pieces {
            if let Piece::Table { table, .. } = piece {
                let name = self.table(table)?;
                files.extend(
                    self.tables.iter().find(|(known, _)| *known == name).map(|(_, file)| file.clone()),
                );
            }
        }
        let sizes: Vec<u64> = files.iter().map(|file| file.size()).collect();
        // An index on a column without a type does not serve numbers of one with a type: SQLite has to choose.
        let is_mixed = files.iter().any(|file| file.is_typed() != files[0].is_typed());
        Ok(shape.direct(&sizes, is_mixed))
    }

    fn take(&mut self, piece: Piece) -> SqlResult<()> {
        match piece {
            Piece::Sql(sql) => self.sql.push_str(&sql),
            Piece::List(written) => match self.parameters.get(&written).map_err(SqlError::Statement)? {
                Parameter::List(_) => self.sql.push_str(&format!("(SELECT value FROM json_each({written}))")),
                _ => {
                    return Err(SqlError::statement(format!(
                        "parameter {written} after IN has to be an array"
                    )));
                }
            },
            Piece::Table { table, named } => {
                let name = self.table(&table)?;
                self.sql.push_str(&reference(&name, named, ""));
            }
        }
        Ok(())
    }

    /// The name of the table for a file.
    fn table(&mut self, table: &TableRef) -> SqlResult<String> {
        let arguments: Vec<String> =
            table.arguments.iter().map(|it| self.text(it)).collect::<SqlResult<_>>()?;
        let key = (table.format.clone(), arguments);
        if let Some(index) = self.known.iter().position(|known| *known == key) {
            return Ok(self.tables[index].0.clone());
        }
        if self.tables.len() == MAX_TABLES {
            return Err(SqlError::statement(format!("a statement can name {MAX_TABLES} files and no more")));
        }
        let [path, options @ ..] = &key.1[..] else { return Err(SqlError::statement("a file has a path")) };
        let reading = Reading::new(key.0.as_deref(), path.clone(), options).map_err(SqlError::Statement)?;
        let file = Arc::new(TableFile::new(self.vfs, reading)?);
        let name = self.free_name(path);
        self.known.push(key);
        self.tables.push((name.clone(), file));
        Ok(name)
    }

    fn text(&self, argument: &Argument) -> SqlResult<String> {
        match argument {
            Argument::Text(text) => Ok(text.clone()),
            Argument::Parameter(written) => {
                match self.parameters.get(written).map_err(SqlError::Statement)? {
                    Parameter::Text(text) => Ok(text.clone()),
                    _ => Err(SqlError::statement(format!("parameter {written} in FROM has to be a path"))),
                }
            }
        }
    }

    /// The path, unless SQLite has that name already, to which capitals make no difference, or keeps it for itself.
    fn free_name(&self, path: &str) -> String {
        let path = path.replace('\0', " ");
        let is_free = |name: &String| {
            let is_own = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
            !is_own
                && !name.is_empty()
                && !self.tables.iter().any(|(taken, _)| taken.eq_ignore_ascii_case(name))
        };
        let numbered = (2..).map(|number| format!("./{path} {number}"));
        std::iter::once(path.clone()).chain(numbered).find(is_free).expect("numbers go on for ever")
    }
}

/// A table where a statement names its file.
fn reference(name: &str, named: bool, schema: &str) -> String {
    let alias = if named { String::new() } else { format!(" AS {}", quoted(stem(name))) };
    // What follows may be a word.
    format!("{schema}{}{alias} ", quoted(name))
}

/// What a table is called that the statement gives no name: the name of the file, without its extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    if stem.is_empty() { name } else { stem }
}
