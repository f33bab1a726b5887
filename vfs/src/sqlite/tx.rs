//! The writing side: one connection behind a lock that a thread may take again, transactions and savepoints.
//!
//! Every change runs in a [`Tx`]. Outside a batch it is a transaction of its own; inside it joins the batch's.
//! A batch within a batch is a savepoint, a single operation is not: it checks first and changes then, and should
//! it fail between two changes all the same (a full disk), the batch can only be undone.
//!
//! Directories are written once per transaction: times and link counts gather in [`Pending`], which readers inside
//! the transaction look through. A commit of a thousand files into one directory updates its row once.
//!
//! What is done stands in the transaction until the thread lets go of the lock, see [`turn`](super::turn).

use std::cell::RefCell;
use std::sync::LazyLock;

use rusqlite::{Connection, Row};

use super::open::Shared;
use super::pending::Pending;
use super::recent::Recent;
use super::schema::NOW;
use super::tier::ContentTier;
use super::turn::{Group, Ticket};
use super::usage::Usage;
use super::view::View;
use super::{Durability, SqliteLayer, schema};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::failpoint;

/// The writing connection and the transaction on it.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) state: Option<State>,
    /// Changes that stand in the transaction, done and not committed; none of this thread's.
    group: Option<Group>,
    /// A change or batch that has begun and not ended.
    part: Option<Part>,
    /// A COMMIT failed: what it wrote is in the log, where the next opening would find it after all.
    uncertain: bool,
    durability: Durability,
    /// What is there now, as far as it was read; empty while a transaction is running.
    recent: RefCell<Recent>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.settle_log();
    }
}

/// What a change outside batches, or an outermost batch, is in its transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it so far: undone by undoing the transaction.
    First,
    /// A savepoint after the changes of other threads.
    Joined,
}

static STATE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT head, next_ino, next_content, next_chunk, first_content, first_chunk, {}, {} FROM main.meta",
        ContentTier::COLUMNS,
        Usage::COLUMNS
    )
});

/// The numbers that are given out next. They only grow, whatever is undone or deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) ino: i64,
    pub(super) content: i64,
    pub(super) chunk: i64,
}

impl Next {
    /// Gives out a number.
    pub(super) fn take(counter: &mut i64) -> i64 {
        *counter += 1;
        *counter - 1
    }

    /// Whatever was given out by either.
    pub(super) fn after(self, other: Next) -> Next {
        Next {
            ino: self.ino.max(other.ino),
            content: self.content.max(other.content),
            chunk: self.chunk.max(other.chunk),
        }
    }
}

/// What a running transaction knows.
pub(super) struct State {
    /// Batches around the current operation.
    depth: u32,
    /// The latest sealed revision.
    pub(super) head: i64,
    pub(super) next: Next,
    /// The first content and the first chunk that are not an ancestor's; 1 in a workspace that is no fork.
    pub(super) first: (i64, i64),
    /// Where content goes.
    pub(super) tier: Option<ContentTier>,
    /// The next numbers and what is used, as `meta` has them.
    stored: (Next, Usage),
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
        failpoint::pass("EXECUTE")?;
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// `EBUSY` inside a batch.
    pub(super) fn require_no_batch(&self) -> NodeResult<()> {
        if self.state.is_batch() { Err(Errno::EBUSY.into()) } else { Ok(()) }
    }

    /// Writes directories that changed, the next free numbers and what is used.
    pub(super) fn flush(&mut self) -> NodeResult<()> {
        let rev = self.rev();
        for dir in self.state.pending.dirs.values_mut().filter(|dir| dir.dirty) {
            dir.node.store(self.conn, rev)?;
            dir.dirty = false;
        }
        let current = (self.state.next, self.state.pending.usage);
        if current != self.state.stored {
            let (next, usage) = current;
            self.execute(
                "UPDATE meta SET next_ino = ?1, next_content = ?2, next_chunk = ?3, used_bytes = ?4, used_inodes = ?5",
                (next.ino, next.content, next.chunk, usage.bytes, usage.inodes),
            )?;
            self.state.stored = current;
        }
        Ok(())
    }
}

impl Writer {
    pub(super) fn new(conn: Connection, durability: Durability) -> Writer {
        let recent = RefCell::default();
        Writer { conn, state: None, group: None, part: None, uncertain: false, durability, recent }
    }

    /// Whether the transaction is the thread's that has the lock.
    fn in_batch(&self) -> bool {
        self.state.as_ref().is_some_and(State::is_batch)
    }

    /// Whether changes of other threads stand uncommitted.
    pub(super) fn has_group(&self) -> bool {
        self.state.is_some() && !self.in_batch()
    }

    /// What is there now, the changes of the open transaction included.
    pub(super) fn view<'a>(&'a self, shared: &'a Shared) -> View<'a> {
        let pending = self.state.as_ref().map(|state| &state.pending);
        View { pending, ..shared.view(&self.conn, NOW) }
    }

