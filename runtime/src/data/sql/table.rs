//! Files as tables of SQLite's.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;
use std::sync::Arc;

use cowry_vfs::{GlobOptions, Vfs};
use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::vtab::{
    self, Context, CreateVTab, DistinctMode, Filters, IndexInfo, Module, VTab, VTabConfig, VTabConnection,
    VTabCursor, VTabKind,
};

use super::connect::Setting;
use super::error::{Failure, SqlError, SqlResult};
use super::filter::Filter;
use super::grouped::{Grouped, Grouper};
use super::options::Reading;
use crate::data::csv::is_code;
use crate::data::{self, Column, DataError, Kind, RowSource, Value, Wanted};

/// How many columns SQLite takes in a table.
const COLUMNS_MAX: usize = 2000;

/// What SQLite knows the tables by: `CREATE VIRTUAL TABLE … USING cowry_file(NUMBER)`.
pub(super) const MODULE_NAME: &CStr = c"cowry_file";
pub(super) const MODULE: &Module<'static, FileTable> = &Module::read_only_module();

/// The files of a statement, in the order of their numbers.
pub(super) struct Files {
    pub(super) files: Vec<Arc<TableFile>>,
    pub(super) failure: Failure,
    pub(super) setting: Setting,
}

/// A file, or several that are alike, as one table.
#[derive(Clone)]
pub(super) struct TableFile {
    vfs: Vfs,
    reading: Reading,
    parts: Vec<Part>,
    /// As they are in the files.
    columns: Vec<Column>,
    /// What the table is declared as.
    names: Vec<String>,
    /// Bytes of all files together.
    size: u64,
    /// Its rows are kept with indexes: SQLite does not find text in a column of numbers that it takes for one.
    is_indexed: bool,
}

/// One of its files.
#[derive(Clone)]
struct Part {
    path: String,
    columns: Vec<Column>,
    /// No row has other columns, as far as the statement asks for them.
    is_whole: bool,
    /// Its columns are what a second look found.
    is_settled: bool,
}

impl TableFile {
    /// Looks at the first rows of every file. The columns are those of all files by name; what a file does not have is
    /// null in its rows.
    ///
    /// # Errors
    /// What opening them fails with; a statement's error for a pattern that nothing matches and where there are no
    /// columns.
    pub(super) fn new(vfs: &Vfs, reading: Reading) -> SqlResult<TableFile> {
        let paths = paths(vfs, &reading.path)?;
        let (columns, names) = (Vec::new(), Vec::new());
        let mut file = TableFile {
            vfs: vfs.clone(),
            reading,
            parts: Vec::new(),
            columns,
            names,
            size: 0,
            is_indexed: false,
        };
        for path in paths {
            let mut part = Part { path, columns: Vec::new(), is_whole: false, is_settled: false };
            let rows = file.open(&part)?;
            (part.columns, part.is_whole) = (rows.columns().to_vec(), rows.is_whole());
            file.size += vfs.stat(&part.path)?.size;
            file.parts.push(part);
        }
        file.merge()?;
        Ok(file)
    }

    /// Makes its columns those of all files.
    fn merge(&mut self) -> SqlResult<()> {
        let file = self;
        file.columns.clear();
        for part in &file.parts {
            add(&mut file.columns, &part.columns);
        }
        if file.columns.len() > COLUMNS_MAX {
            return Err(SqlError::statement(format!(
                "{}: {} columns, where a table of SQL has at most {COLUMNS_MAX}; csv.rows with columns: [names] reads some",
                file.reading.path,
                file.columns.len()
            )));
        }
        if file.columns.is_empty() {
            return Err(SqlError::statement(format!("{}: there are no columns in it", file.reading.path)));
        }
        file.names = declared(&file.columns);
        Ok(())
    }

    fn open(&self, part: &Part) -> SqlResult<Box<dyn RowSource>> {
        let Reading { format, csv, charset, .. } = &self.reading;
        let mut rows = data::open(&self.vfs, &part.path, *format, csv, *charset)
            .map_err(|error| SqlError::of_file(&part.path, error))?;
        if part.is_settled {
            rows.settle(&part.columns);
        }
        Ok(rows)
    }

