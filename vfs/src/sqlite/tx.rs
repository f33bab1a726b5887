//! The writing side: one connection behind a lock that a thread may take again, transactions and savepoints.
//!
//! Every change runs in a [`Tx`]. Outside a batch it is a transaction of its own; inside it joins the batch's.
//! A batch within a batch is a savepoint, a single operation is not: it checks first and changes then, and should
//! it fail between two changes all the same (a full disk), the batch can only be undone.
//!
//! Directories are written once per transaction: times and link counts gather in [`Pending`], which readers inside
//! the transaction look through. A commit of a thousand files into one directory updates its row once.

use std::cell::RefCell;

use parking_lot::ReentrantMutex;
use rusqlite::{Connection, Row};

use super::SqliteLayer;
use super::open::Shared;
use super::pending::Pending;
use super::schema::NOW;
use super::view::View;
use crate::errno::{Errno, NodeError, NodeResult};

/// The lock that makes one writer.
pub(super) type WriterLock = ReentrantMutex<RefCell<Writer>>;

/// The writing connection and the transaction on it.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) state: Option<State>,
}

/// What a running transaction knows.
pub(super) struct State {
    /// Batches around the current operation.
    depth: u32,
    /// The latest sealed revision.
    pub(super) head: i64,
    pub(super) next_ino: i64,
    /// The first content and the first chunk that are not an ancestor's; 1 in a workspace that is no fork.
    pub(super) first: (i64, i64),
    stored_next_ino: i64,
    pub(super) pending: Pending,
    /// An operation failed half way: nothing but undoing is left.
    poisoned: bool,
}

impl State {
    /// Whether more operations may come.
    pub(super) fn is_batch(&self) -> bool {
        self.depth > 0
    }
}

/// A transaction as the operations see it.
pub(super) struct Tx<'a> {
    pub(super) conn: &'a Connection,
    pub(super) shared: &'a Shared,
    pub(super) state: &'a mut State,
    /// The time of this operation.
    pub(super) now: i64,
}

impl Tx<'_> {
    /// The open revision: what every changed row begins in.
    pub(super) fn rev(&self) -> i64 {
        self.state.head + 1
    }

    /// What is there now, this transaction's changes included.
    pub(super) fn view(&self) -> View<'_> {
        View { pending: Some(&self.state.pending), ..self.shared.view(self.conn, NOW) }
    }

    /// What is there now, as [`Tx::view`], or was in a revision.
    pub(super) fn view_at(&self, rev: i64) -> View<'_> {
        self.shared.view(self.conn, rev)
    }

    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> NodeResult<usize> {
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// Writes directories that changed and the next free inode number.
    pub(super) fn flush(&mut self) -> NodeResult<()> {
        let rev = self.rev();
        for dir in self.state.pending.dirs.values_mut().filter(|dir| dir.dirty) {
            dir.node.store(self.conn, rev)?;
            dir.dirty = false;
        }
        if self.state.next_ino != self.state.stored_next_ino {
            self.execute("UPDATE meta SET next_ino = ?1", [self.state.next_ino])?;
            self.state.stored_next_ino = self.state.next_ino;
        }
        Ok(())
    }
}

impl Writer {
    pub(super) fn new(conn: Connection) -> WriterLock {
        ReentrantMutex::new(RefCell::new(Writer { conn, state: None }))
    }

