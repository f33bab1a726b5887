//! How far writing to buckets is, for whoever shows it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How far the writes to buckets that follow a commit are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BucketProgress {
    /// Objects written or removed.
    pub objects: u64,
    /// How many that will be.
    pub of_objects: u64,
    /// Bytes handed to the bucket.
    pub bytes: u64,
    /// How many that will be.
    pub of_bytes: u64,
}

type Tell = dyn Fn(Option<BucketProgress>) + Send + Sync;

/// Who is told.
#[derive(Default)]
pub(crate) struct OnWriting(Mutex<Option<Arc<Tell>>>);

impl OnWriting {
    pub(crate) fn set(&self, tell: Arc<Tell>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
    }

    /// Begins to tell, and ends when that is dropped.
    #[cfg(feature = "object")]
    pub(crate) fn begin(&self, of_objects: u64, of_bytes: u64) -> Writing {
        let tell = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let at = BucketProgress { of_objects, of_bytes, ..BucketProgress::default() };
        let writing = Writing { tell, at: Mutex::new(at) };
        writing.add(0, 0);
        writing
    }
}

impl fmt::Debug for OnWriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnWriting")
    }
}

/// Writes to buckets under way, by several threads.
#[cfg(feature = "object")]
pub(crate) struct Writing {
    tell: Option<Arc<Tell>>,
    at: Mutex<BucketProgress>,
}

#[cfg(feature = "object")]
impl Writing {
    /// So much more is done. What is sent twice counts once.
    pub(crate) fn add(&self, objects: u64, bytes: u64) {
        let Some(tell) = &self.tell else { return };
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.objects += objects;
        at.bytes = (at.bytes + bytes).min(at.of_bytes);
        tell(Some(*at));
    }
}

#[cfg(feature = "object")]
impl Drop for Writing {
    fn drop(&mut self) {
        self.tell.iter().for_each(|tell| tell(None));
    }
}
