//! Where the rows of a fork are that it has not changed: in the files it came from.
//!
//! A fork begins as nothing but (parent's file, its id, a revision). Its ancestors are attached for reading, and
//! temporary views take the names of the tables, so that what reads a plain workspace reads a fork. A view shows the
//! rows of the file itself and those of each ancestor up to the revision that was forked, as they stood then:
//! a row that the ancestor has ended since is still valid here. Whoever ends such a row in the fork puts a copy of it,
//! ended, into the fork's own file, where it hides the ancestor's row of the same key; so removal needs no mark of
//! its own, and history, diffs and restores work on rows as everywhere else.
//!
//! Numbers never meet: a fork gives out inodes, contents and chunks above those of its parent at that time. What
//! the parent makes later is either begun in a later revision or numbered above, and seen by neither.
//!
//! Only `main.` is ever written. An ancestor is opened read-only, which also keeps writers of the fork from
//! locking it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::SqliteOptions;
use super::open::{self, Access, OpenError};
use super::schema::{self, LIVE};

/// The most files that a fork may stand on: what SQLite attaches.
pub(super) const ANCESTORS_MAX: usize = 10;

/// A file that this one stands on.
#[derive(Clone, Debug)]
pub(super) struct Ancestor {
    pub(super) path: PathBuf,
    /// The newest of its revisions that is seen.
    pub(super) limit: i64,
    /// The first content that is not its own but of a nearer file.
    end_content: i64,
    /// The same of chunks.
    end_chunk: i64,
    access: Access,
}

/// The files that this one stands on, the nearest first; none below a plain workspace.
#[derive(Clone, Debug, Default)]
pub(super) struct Lineage {
    ancestors: Vec<Ancestor>,
    views: String,
}

/// What `meta` of a file says about where it came from.
pub(super) struct Tie {
    pub(super) path: Option<String>,
    pub(super) workspace: Option<Vec<u8>>,
    pub(super) rev: i64,
    pub(super) first_content: i64,
    pub(super) first_chunk: i64,
}

impl Tie {
    pub(super) fn read(conn: &Connection, schema: &str) -> rusqlite::Result<Tie> {
        let sql = format!(
            "SELECT parent_path, parent_workspace, parent_rev, first_content, first_chunk FROM {schema}.meta"
        );
        conn.query_row(&sql, [], |row| {
            Ok(Tie {
                path: row.get(0)?,
                workspace: row.get(1)?,
                rev: row.get::<_, Option<i64>>(2)?.unwrap_or(0),
                first_content: row.get(3)?,
                first_chunk: row.get(4)?,
            })
        })
    }
}

impl Lineage {
    /// Follows the ties of the file that `conn` has open, attaching what it stands on.
    pub(super) fn follow(
        conn: &Connection,
        path: &Path,
        options: &SqliteOptions,
    ) -> Result<Lineage, OpenError> {
        let sqlite = |e| OpenError::sqlite(path, e);
        let mut lineage = Lineage::default();
        let mut tie = Tie::read(conn, "main").map_err(sqlite)?;
        let mut file = path.to_owned();
        let mut limit = i64::MAX;
        while let (Some(parent), Some(workspace)) = (&tie.path, &tie.workspace) {
            let parent = folder(&file).join(parent);
            let mut ancestor = Ancestor {
                limit: limit.min(tie.rev),
                path: parent,
                end_content: tie.first_content,
                end_chunk: tie.first_chunk,
                access: Access::Shared,
            };
            if lineage.ancestors.len() == ANCESTORS_MAX {
                return Err(OpenError::TooDeep { path: path.to_owned(), file });
            }
            let place = lineage.ancestors.len();
            let schema = alias(place);
            ancestor.access = meet(conn, path, &ancestor, place, workspace, options)?;
            (file, limit) = (ancestor.path.clone(), ancestor.limit);
            tie = Tie::read(conn, &schema).map_err(sqlite)?;
            lineage.ancestors.push(ancestor);
        }
        if lineage.is_fork() {
            lineage.views = lineage.make_views(conn).map_err(sqlite)?;
            conn.execute_batch(&lineage.views).map_err(sqlite)?;
        }
        Ok(lineage)
    }

    /// Does the same for one more connection to the same file.
    pub(super) fn attach(&self, conn: &Connection) -> rusqlite::Result<()> {
        for (i, ancestor) in self.ancestors.iter().enumerate() {
            attach(conn, &ancestor.path, &alias(i), ancestor.access)?;
        }
        if self.is_fork() { conn.execute_batch(&self.views) } else { Ok(()) }
    }

    /// Whether there is anything below.
    pub(super) fn is_fork(&self) -> bool {
        !self.ancestors.is_empty()
    }

    pub(super) fn ancestors(&self) -> &[Ancestor] {
        &self.ancestors
    }

    /// The revision that was forked: what is older belongs to ancestors. `None` of a plain workspace.
    pub(super) fn base(&self) -> Option<i64> {
        self.ancestors.first().map(|parent| parent.limit)
    }

    /// The schemas to look in for rows that begin or end after one revision and until another, with the newest
    /// revision that counts in each.
    pub(super) fn schemas(&self) -> impl Iterator<Item = (String, i64)> {
        let ancestors = self.ancestors.iter().enumerate().map(|(i, ancestor)| (alias(i), ancestor.limit));
        std::iter::once(("main".to_owned(), i64::MAX)).chain(ancestors)
    }