    /// Runs one operation: in the batch if there is one, else as a transaction.
    fn run<T>(&mut self, shared: &Shared, work: impl FnOnce(&mut Tx<'_>) -> NodeResult<T>) -> NodeResult<T> {
        let alone = self.state.is_none();
        if alone {
            self.begin()?;
        }
        let before = self.conn.total_changes();
        let result = self.step(shared, work);
        if !alone {
            if result.is_err() && self.conn.total_changes() != before {
                self.state.as_mut().expect("a batch is running").poisoned = true;
            }
            return result;
        }
        match result {
            Ok(value) => self.commit(shared).map(|()| value),
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn step<T>(&mut self, shared: &Shared, work: impl FnOnce(&mut Tx<'_>) -> NodeResult<T>) -> NodeResult<T> {
        let state = self.state.as_mut().expect("begun by the caller");
        if state.poisoned {
            return Err(NodeError::io(
                "an earlier operation of this batch failed half way; it has to be undone",
            ));
        }
        let now = shared.now();
        work(&mut Tx { conn: &self.conn, shared, state, now })
    }

    fn begin(&mut self) -> NodeResult<()> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        match self.read_state() {
            Ok(state) => {
                self.state = Some(state);
                Ok(())
            }
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    /// Other processes write too, so nothing is carried over from the last transaction.
    fn read_state(&self) -> NodeResult<State> {
        let mut meta =
            self.conn.prepare_cached("SELECT head, next_ino, first_content, first_chunk FROM meta")?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, (row.get(2)?, row.get(3)?)));
        let (head, next_ino, first): (i64, i64, (i64, i64)) = meta.query_row([], row)?;
        Ok(State {
            depth: 0,
            head,
            next_ino,
            first,
            stored_next_ino: next_ino,
            pending: Pending::default(),
            poisoned: false,
        })
    }

    fn commit(&mut self, shared: &Shared) -> NodeResult<()> {
        let done = self.step(shared, |tx| tx.flush()).and_then(|()| {
            self.conn.prepare_cached("COMMIT")?.execute([])?;
            Ok(())
        });
        match done {
            Ok(()) => {
                self.state = None;
                Ok(())
            }
            Err(error) => {
                self.rollback();
                Err(error)
            }
        }
    }

    fn rollback(&mut self) {
        self.state = None;
        // Some failures have rolled back already; there is nothing to be done about others but the next
        // BEGIN saying so.
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Begins a batch, or a savepoint in the one that is running.
    fn enter(&mut self, shared: &Shared) -> NodeResult<()> {
        if self.state.is_none() {
            self.begin()?;
        } else {
            self.step(shared, |tx| tx.flush())?;
            self.conn.execute_batch("SAVEPOINT batch")?;
        }
        self.state.as_mut().expect("begun above").depth += 1;
        Ok(())
    }

    /// Ends what `enter` began: keeps it, or undoes it.
    fn leave(&mut self, shared: &Shared, keep: bool) -> NodeResult<()> {
        let state = self.state.as_mut().expect("entered before");
        state.depth -= 1;
        let (outermost, poisoned) = (state.depth == 0, state.poisoned);
        match (outermost, keep && !poisoned) {
            (true, true) => return self.commit(shared),
            (true, false) => self.rollback(),
            (false, true) => self.conn.execute_batch("RELEASE batch")?,
            (false, false) => self.undo_savepoint()?,
        }
        if keep && poisoned {
            return Err(NodeError::io("an operation of this batch failed half way; the batch was undone"));
        }
        Ok(())
    }

    fn undo_savepoint(&mut self) -> NodeResult<()> {
        let undone = self.conn.execute_batch("ROLLBACK TO batch; RELEASE batch");
        let fresh = undone.map_err(NodeError::from).and_then(|()| self.read_state());
        let state = self.state.as_mut().expect("a batch is running");
        match fresh {
            // Numbers given out in what was undone stay used.
            Ok(fresh) => {
                let next_ino = state.next_ino.max(fresh.next_ino);
                *state = State { depth: state.depth, next_ino, ..fresh };
                Ok(())
            }
            Err(error) => {
                state.poisoned = true;
                Err(error)
            }
        }
    }
}

impl SqliteLayer {
    /// Runs one change.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> NodeResult<T>) -> NodeResult<T> {
        if self.shared.options.read_only {
            return Err(Errno::EROFS.into());
        }
        let writer = self.writer.lock();
        writer.borrow_mut().run(&self.shared, work)
    }

    /// Runs many changes as one, through the operations of `self`.
    pub(super) fn in_batch<T>(&self, work: impl FnOnce() -> NodeResult<T>) -> NodeResult<T> {
        if self.shared.options.read_only {
            return work();
        }
        let writer = self.writer.lock();
        writer.borrow_mut().enter(&self.shared)?;
        let mut open = OpenBatch { layer: self, done: false };
        let result = work();
        open.done = true;
        let left = writer.borrow_mut().leave(&self.shared, result.is_ok());
        result.and_then(|value| left.map(|()| value))
    }
}

/// Undoes a batch whose work panicked.
struct OpenBatch<'a> {
    layer: &'a SqliteLayer,
    done: bool,
}

impl Drop for OpenBatch<'_> {
    fn drop(&mut self) {
        if !self.done {
            let writer = self.layer.writer.lock();
            let _ = writer.borrow_mut().leave(&self.layer.shared, false);
        }
    }
}

impl SqliteLayer {
    /// Runs a read of what is there now: inside this thread's batch, or else of what is committed. The writing
    /// connection serves it if it is free, since its pages are warm; if not, a reading one does, so that no
    /// reader waits for a writer.
    pub(super) fn read_now<T>(&self, work: impl FnOnce(&View<'_>) -> NodeResult<T>) -> NodeResult<T> {
        if let Some(writer) = self.writer.try_lock() {
            let writer = writer.borrow();
            let pending = writer.state.as_ref().map(|state| &state.pending);
            let view = View { pending, ..self.shared.view(&writer.conn, NOW) };
            return view.consistently(work);
        }
        let reader = self.shared.reader()?;
        self.shared.view(&reader, NOW).consistently(work)
    }
}
