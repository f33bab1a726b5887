//! Transactions and savepoints over everything that is mounted.

use std::sync::Arc;

use crate::errno::{Errno, Error, NodeResult, Result};
use crate::fs::{Context, Shared, Vfs};
use crate::layer::Layer;
use crate::savepoint::Savepoint;

/// A state of all mounts to go back to. Dropping it keeps what was done since, and forgets how to undo it.
#[derive(Debug)]
pub struct TreeSavepoint {
    parts: Vec<(Arc<dyn Layer>, Savepoint)>,
    shared: Arc<Shared>,
}

impl TreeSavepoint {
    /// Makes all files what they were, whoever changed them since. It can be done again. Files that were made since
    /// and are open are `ESTALE`; versions go back too, and mean nothing across this.
    ///
    /// # Errors
    /// `EDEADLK` within a batch.
    pub fn roll_back(&self) -> Result<()> {
        let undone = self.parts.iter().try_for_each(|(layer, savepoint)| layer.roll_back(savepoint));
        self.shared.watchers.tell_lost();
        undone.of("rollback")
    }
}

impl Vfs {
    /// Remembers all files as they are now, in O(1). Savepoints may be nested and outlive one another.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where something is mounted for writing that cannot be gone back with (a workspace or a host
    /// directory by itself; an overlay over it can); `EDEADLK` within a batch.
    pub fn savepoint(&self) -> Result<TreeSavepoint> {
        let parts = self.written_layers().into_iter().map(|layer| {
            let savepoint = layer.savepoint()?;
            Ok((layer, savepoint))
        });
        let parts = parts.collect::<NodeResult<_>>().of("savepoint")?;
        Ok(TreeSavepoint { parts, shared: self.shared.clone() })
    }

    /// Runs `work` and keeps what it did to files, or, if it returns an error (or panics), undoes all of it.
    /// Transactions nest: an inner one that fails undoes its own part.
    ///
    /// Where a workspace is mounted by itself, others' writes wait until the end. Elsewhere they do not, and are undone
    /// together with those of `work`.
    ///
    /// # Errors
    /// What `work` returns; `EOPNOTSUPP` where a host directory is mounted for writing by itself; those of committing.
    pub fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut result = None;
        let mut work = Some(work);
        let mut run = || {
            let work = work.take().expect("each batch runs its work once");
            let done = work();
            let failed = done.as_ref().err().map(Error::errno);
            result = Some(done);
            failed.map_or(Ok(()), |errno| Err(errno.into()))
        };
        let done = nest(&self.written_layers(), &mut run);
        match result {
            Some(Ok(value)) => done.of("transaction").map(|()| value),
            Some(Err(error)) => {
                self.shared.watchers.tell_lost();
                Err(error)
            }
            None => done.of("transaction").and(Err(Error::new("transaction", Errno::EIO))),
        }
    }

    /// The layers that can be written through mounts, each once.
    fn written_layers(&self) -> Vec<Arc<dyn Layer>> {
        let mut layers: Vec<Arc<dyn Layer>> = Vec::new();
        for mount in self.table().iter().filter(|mount| mount.want_write().is_ok()) {
            if !layers.iter().any(|layer| Arc::ptr_eq(layer, &mount.layer)) {
                layers.push(mount.layer.clone());
            }
        }
        layers
    }
}

/// Runs `work` so that every layer undoes what it did if it fails.
fn nest(layers: &[Arc<dyn Layer>], work: &mut dyn FnMut() -> NodeResult<()>) -> NodeResult<()> {
    let Some((layer, others)) = layers.split_first() else { return work() };
    match layer.savepoint() {
        Ok(savepoint) => {
            let mut undo = Undo { layer, savepoint, kept: false };
            nest(others, work)?;
            undo.kept = true;
            Ok(())
        }
        Err(error) if error == Errno::EOPNOTSUPP && layer.features().transactions => {
            layer.batch(&mut |_| nest(others, work))
        }
        Err(error) => Err(error),
    }
}

/// Goes back when dropped, unless told otherwise.
struct Undo<'a> {
    layer: &'a Arc<dyn Layer>,
    savepoint: Savepoint,
    kept: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // It was refused at the start if it cannot be done.
            let _ = self.layer.roll_back(&self.savepoint);
        }
    }
}
