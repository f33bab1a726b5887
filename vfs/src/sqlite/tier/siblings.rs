//! Reading ahead through a directory: who reads its files one after the other is going to read the next ones.

use rusqlite::OptionalExtension;

use super::super::view::View;
use super::{Got, Object, Parts, Tier};
use crate::errno::NodeResult;
use crate::node::Ino;

/// How many entries on a reader may be and still go on, since not all of them are files in a bucket.
const NEAR: i64 = 16;
/// How many entries are looked at the first time, and at most: four times as many each time.
const ENTRIES: (i64, i64) = (4, 64);
/// How much of each file, and of all of them, is fetched ahead, in bytes.
const HEAD_BYTES: usize = 1 << 20;
const BYTES: usize = 8 << 20;
/// The most directories whose readers are remembered.
const DIRECTORIES_MAX: usize = 64;

/// How far somebody has read in a directory.
pub(super) struct Reader {
    /// The last entry that was read or fetched ahead.
    last: String,
    /// How many entries were looked at then.
    entries: i64,
}

impl View<'_> {
    /// Adds to the plan of a file's first bytes what is read next, if they have to be fetched and somebody reads files
    /// of that directory one after the other.
    pub(in crate::sqlite) fn with_siblings(&self, ino: Ino, mut parts: Parts) -> NodeResult<Parts> {
        let Got::Some(_, there) = &parts.got else { return Ok(parts) };
        // Nobody waits as long as what was fetched ahead is not used up.
        if there.iter().any(|gap| self.tier.is_unasked(&gap.object)) {
            parts.ahead.extend(self.siblings(ino.0 as i64)?);
        }
        Ok(parts)
    }

    pub(super) fn siblings(&self, ino: i64) -> NodeResult<Vec<Object>> {
        let Some((dir, name)) = self.one_name(ino)? else { return Ok(Vec::new()) };
        let known = self.tier.folders.lock().get(&dir).map(|reader| (reader.last.clone(), reader.entries));
        let entries = match known {
            Some((last, entries)) if self.is_near(dir, &last, &name)? => {
                (entries * 4).clamp(ENTRIES.0, ENTRIES.1)
            }
            _ => 0,
        };
        let mut reader = Reader { last: name, entries };
        let objects = self.heads(dir, &mut reader)?;
        self.tier.note_reader(dir, reader);
        Ok(objects)
    }

    /// A name of a file and the directory that has it.
    fn one_name(&self, ino: i64) -> NodeResult<Option<(i64, String)>> {
        let sql = "SELECT parent, name FROM entry WHERE ino = ?1 AND from_rev <= ?2 AND to_rev > ?2 LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.conn.prepare_cached(sql)?.query_row((ino, self.rev), row).optional()?)
    }

    /// Whether `name` comes after `last`, and soon.
    fn is_near(&self, dir: i64, last: &str, name: &str) -> NodeResult<bool> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM entry WHERE parent = ?1 AND name > ?2 AND name <= ?3
                       AND from_rev <= ?4 AND to_rev > ?4 LIMIT ?5)";
        let between: i64 = self
            .conn
            .prepare_cached(sql)?
            .query_row((dir, last, name, self.rev, NEAR + 1), |row| row.get(0))?;
        Ok((1..=NEAR).contains(&between))
    }

    /// The beginnings of the files after those that a reader has, which it then has.
    fn heads(&self, dir: i64, reader: &mut Reader) -> NodeResult<Vec<Object>> {
        let sql =
            "SELECT name, ino FROM entry WHERE parent = ?1 AND name > ?2 AND from_rev <= ?3 AND to_rev > ?3
                   ORDER BY name LIMIT ?4";
        let (mut objects, mut bytes) = (Vec::new(), 0);
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((dir, reader.last.clone(), self.rev, reader.entries))?;
        while let Some(row) = rows.next()? {
            // What is no file has no such bytes.
            let head = self.head(Ino(row.get::<_, i64>(1)? as u64), HEAD_BYTES).unwrap_or_default();
            bytes += head.iter().map(|object| object.length).sum::<usize>();
            objects.extend(head);
            reader.last = row.get(0)?;
            if bytes >= BYTES {
                break;
            }
        }
        Ok(objects)
    }
}

impl Tier {
    fn note_reader(&self, dir: i64, reader: Reader) {
        let mut folders = self.folders.lock();
        if folders.len() >= DIRECTORIES_MAX && !folders.contains_key(&dir) {
            folders.clear();
        }
        folders.insert(dir, reader);
    }
}