    /// Goes through the files for what their first rows did not tell of the columns.
    ///
    /// # Errors
    /// What reading them fails with; a statement's error for too many columns.
    pub(super) fn survey(&mut self, wanted: &Wanted<'_>) -> SqlResult<()> {
        for at in 0..self.parts.len() {
            let part = &self.parts[at];
            if part.is_whole && !wanted.codes && !part.columns.iter().any(|column| column.open) {
                continue;
            }
            let mut rows = self.open(part)?;
            rows.survey(wanted).map_err(|error| SqlError::of_file(&part.path, error))?;
            let part = &mut self.parts[at];
            (part.columns, part.is_whole, part.is_settled) = (rows.columns().to_vec(), true, true);
        }
        if (wanted.stop)() {
            return Err(SqlError::Interrupted);
        }
        // Once is enough: what is left is text of a kind that no other look would find.
        self.is_indexed &= !wanted.codes;
        self.merge()
    }

    /// Has its rows kept with indexes.
    pub(super) fn keep(&mut self) {
        self.is_indexed = true;
    }

    /// Whether no row has a column that is not there yet.
    pub(super) fn is_whole(&self) -> bool {
        self.parts.iter().all(|part| part.is_whole)
    }

    /// Whether nothing says yet what kind a column is of that matters.
    pub(super) fn has_open(&self, wanted: &Wanted<'_>) -> bool {
        let mut columns = self.parts.iter().flat_map(|part| &part.columns);
        columns.any(|column| column.open && wanted.wants(&column.name))
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Bytes of all its files together.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether every column has a type.
    pub(super) fn is_typed(&self) -> bool {
        self.columns.iter().all(|column| column.kind != Kind::Any)
    }

    /// The statement that declares the columns.
    fn declaration(&self) -> String {
        let affinity = |kind| match kind {
            Kind::Text => " TEXT",
            Kind::Integer | Kind::Boolean => " INTEGER",
            Kind::Real => " REAL",
            Kind::Any => "",
        };
        let columns = self.names.iter().zip(&self.columns);
        let columns: Vec<_> =
            columns.map(|(name, column)| format!("{}{}", quoted(name), affinity(column.kind))).collect();
        format!("CREATE TABLE x({})", columns.join(", "))
    }
}

/// A name as SQL writes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", vtab::escape_double_quote(name))
}

/// The files that a path means: itself, or those that match it where it is a pattern.
fn paths(vfs: &Vfs, path: &str) -> SqlResult<Vec<String>> {
    if !path.contains(['*', '?', '[', '{']) || vfs.exists(path) {
        return Ok(vec![path.to_owned()]);
    }
    let found: Vec<String> =
        vfs.glob(path, GlobOptions::default())?.iter().map(ToString::to_string).collect();
    if found.is_empty() {
        return Err(SqlError::statement(format!("no file matches '{path}'")));
    }
    Ok(found)
}

/// Adds the columns of another file; the kind of one that both have fits both.
fn add(columns: &mut Vec<Column>, others: &[Column]) {
    for other in others {
        let Some(column) = columns.iter_mut().find(|column| column.name == other.name) else {
            columns.push(other.clone());
            continue;
        };
        column.kind = match (column.kind, other.kind) {
            (one, _) if other.open => one,
            (_, other) if column.open => other,
            (one, other) if one == other => one,
            (Kind::Integer | Kind::Real, Kind::Integer | Kind::Real) => Kind::Real,
            _ => Kind::Any,
        };
        column.open &= other.open;
    }
}

/// Where in a file each column of the table is.
fn places(columns: &[Column], of_file: &[Column]) -> Vec<Option<usize>> {
    let same = |(column, other): (&Column, &Column)| column.name == other.name;
    if columns.len() == of_file.len() && columns.iter().zip(of_file).all(same) {
        return (0..columns.len()).map(Some).collect();
    }
    let by_name: HashMap<&str, usize> = of_file.iter().map(|c| c.name.as_str()).zip(0..).collect();
    columns.iter().map(|column| by_name.get(column.name.as_str()).copied()).collect()
}

