//! Whether the numbers that are given out next are free: one that is taken would make every later change fail.

use rusqlite::Connection;

use super::super::tx::{Next, Tx};
use super::Check;
use super::repair::RepairReport;
use crate::errno::NodeResult;

/// What damage puts above this is no number that was ever given out.
const NUMBER_MAX: i64 = 1 << 61;

impl Check<'_> {
    pub(super) fn numbers(&mut self) -> NodeResult<()> {
        let sql = "SELECT next_ino, next_content, next_chunk FROM main.meta";
        let row =
            |row: &rusqlite::Row<'_>| Ok(Next { ino: row.get(0)?, content: row.get(1)?, chunk: row.get(2)? });
        let (told, free) = (self.conn.query_row(sql, [], row)?, free(self.conn)?);
        for (what, told, free) in each(told, free) {
            if told < free {
                self.problem(format!("the next {what} is said to be {told}, there is {} already", free - 1));
            }
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Goes on counting above everything that is there.
    pub(super) fn mend_numbers(&mut self, report: &mut RepairReport) -> NodeResult<()> {
        let free = free(self.conn)?;
        for (what, told, free) in each(self.state.next, free) {
            if told < free {
                report.mend(format!("the next {what} is {free}, not {told}"));
            }
        }
        self.state.next = self.state.next.after(free);
        Ok(())
    }
}

fn each(told: Next, free: Next) -> [(&'static str, i64, i64); 3] {
    [("node", told.ino, free.ino), ("content", told.content, free.content), ("chunk", told.chunk, free.chunk)]
}

/// The first numbers that nothing in the file has.
fn free(conn: &Connection) -> NodeResult<Next> {
    let first = |ids: &str| -> NodeResult<i64> {
        let sql = format!("SELECT coalesce(max(id), 0) + 1 FROM ({ids}) WHERE id < ?1");
        Ok(conn.query_row(&sql, [NUMBER_MAX], |row| row.get(0))?)
    };
    Ok(Next {
        ino: first("SELECT ino AS id FROM main.inode UNION ALL SELECT ino FROM main.entry")?,
        content: first("SELECT id FROM main.content UNION ALL SELECT content FROM main.inode")?,
        chunk: first("SELECT id FROM main.chunk UNION ALL SELECT chunk FROM main.extent")?,
    })
}
