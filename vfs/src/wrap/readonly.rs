//! A layer that cannot be written through.

use std::sync::Arc;

use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{Features, Ino};

/// Shows a layer and answers every change with `EROFS`.
///
/// Others may still change what is below: unless that cannot change, nor is this `immutable`.
#[derive(Clone, Debug)]
pub struct ReadOnly {
    inner: Arc<dyn Layer>,
}

impl ReadOnly {
    /// Wraps a layer.
    pub fn new(inner: Arc<dyn Layer>) -> ReadOnly {
        ReadOnly { inner }
    }

    /// The layer inside.
    pub fn inner(&self) -> &Arc<dyn Layer> {
        &self.inner
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for ReadOnly {
    crate::refuse_changes!();
    crate::pass_on!(inner: name, root, lookup, getattr, readdir, readlink, read, will_need, seek, open, release, getxattr, listxattr, statfs);

    fn features(&self) -> Features {
        Features { writable: false, ..self.inner.features() }
    }

    fn fsync(&self, _: Option<Ino>) -> NodeResult<()> {
        // Nothing was written through here that could be lost.
        Ok(())
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}
