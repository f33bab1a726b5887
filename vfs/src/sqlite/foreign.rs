//! Whether another process, or another opening of the file, has changed it.

use super::SqliteLayer;
use crate::errno::NodeResult;

impl SqliteLayer {
    /// A number that differs from the last one told if anybody else has committed anything since. What this layer
    /// commits itself does not count.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn data_version(&self) -> NodeResult<u64> {
        let writer = self.writer.lock();
        let writer = writer.borrow();
        let version: i64 =
            writer.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        Ok(version as u64)
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::Layer;
    use crate::node::{NewAttr, NewNode};
    use crate::path::Name;
    use crate::sqlite::{SqliteLayer, SqliteOptions};

    fn make(layer: &SqliteLayer, name: &str) {
        let name = Name::new(name).expect("a name");
        layer
            .create(layer.root(), &name, NewNode::Directory, &NewAttr::with_mode(0o755))
            .expect("a new name");
    }

    #[test]
    fn the_data_version_tells_of_others_changes_only() {
        let dir = tempfile::tempdir().expect("a directory for the test");
        let path = dir.path().join("w.cowry");
        let ours = SqliteLayer::create(&path, &SqliteOptions::default()).expect("a new workspace");
        let theirs = SqliteLayer::open(&path, &SqliteOptions::default()).expect("the same");
        let before = ours.data_version().expect("readable");
        make(&ours, "ours");
        assert_eq!(ours.data_version().expect("readable"), before);
        make(&theirs, "theirs");
        assert_ne!(ours.data_version().expect("readable"), before);
    }
}