    /// The setting of this connection.
    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    /// Changes the setting of this connection. No transaction may be running.
    pub(super) fn set_durability(&mut self, durability: Durability) -> NodeResult<()> {
        schema::synchronize(&self.conn, durability)?;
        self.durability = durability;
        Ok(())
    }

    /// Runs one operation: in the batch if there is one, else as a change of its own, which waits to be committed.
    fn run<T>(
        &mut self,
        shared: &Shared,
        work: impl FnOnce(&mut Tx<'_>) -> NodeResult<T>,
    ) -> NodeResult<(T, Option<Ticket>)> {
        if self.in_batch() {
            let before = self.conn.total_changes();
            let result = self.step(shared, work);
            // Some failures (a full disk) make SQLite undo the whole transaction.
            if result.is_err() && (self.conn.total_changes() != before || self.conn.is_autocommit()) {
                self.state.as_mut().expect("a batch is running").poisoned = true;
            }
            return result.map(|value| (value, None));
        }
        self.begin_part(shared)?;
        match self.step(shared, work) {
            Ok(value) => Ok((value, Some(self.keep_part(shared)?))),
            Err(error) => {
                self.undo_part();
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

    /// Begins a transaction, or a savepoint in the one that others have left open.
    fn begin_part(&mut self, shared: &Shared) -> NodeResult<()> {
        self.part = Some(if self.state.is_none() {
            self.begin(shared)?;
            Part::First
        } else {
            self.conn.prepare_cached("SAVEPOINT part")?.execute([])?;
            Part::Joined
        });
        Ok(())
    }

    /// Ends what `begin_part` began, for it to be committed.
    fn keep_part(&mut self, shared: &Shared) -> NodeResult<Ticket> {
        let kept = self.step(shared, |tx| tx.flush()).and_then(|()| {
            if self.part == Some(Part::Joined) {
                self.conn.prepare_cached("RELEASE part")?.execute([])?;
            }
            Ok(())
        });
        if let Err(error) = kept {
            self.undo_part();
            return Err(error);
        }
        self.part = None;
        Ok(self.group.get_or_insert_default().add())
    }

    /// Undoes what `begin_part` began, and nothing of what others did.
    fn undo_part(&mut self) {
        match self.part.take() {
            Some(Part::Joined) => {
                // Some failures (a full disk) make SQLite undo everything.
                if let Err(error) = self.undo_savepoint("ROLLBACK TO part; RELEASE part") {
                    self.rollback(error);
                }
            }
            Some(Part::First) => self.rollback(Errno::EIO.into()),
            None => {}
        }
    }

    /// Cuts the log back to what was committed, if a COMMIT failed. As long as it cannot be done it is tried again.
    fn settle_log(&mut self) {
        if self.uncertain && schema::checkpoint(&self.conn).is_ok() {
            self.uncertain = false;
        }
    }

    fn begin(&mut self, shared: &Shared) -> NodeResult<()> {
        shared.require_in_place()?;
        self.settle_log();
        // Held until the transaction has begun.
        let _passage = shared.pass_turnstile();
        let begun = self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
        begun.map_err(|error| shared.explain_busy(error))?;
        self.recent.get_mut().clear();
        match self.read_state() {
            Ok(state) => {
                self.state = Some(state);
                Ok(())
            }
            Err(error) => {
                self.rollback(error.clone());
                Err(error)
            }
        }
    }

    /// Other processes write too, so nothing is carried over from the last transaction.
    fn read_state(&self) -> NodeResult<State> {
        let mut meta = self.conn.prepare_cached(&STATE)?;
        let row = |row: &Row<'_>| {
            let next = Next { ino: row.get(1)?, content: row.get(2)?, chunk: row.get(3)? };
            Ok((
                row.get(0)?,
                next,
                (row.get(4)?, row.get(5)?),
                ContentTier::from_row(row, 6)?,
                Usage::from_row(row, 9)?,
            ))
        };
        let (head, next, first, tier, usage) = meta.query_row([], row)?;
        let (pending, stored) = (Pending::new(usage), (next, usage));
        Ok(State { depth: 0, head, next, first, tier, stored, pending, poisoned: false })
    }

    /// The thread that has the lock lets go of it: leaves the open transaction to those who wait, or commits it.
    pub(super) fn part_with(&mut self, others_wait: bool) {
        // Only a panic leaves a change unfinished.
        self.undo_part();
        let full = self.group.as_ref().is_none_or(Group::is_full);
        // Without an fsync there is nothing to be shared.
        if !others_wait || full || self.durability != Durability::Fsync {
            self.commit_group();
        }
    }

    /// Commits what stands in the transaction.
    pub(super) fn commit_group(&mut self) {
        let Some(group) = self.group.take_if(|_| self.part.is_none()) else { return };
        let commit = || Ok(self.conn.prepare_cached("COMMIT")?.execute([])?);
        let done: NodeResult<usize> = failpoint::pass("COMMIT").and_then(|()| commit());
        match done {
            Ok(_) => {
                self.state = None;
                // It is done, whatever a test makes of this place.
                let _ = failpoint::pass("COMMITTED");
                group.finish(Ok(()));
            }
            Err(error) => {
                self.group = Some(group);
                self.rollback(error);
                self.uncertain = true;
                self.settle_log();
            }
        }
    }

    /// Undoes the transaction and tells those whose changes stood in it.
    fn rollback(&mut self, why: NodeError) {
        (self.state, self.part) = (None, None);
        // Some failures have rolled back already; there is nothing to be done about others but the next
        // BEGIN saying so.
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        if let Some(group) = self.group.take() {
            group.finish(Err(why));
        }
    }

    /// Begins a batch, or a savepoint in the one that is running.
    fn enter(&mut self, shared: &Shared) -> NodeResult<()> {
        if self.in_batch() {
            self.step(shared, |tx| tx.flush())?;
            self.conn.execute_batch("SAVEPOINT batch")?;
        } else {
            self.begin_part(shared)?;
        }
        self.state.as_mut().expect("begun above").depth += 1;
        Ok(())
    }

    /// Ends what `enter` began: keeps it, or undoes it.
    fn leave(&mut self, shared: &Shared, keep: bool) -> NodeResult<Option<Ticket>> {
        let state = self.state.as_mut().expect("entered before");
        state.depth -= 1;
        let (outermost, poisoned) = (state.depth == 0, state.poisoned);
        match (outermost, keep && !poisoned) {
            (true, true) => {
                // It may have taken its time.
                if let Err(error) = shared.require_in_place() {
                    self.undo_part();
                    return Err(error);
                }
                return self.keep_part(shared).map(Some);
            }
            (true, false) => self.undo_part(),
            (false, true) => self.conn.execute_batch("RELEASE batch")?,
            (false, false) => self.undo_savepoint("ROLLBACK TO batch; RELEASE batch")?,
        }
        if keep && poisoned {
            return Err(NodeError::io("an operation of this batch failed half way; the batch was undone"));
        }
        Ok(None)
    }

    fn undo_savepoint(&mut self, sql: &str) -> NodeResult<()> {
        let undone = self.conn.execute_batch(sql);
        let fresh = undone.map_err(NodeError::from).and_then(|()| self.read_state());
        let state = self.state.as_mut().expect("a transaction is running");
        match fresh {
            // Numbers given out in what was undone stay used.
            Ok(fresh) => {
                *state = State { depth: state.depth, next: state.next.after(fresh.next), ..fresh };
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
        let writer = self.writer.join();
        let (value, ticket) = writer.borrow_mut().run(&self.shared, work)?;
        writer.acknowledge(ticket)?;
        Ok(value)
    }

    /// Runs many changes as one, through the operations of `self`.
    pub(super) fn in_batch<T>(&self, work: impl FnOnce() -> NodeResult<T>) -> NodeResult<T> {
        if self.shared.options.read_only {
            return work();
        }
        let writer = self.writer.join();
        writer.borrow_mut().enter(&self.shared)?;
        let mut open = OpenBatch { layer: self, done: false };
        let result = work();
        open.done = true;
        let left = writer.borrow_mut().leave(&self.shared, result.is_ok());
        let value = result?;
        writer.acknowledge(left?)?;
        Ok(value)
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
            let writer = self.layer.writer.join();
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
            return writer.borrow().view(&self.shared).consistently(work);
        }
        let reader = self.shared.reader()?;
        self.shared.view(&reader, NOW).consistently(work)
    }

    /// As [`read_now`](SqliteLayer::read_now) for a `load` that is one statement (or few, in a fork), unless what it would give is known
    /// since the last change.
    pub(super) fn read_recent<T>(
        &self,
        known: impl FnOnce(&Recent) -> Option<T>,
        load: impl FnOnce(&View<'_>) -> NodeResult<T>,
        keep: impl FnOnce(&mut Recent, &T),
    ) -> NodeResult<T> {
        let Some(writer) = self.writer.try_lock() else {
            let reader = self.shared.reader()?;
            return self.shared.view(&reader, NOW).at_once(load);
        };
        let writer = writer.borrow();
        if writer.state.is_some() {
            return load(&writer.view(&self.shared));
        }
        let mut recent = writer.recent.borrow_mut();
        recent.renew(&writer.conn)?;
        if let Some(value) = known(&recent) {
            return Ok(value);
        }
        let value = writer.view(&self.shared).at_once(load)?;
        keep(&mut recent, &value);
        Ok(value)
    }
}
