//! A state of a layer that can be gone back to.

use std::any::Any;
use std::fmt;

/// What [`Layer::savepoint`](crate::Layer::savepoint) returned, for [`Layer::roll_back`](crate::Layer::roll_back) of the
/// same layer. It holds what is replaced after it until it is dropped.
pub struct Savepoint(Box<dyn Any + Send + Sync>);

impl Savepoint {
    /// Of a layer that cannot change.
    pub fn of_nothing() -> Savepoint {
        Savepoint::new(())
    }

    /// With what the layer needs to go back.
    pub fn new(state: impl Any + Send + Sync) -> Savepoint {
        Savepoint(Box::new(state))
    }

    /// What the layer put in, if it is of this type.
    pub fn state<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Savepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Savepoint")
    }
}
