//! Reading a table around whatever SQLite cannot follow.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::errno::NodeResult;

/// Hands every row of a table to `each` that can be reached: forward by its key, and after damage on from the first key
/// that can be read again. Returns what was in the way.
pub(super) fn scan(
    conn: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    each: &mut dyn FnMut(&Row<'_>) -> NodeResult<()>,
) -> NodeResult<Vec<String>> {
    let mut gaps = Vec::new();
    let mut last = i64::MIN;
    loop {
        let sql = format!("SELECT {columns}, {key} AS at FROM {table} WHERE {key} >= ?1 ORDER BY {key}");
        let stopped = forward(conn, &sql, &mut last, each)?;
        let Some(why) = stopped else { return Ok(gaps) };
        gaps.push(format!("{why} (after {key} {last})"));
        // What has the same key beyond the damage, from its other end.
        let sql = format!(
            "SELECT {columns}, {key} AS at FROM {table} WHERE {key} = ?1 ORDER BY {key} DESC, 2 DESC"
        );
        let mut same = last;
        forward(conn, &sql, &mut same, each)?;
        match next_readable(conn, table, key, last) {
            Some(next) => last = next,
            None => return Ok(gaps),
        }
    }
}

/// Hands on rows until one cannot be read; says why then.
fn forward(
    conn: &Connection,
    sql: &str,
    last: &mut i64,
    each: &mut dyn FnMut(&Row<'_>) -> NodeResult<()>,
) -> NodeResult<Option<String>> {
    let why = |error: rusqlite::Error| Ok(Some(error.to_string()));
    let mut statement = match conn.prepare(sql) {
        Ok(statement) => statement,
        Err(error) => return why(error),
    };
    let mut rows = match statement.query([*last]) {
        Ok(rows) => rows,
        Err(error) => return why(error),
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                if let Ok(at) = row.get("at") {
                    *last = at;
                }
                each(row)?;
            }
            Ok(None) => return Ok(None),
            Err(error) => return why(error),
        }
    }
}

/// The smallest key after `after` from which on rows can be read again.
fn next_readable(conn: &Connection, table: &str, key: &str, after: i64) -> Option<i64> {
    let sql = format!("SELECT {key} FROM {table} WHERE {key} >= ?1 ORDER BY {key} LIMIT 1");
    let seek = |from: i64| -> rusqlite::Result<Option<i64>> {
        conn.prepare_cached(&sql)?.query_row([from], |row| row.get(0)).optional()
    };
    let start = after.max(0);
    let (mut bad, mut step) = (start, 1_i64);
    let mut good = loop {
        let at = start.checked_add(step)?;
        match seek(at) {
            Ok(found) => break found?.min(at),
            Err(_) => (bad, step) = (at, step.checked_mul(2)?),
        }
    };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        match seek(middle) {
            Ok(_) => good = middle,
            Err(_) => bad = middle,
        }
    }
    seek(good).ok().flatten()
}