/// Names for SQLite, to which capitals make no difference.
fn declared(columns: &[Column]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut free = |name: &str| taken.insert(name.to_ascii_lowercase());
    let name = |column: &Column| {
        // A zero would end the declaration.
        let name = column.name.replace('\0', " ");
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        std::iter::once(name.clone()).chain(numbered).find(|name| free(name)).expect("numbers go on for ever")
    };
    columns.iter().map(name).collect()
}

/// The table as SQLite sees it.
#[repr(C)]
pub(super) struct FileTable {
    base: vtab::sqlite3_vtab,
    file: Arc<TableFile>,
    /// Which it is.
    number: usize,
    failure: Failure,
    setting: Setting,
    /// The filters of each plan that SQLite has asked for.
    plans: Arc<Mutex<Vec<Arc<[Filter]>>>>,
}

impl FileTable {
    /// The columns of a `GROUP BY` that are all SQLite wants of the order, if it is cheaper to have them so than to let
    /// it sort: where it would throw rows away first that the filters do not, it is not.
    fn groups(&self, info: &IndexInfo, are_all_filtered: bool) -> Option<Vec<usize>> {
        // Rows take more room here than in SQLite's sorter, which counts once they have to be written.
        const LARGE: u64 = 8;
        let is_large = self.file.size > self.setting.group_bytes() as u64 * LARGE;
        self.setting.scratch.as_ref().filter(|_| !is_large)?;
        let wanted = info.num_of_order_by() > 0 && matches!(info.distinct(), DistinctMode::Grouped);
        if !wanted || !are_all_filtered {
            return None;
        }
        let column = |at: c_int| {
            let at = usize::try_from(at).ok()?;
            // What is of any kind has whole numbers that are equal to others.
            (self.file.columns.get(at)?.kind != Kind::Any).then_some(at)
        };
        info.order_bys().map(|by| column(by.column())).collect()
    }
}

/// The columns in a set that has a bit for each of the first 63 and one for all others.
fn in_set(set: u64, columns: usize) -> impl Iterator<Item = usize> {
    (0..columns).filter(move |column| set & (1 << column.min(&63)) != 0)
}

// SAFETY: the first field is what SQLite expects, and the struct is laid out as C does.
unsafe impl<'vtab> VTab<'vtab> for FileTable {
    type Aux = Files;
    type Cursor = FileCursor<'vtab>;

