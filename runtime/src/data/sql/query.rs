//! A statement while its rows are taken.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

use super::connect::{Setting, connect, guard};
use super::error::{Failure, SqlError, SqlResult};
use super::parameters::Parameters;
use super::plan::{Plan, plan};
use super::scratch::ScratchFiles;
use super::table::{Files, MODULE, MODULE_NAME, quoted};
use crate::data::distinct;
use crate::text::lossy;

/// The largest whole number that a double can tell from its neighbours.
const SAFE: u64 = (1 << 53) - 1;

/// A statement that runs. Fields are dropped in this order, which is the only right one.
pub(crate) struct Query {
    statement: Statement<'static>,
    /// What the statement borrows from.
    _connection: Box<Connection>,
    scratch: ScratchFiles,
    columns: Vec<String>,
    failure: Failure,
    /// What it was made from, to begin anew.
    origin: Origin,
    /// A row was handed out.
    has_begun: bool,
    is_done: bool,
}

/// What a query is made from.
#[derive(Clone)]
struct Origin {
    setting: Setting,
    plan: Plan,
    parameters: Parameters,
}

/// Rows as JSON text, and what JSON cannot say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    /// An array of objects.
    pub(crate) json: String,
    /// Values whose place in it is held by a null.
    pub(crate) odd: Vec<Odd>,
    /// Whether there are no more rows.
    pub(crate) is_last: bool,
}

/// A value that JSON has no form for.
#[derive(Debug, PartialEq)]
pub(crate) struct Odd {
    /// The row in its batch, from 0.
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) value: OddValue,
}

#[derive(Debug, PartialEq)]
pub(crate) enum OddValue {
    /// A whole number that a double cannot say exactly.
    Big(i64),
    /// An infinity.
    Infinite(f64),
    Blob(Vec<u8>),
}

impl Query {
    /// Prepares a statement and gives it its values.
    ///
    /// # Errors
    /// [`SqlError::File`] and [`SqlError::Data`] for files that are not there or no tables, [`SqlError::Statement`]
    /// for anything else that is wrong with it, such as that it writes.
    pub(crate) fn new(setting: &Setting, sql: &str, parameters: &Parameters) -> SqlResult<Query> {
        let mut plan = plan(&setting.vfs, sql, parameters)?;
        plan.settle(&*setting.interrupted)?;
        let mut origin = Origin { setting: setting.clone(), plan, parameters: parameters.clone() };
        match Query::begin(origin.clone()) {
            Err(error) if error.misses_column() && origin.plan.find_names(&*setting.interrupted)? => {
                Query::begin(origin)
            }
            begun => begun,
        }
    }

    /// Has SQLite prepare it.
    fn begin(origin: Origin) -> SqlResult<Query> {
        let Origin { setting, plan: Plan { sql, tables, .. }, parameters } = &origin;
        let scratch = ScratchFiles::new(setting.scratch.clone(), setting.clock.clone());
        let mut connection = Box::new(connect(setting, &scratch)?);
        let failure = Failure::default();
        let (names, files): (Vec<_>, Vec<_>) = tables.iter().cloned().unzip();
        connection.create_module(
            MODULE_NAME,
            MODULE,
            Some(Files { files, failure: failure.clone(), setting: setting.clone() }),
        )?;
        for (number, name) in names.iter().enumerate() {
            let table = format!("CREATE VIRTUAL TABLE {} USING cowry_file({number})", quoted(name));
            connection.execute_batch(&table).map_err(|error| failure.explain(error))?;
        }
        guard(&mut connection, setting)?;
        let mut statement = connection.prepare(sql).map_err(|error| refused(failure.explain(error)))?;
        if statement.column_count() == 0 {
            return Err(SqlError::statement(
                "there is no statement that has a result: begin with SELECT or WITH",
            ));
        }
        bind(&mut statement, parameters)?;
        let columns = distinct(statement.column_names().map(str::to_owned));
        // SAFETY: the statement borrows from the connection behind the box, which stays where it is and is dropped
        // after the statement.
        let statement = unsafe { std::mem::transmute::<Statement<'_>, Statement<'static>>(statement) };
        let (has_begun, is_done) = (false, false);
        Ok(Query {
            statement,
            _connection: connection,
            scratch,
            columns,
            failure,
            origin,
            has_begun,
            is_done,
        })
    }

