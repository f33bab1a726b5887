//! Which content a node stands for, for those who hold what they write until later.

use super::ObjectLayer;
use crate::node::Ino;

impl ObjectLayer {
    /// The ETag of the content that a file's number stands for; `None` of a directory, of what was made here and not
    /// written yet, of a number that is not known, and where the store tells none.
    pub fn etag(&self, ino: Ino) -> Option<String> {
        let mut state = self.state.lock();
        state.table.get(ino).ok()?.object.as_ref()?.etag.clone()
    }
}