    fn make_views(&self, conn: &Connection) -> rusqlite::Result<String> {
        let by_revision = |limit: &Ancestor| format!("t.from_rev <= {}", limit.limit);
        let tables: &[Table<'_>] = &[
            ("inode", &["ino", "from_rev"], &by_revision),
            ("entry", &["parent", "name", "from_rev"], &by_revision),
            ("content", &["id"], &|a| format!("t.id < {}", a.end_content)),
            ("extent", &["content", "offset"], &|a| format!("t.content < {}", a.end_content)),
            ("chunk", &[], &|a| format!("t.id < {}", a.end_chunk)),
            ("block", &[], &|a| format!("t.chunk < {}", a.end_chunk)),
            // The same address has the same number everywhere.
            ("home", &["id"], &|_| "1".to_owned()),
            // The forked revision itself is recorded in the fork.
            ("revision", &[], &|a| format!("t.id < {}", a.limit)),
            ("name", &["name"], &|a| format!("t.rev <= {}", a.limit)),
        ];
        tables.iter().map(|table| self.view(conn, *table)).collect()
    }

    fn view(&self, conn: &Connection, (table, key, seen): Table<'_>) -> rusqlite::Result<String> {
        let columns = schema::columns(conn, table)?;
        let mut sql =
            format!("CREATE TEMP VIEW {table} AS SELECT {} FROM main.{table} t", columns.join(", "));
        for (i, ancestor) in self.ancestors.iter().enumerate() {
            let shown: Vec<String> = columns.iter().map(|column| shown(column, ancestor.limit)).collect();
            let (list, schema, seen) = (shown.join(", "), alias(i), seen(ancestor));
            sql += &format!(" UNION ALL SELECT {list} FROM {schema}.{table} t WHERE {seen}");
            let same: Vec<String> = key.iter().map(|column| format!("n.{column} = t.{column}")).collect();
            let nearer = std::iter::once("main".to_owned()).chain((0..i).map(alias));
            for nearer in nearer.filter(|_| !same.is_empty()) {
                let same = same.join(" AND ");
                sql += &format!(" AND NOT EXISTS (SELECT 1 FROM {nearer}.{table} n WHERE {same})");
            }
        }
        Ok(sql + ";")
    }
}

/// A table's name, the key by which a nearer row hides a farther one (none where rows never have the same), and
/// which rows of an ancestor are seen.
type Table<'a> = (&'a str, &'a [&'a str], &'a dyn Fn(&Ancestor) -> String);

/// A column of an ancestor's row as a view shows it. What ended after the fork is valid here. The cast gives the
/// column the affinity of the others, without which SQLite would not look through the view.
fn shown(column: &str, limit: i64) -> String {
    match column {
        "to_rev" => format!("CAST(iif(t.to_rev > {limit}, {LIVE}, t.to_rev) AS INTEGER)"),
        column => format!("t.{column}"),
    }
}

fn alias(place: usize) -> String {
    format!("a{}", place + 1)
}

/// Attaches an ancestor and makes sure that it is what was forked.
fn meet(
    conn: &Connection,
    path: &Path,
    ancestor: &Ancestor,
    place: usize,
    workspace: &[u8],
    options: &SqliteOptions,
) -> Result<Access, OpenError> {
    let parent = &ancestor.path;
    let schema = &alias(place);
    let nearer = if place == 0 { "main".to_owned() } else { alias(place - 1) };
    if !parent.is_file() {
        return Err(OpenError::ParentMissing { path: path.to_owned(), parent: parent.clone() });
    }
    // It may be of an older version, or something else by now: opening it tells.
    let (_, access) = open::connect(parent, &SqliteOptions { read_only: true, ..options.clone() })?;
    attach(conn, parent, schema, access).map_err(|e| OpenError::sqlite(parent, e))?;
    let found = conn
        .query_row(
            // A copy of the parent that went its own way has the same id and other revisions of the same numbers.
            &format!(
                "SELECT 1 FROM {schema}.meta, {schema}.revision r WHERE workspace = ?1 AND r.id = ?2
                 AND r.sealed_at = coalesce((SELECT sealed_at FROM {nearer}.revision WHERE id = ?2), r.sealed_at)"
            ),
            (workspace, ancestor.limit),
            |_| Ok(()),
        )
        .optional()
        .map_err(|e| OpenError::sqlite(parent, e))?;
    found
        .map(|()| access)
        .ok_or_else(|| OpenError::ParentReplaced { path: path.to_owned(), parent: parent.clone() })
}

fn attach(conn: &Connection, path: &Path, schema: &str, access: Access) -> rusqlite::Result<()> {
    conn.execute(&format!("ATTACH ?1 AS {schema}"), [uri(path, access)])?;
    schema::configure_attached(conn, schema)
}

/// A file as SQLite is told to open it for reading only.
pub(super) fn uri(path: &Path, access: Access) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(byte);
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match plain(byte) {
            true => uri.push(char::from(*byte)),
            false => uri += &format!("%{byte:02X}"),
        }
    }
    uri + match access {
        Access::Shared => "?mode=ro",
        Access::Immutable => "?mode=ro&immutable=1",
    }
}

/// The folder that a file lies in, symbolic links resolved where they can be.
pub(super) fn folder(file: &Path) -> PathBuf {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    file.parent().map_or_else(PathBuf::new, Path::to_owned)
}