    /// The names of the columns of its result; what is there already has a number added.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Bytes that did not fit into memory so far.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.scratch.written()
    }

    /// Hands rows to `each` until it answers `false` or there are no more; answers whether there may be more.
    ///
    /// # Errors
    /// As [`Query::new`]; [`SqlError::Interrupted`].
    pub(crate) fn rows(&mut self, mut each: impl FnMut(&Row<'_>) -> SqlResult<bool>) -> SqlResult<bool> {
        loop {
            match self.step(&mut each) {
                Err(SqlError::Code { table, .. }) if !self.has_begun => self.begin_anew(table)?,
                result => return result,
            }
        }
    }

    /// Begins anew with columns of this table as text that are not what their first rows say.
    fn begin_anew(&mut self, table: usize) -> SqlResult<()> {
        let mut origin = self.origin.clone();
        origin.plan.find_codes(table, &*origin.setting.interrupted)?;
        *self = Query::begin(origin)?;
        Ok(())
    }

    fn step(&mut self, each: &mut dyn FnMut(&Row<'_>) -> SqlResult<bool>) -> SqlResult<bool> {
        if self.is_done {
            return Ok(false);
        }
        let mut rows = self.statement.raw_query();
        let more = loop {
            match rows.next() {
                Ok(Some(row)) => {
                    self.has_begun = true;
                    match each(row) {
                        Ok(true) => {}
                        Ok(false) => break Ok(true),
                        Err(error) => break Err(error),
                    }
                }
                Ok(None) => break Ok(false),
                Err(error) => break Err(refused(self.failure.explain(error))),
            }
        };
        self.is_done = !matches!(more, Ok(true));
        // Dropping it would begin the statement anew.
        std::mem::forget(rows);
        more
    }

    /// The next rows, about as much text of them as is asked for.
    ///
    /// # Errors
    /// As [`Query::rows`].
    pub(crate) fn batch(&mut self, text_bytes: usize, as_arrays: bool) -> SqlResult<Batch> {
        let keys: Vec<String> = self.columns.iter().map(|name| format!("{}:", json_text(name))).collect();
        let mut batch = Batch { json: "[".into(), ..Batch::default() };
        let mut number = 0;
        let more = self.rows(|row| {
            batch.json.push_str(if number > 0 { "," } else { "" });
            batch.json.push(if as_arrays { '[' } else { '{' });
            for (column, key) in keys.iter().enumerate() {
                batch.json.push_str(if column > 0 { "," } else { "" });
                batch.json.push_str(if as_arrays { "" } else { key });
                let odd = push_json(&mut batch.json, row.get_ref(column)?);
                batch.odd.extend(odd.map(|value| Odd { row: number, column, value }));
            }
            batch.json.push(if as_arrays { ']' } else { '}' });
            number += 1;
            Ok(batch.json.len() < text_bytes)
        })?;
        batch.json.push(']');
        batch.is_last = !more;
        Ok(batch)
    }
}

/// What is not allowed is told in our words.
fn refused(error: SqlError) -> SqlError {
    const SAYS: &[&str] = &["not authorized", "is prohibited", "may not be modified"];
    match error {
        SqlError::Statement(text) if SAYS.iter().any(|says| text.ends_with(says)) => SqlError::statement(
            format!("only SELECT, WITH, VALUES and EXPLAIN are possible over files ({text})"),
        ),
        error => error,
    }
}

fn bind(statement: &mut Statement<'_>, parameters: &Parameters) -> SqlResult<()> {
    for index in 1..=statement.parameter_count() {
        // A number that the statement does not use has no name.
        let Some(name) = statement.parameter_name(index).map(str::to_owned) else { continue };
        let value = parameters.get(&name).map_err(SqlError::Statement)?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

/// A text as JSON writes it.
pub(super) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text has a form in JSON")
}

/// A finite number, with a point or an exponent in it.
pub(super) fn real(number: f64) -> String {
    serde_json::to_string(&number).expect("a finite number has a form in JSON")
}

/// Adds a value to JSON text; what it has no form for is answered, and a null holds its place.
pub(super) fn push_json(json: &mut String, value: ValueRef<'_>) -> Option<OddValue> {
    let odd = match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) if number.unsigned_abs() <= SAFE => {
            json.push_str(&number.to_string());
            return None;
        }
        ValueRef::Integer(number) => Some(OddValue::Big(number)),
        ValueRef::Real(number) if number.is_finite() => {
            json.push_str(&real(number));
            return None;
        }
        ValueRef::Real(number) => Some(OddValue::Infinite(number)),
        ValueRef::Text(text) => {
            json.push_str(&json_text(&lossy(text)));
            return None;
        }
        ValueRef::Blob(bytes) => Some(OddValue::Blob(bytes.to_vec())),
    };
    json.push_str("null");
    odd
}
