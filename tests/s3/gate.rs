//! Requests that a test holds back, to do something meanwhile.

use std::sync::Mutex;

use crate::faults::{Fault, Plan, Request};

/// Which requests are held, by what they are and are about, and how.
type Shuts = dyn Fn(Request, &str) -> Option<Fault> + Send + Sync;

/// A plan that holds some requests back as long as the proxy is there, and lets all others through.
pub struct Gate {
    shuts: Box<Shuts>,
    held: Mutex<Vec<String>>,
}

impl Gate {
    /// Holds what `shuts` says: by [`Fault::Hold`] before it takes place, by [`Fault::Stall`] after that.
    pub fn new(shuts: impl Fn(Request, &str) -> Option<Fault> + Send + Sync + 'static) -> Gate {
        Gate { shuts: Box::new(shuts), held: Mutex::default() }
    }

    /// What the requests are about that came to it and were not let through.
    pub fn held(&self) -> Vec<String> {
        self.held.lock().unwrap_or_else(|broken| broken.into_inner()).clone()
    }
}

impl Plan for Gate {
    fn next(&self, request: Request, key: &str) -> Option<Fault> {
        let fault = (self.shuts)(request, key)?;
        self.held.lock().unwrap_or_else(|broken| broken.into_inner()).push(key.to_owned());
        Some(fault)
    }

    fn cut(&self, _: &str, length: usize) -> usize {
        length / 2
    }
}
