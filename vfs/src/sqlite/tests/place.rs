use std::fs;

use super::*;
use crate::errno::NodeError;

#[test]
fn nothing_is_written_into_a_file_that_was_moved() {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, elsewhere) = (dir.path().join("a.cowry"), dir.path().join("b"));
    let layer = SqliteLayer::create(&path, &SqliteOptions::default()).expect("new");
    let put = |name: &str| {
        let name = crate::path::Name::new(name).expect("a name");
        let attr = crate::node::NewAttr::with_mode(0o644);
        layer.create(layer.root(), &name, crate::node::NewNode::File(b""), &attr).map(drop)
    };
    put("before").expect("in place");
    fs::rename(&path, &elsewhere).expect("moved");
    let refused = put("after").expect_err("moved");
    assert_eq!(refused.errno(), Errno::EIO);
    let why = std::error::Error::source(&refused).expect("it says why").to_string();
    assert!(why.contains("moved or removed") && !layer.is_in_place(), "{why}");
    fs::write(&path, "another file").expect("something else is there");
    put("after").expect_err("it is not the file");
    fs::rename(&elsewhere, &path).expect("back");
    put("after").expect("in place again");
    assert!(layer.is_in_place());
}

#[test]
fn a_batch_during_which_the_file_is_removed_fails() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.cowry");
    let layer = SqliteLayer::create(&path, &SqliteOptions::default()).expect("new");
    let done = layer.batch(&mut |layer| {
        layer.setattr(layer.root(), &crate::node::SetAttr { mode: Some(0o700), ..Default::default() })?;
        fs::remove_file(&path).map_err(NodeError::io)
    });
    assert_eq!(done.expect_err("it is gone").errno(), Errno::EIO);
}