    fn connect(
        db: &mut VTabConnection,
        aux: Option<&Files>,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        args: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, FileTable)> {
        let number = args.first().and_then(|arg| std::str::from_utf8(arg).ok()?.trim().parse::<usize>().ok());
        let (files, number) =
            aux.zip(number).ok_or_else(|| rusqlite::Error::ModuleError("no file".into()))?;
        let file = files.files.get(number).ok_or_else(|| rusqlite::Error::ModuleError("no file".into()))?;
        db.config(VTabConfig::Innocuous)?;
        let declaration = CString::new(file.declaration()).map_err(rusqlite::Error::from)?;
        let base = vtab::sqlite3_vtab::default();
        let (failure, setting) = (files.failure.clone(), files.setting.clone());
        let (file, plans) = (file.clone(), Arc::default());
        Ok((declaration.into(), FileTable { base, file, number, failure, setting, plans }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        // A guess at the rows: what matters is which of several files is larger.
        const ROW: u64 = 64;
        let rows = (self.file.size / ROW).max(1);
        info.set_estimated_rows(i64::try_from(rows).unwrap_or(i64::MAX));
        info.set_estimated_cost(rows as f64 * 3.0 + 1000.0);
        let (filters, are_all) = Filter::all(info, &self.file.columns);
        let mut kept = Vec::new();
        if let Some(keys) = self.groups(info, are_all) {
            let used =
                in_set(info.col_used(), self.file.columns.len()).filter(|column| !keys.contains(column));
            kept = keys.iter().copied().chain(used).map(|column| column.to_string()).collect();
            info.set_idx_num(c_int::try_from(keys.len()).unwrap_or(0));
            info.set_order_by_consumed(true);
        }
        let mut plans = self.plans.lock();
        info.set_idx_str(&format!("{};{}", plans.len(), kept.join(",")));
        plans.push(filters.into());
        Ok(true)
    }

    fn open(&'vtab mut self) -> rusqlite::Result<FileCursor<'vtab>> {
        Ok(FileCursor {
            base: vtab::sqlite3_vtab_cursor::default(),
            file: self.file.clone(),
            number: self.number,
            failure: self.failure.clone(),
            setting: self.setting.clone(),
            plans: self.plans.clone(),
            filters: Arc::default(),
            groups: None,
            rows: None,
            places: Vec::new(),
            next: 0,
            row: 0,
            table: PhantomData,
        })
    }
}

impl CreateVTab<'_> for FileTable {
    const KIND: VTabKind = VTabKind::Default;
}

/// A walk over the rows.
#[repr(C)]
pub(super) struct FileCursor<'vtab> {
    base: vtab::sqlite3_vtab_cursor,
    file: Arc<TableFile>,
    number: usize,
    failure: Failure,
    setting: Setting,
    plans: Arc<Mutex<Vec<Arc<[Filter]>>>>,
    /// What a row has to pass.
    filters: Arc<[Filter]>,
    /// The rows by groups, if they were wanted so.
    groups: Option<Groups>,
    /// The file that is being read; `None` at the end.
    rows: Option<Box<dyn RowSource>>,
    /// Where each column is in that file.
    places: Vec<Option<usize>>,
    /// The file after that.
    next: usize,
    /// The number of the row, from 1.
    row: i64,
    table: PhantomData<&'vtab FileTable>,
}

/// Rows by groups.
struct Groups {
    rows: Grouped,
    /// Where in a row each column is.
    slots: Vec<Option<usize>>,
    /// Where the number of the row is.
    number: usize,
}

impl FileCursor<'_> {
    /// What the current row has in a column.
    fn value(&self, column: usize) -> Value<'_> {
        let place = self.places.get(column).copied().flatten();
        let Some(value) = self.rows.as_ref().zip(place).map(|(rows, place)| rows.value(place)) else {
            return Value::Null;
        };
        match (self.file.columns[column].kind, value) {
            // Whole numbers in a column of others, or division would cut some of them.
            (Kind::Real, Value::Integer(number)) => Value::Real(number as f64),
            // Numbers that are equal are the same value here, as what puts rows into groups takes for granted.
            (Kind::Integer, Value::Real(number)) => whole(number).map_or(Value::Real(number), Value::Integer),
            (Kind::Integer | Kind::Real, Value::Text(text)) => {
                long(&text).map_or(Value::Text(text), Value::Real)
            }
            (_, value) => value,
        }
    }

    /// Refuses what an index would not find.
    fn require_findable(&self, column: usize, value: &Value<'_>) -> SqlResult<()> {
        let is_number = |column: &Column| matches!(column.kind, Kind::Integer | Kind::Real | Kind::Boolean);
        match value {
            Value::Text(text) if is_number(&self.file.columns[column]) && is_code(text) => {
                Err(SqlError::Code {
                    table: self.number,
                    path: self.file.parts[self.next - 1].path.clone(),
                    column: self.file.columns[column].name.clone(),
                    text: text.to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self) -> SqlResult<()> {
        (self.next, self.row, self.groups) = (0, 0, None);
        self.next_file()?;
        self.step()
    }

    /// Takes all rows, and has those of a group follow one another; the first `keys` columns are the group.
    fn group(&mut self, keys: usize, columns: &[usize], scratch: Vfs) -> SqlResult<Groups> {
        let mut grouper = Grouper::new(keys, self.setting.group_bytes(), scratch);
        while self.rows.is_some() {
            let number = Value::Integer(self.row);
            let values = columns.iter().map(|&column| self.value(column));
            grouper.push(values.chain(std::iter::once(number)))?;
            self.pause()?;
            self.step()?;
        }
        let mut slots = vec![None; self.file.columns.len()];
        columns.iter().enumerate().for_each(|(slot, &column)| slots[column] = Some(slot));
        Ok(Groups { rows: grouper.finish()?, slots, number: columns.len() })
    }

    /// Moves on to the next good row that the filters let pass.
    fn step(&mut self) -> SqlResult<()> {
        while let Some(rows) = &mut self.rows {
            match rows.advance() {
                Ok(true) => {
                    self.row += 1;
                    if self.filters.iter().all(|filter| filter.may_pass(&self.value(filter.column))) {
                        return Ok(());
                    }
                    self.pause()?;
                }
                Ok(false) => self.next_file()?,
                Err(DataError::Row(_)) if self.file.reading.skip_bad => {}
                Err(error) => return Err(SqlError::of_file(&self.file.parts[self.next - 1].path, error)),
            }
        }
        Ok(())
    }

    /// Looks now and then whether to stop, where SQLite cannot because it sees no rows.
    fn pause(&self) -> SqlResult<()> {
        const ROWS: i64 = 1024;
        if self.row % ROWS == 0 && (self.setting.interrupted)() { Err(SqlError::Interrupted) } else { Ok(()) }
    }

    fn next_file(&mut self) -> SqlResult<()> {
        self.rows = self.file.parts.get(self.next).map(|part| self.file.open(part)).transpose()?;
        self.next += 1;
        self.places = self.rows.iter().flat_map(|rows| places(&self.file.columns, rows.columns())).collect();
        Ok(())
    }
}

// SAFETY: the first field is what SQLite expects, and the struct is laid out as C does.
unsafe impl VTabCursor for FileCursor<'_> {
    fn filter(&mut self, keys: c_int, plan: Option<&str>, _: &Filters<'_>) -> rusqlite::Result<()> {
        let (plan, columns) = plan.and_then(|plan| plan.split_once(';')).unwrap_or_default();
        let columns: Vec<usize> = columns.split(',').filter_map(|text| text.parse().ok()).collect();
        let filters = plan.parse().ok().and_then(|plan: usize| self.plans.lock().get(plan).cloned());
        self.filters = filters.unwrap_or_default();
        let begun = self.begin().and_then(|()| {
            if let Some(scratch) = self.setting.scratch.clone().filter(|_| keys > 0) {
                self.groups = Some(self.group(keys as usize, &columns, scratch)?);
            }
            Ok(())
        });
        begun.map_err(|error| self.failure.note(error))
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        let moved = match &mut self.groups {
            Some(groups) => groups.rows.next(),
            None => self.step(),
        };
        moved.map_err(|error| self.failure.note(error))
    }

    fn eof(&self) -> bool {
        match &self.groups {
            Some(groups) => groups.rows.is_at_end(),
            None => self.rows.is_none(),
        }
    }

    fn column(&self, context: &mut Context, column: c_int) -> rusqlite::Result<()> {
        let column = column as usize;
        if let Some(groups) = &self.groups {
            let slot = groups.slots.get(column).copied().flatten();
            let value = slot.and_then(|slot| groups.rows.value(slot)).unwrap_or(ValueRef::Null);
            return context.set_result(ToSqlOutput::Borrowed(value));
        }
        let value = self.value(column);
        if self.file.is_indexed {
            self.require_findable(column, &value).map_err(|error| self.failure.note(error))?;
        }
        context.set_result(ToSqlOutput::Borrowed(as_sql(&value)))
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        let number = |groups: &Groups| match groups.rows.value(groups.number)? {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        };
        Ok(self.groups.as_ref().and_then(number).unwrap_or(self.row))
    }
}

/// The whole number that this is exactly, if it is one.
fn whole(number: f64) -> Option<i64> {
    const LEAST: f64 = i64::MIN as f64;
    (number.fract() == 0.0 && (LEAST..-LEAST).contains(&number)).then_some(number as i64)
}

/// A whole number with more digits than SQLite's have, as near as can be.
fn long(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_long = digits.len() > 18 && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit);
    if is_long { text.parse().ok().filter(|it: &f64| it.is_finite()) } else { None }
}

/// A value as SQLite has it: truth is 1 or 0, arrays and objects are their text.
pub(super) fn as_sql<'a>(value: &'a Value<'_>) -> ValueRef<'a> {
    match value {
        Value::Null => ValueRef::Null,
        Value::Boolean(truth) => ValueRef::Integer(i64::from(*truth)),
        Value::Integer(number) => ValueRef::Integer(*number),
        Value::Real(number) => ValueRef::Real(*number),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Json(text) => ValueRef::Text(text.as_bytes()),
    }
}
