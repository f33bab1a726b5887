//! Directories of many entries.

use super::*;
use crate::fs::{GlobOptions, Vfs, VfsOptions};

#[test]
fn directory_of_100000_entries_is_listed_matched_and_removed() {
    let f = Fixture::new();
    f.mkdir("/many");
    let dir = f.ino("/many");
    let made = f.layer.batch(&mut |layer| {
        (0..100_000).try_for_each(|n| {
            let attr = NewAttr::with_mode(0o644);
            layer.create(dir, &name(&format!("{n:06}")), NewNode::File(b""), &attr).map(drop)
        })
    });
    made.expect("there is no bound");
    let vfs = Vfs::new(Arc::new(f.other()), VfsOptions::default());
    assert_eq!(vfs.read_dir("/many").expect("a directory").len(), 100_000);
    let page = vfs.read_dir_page("/many", Some(&name("099998")), 10).expect("a directory");
    assert_eq!(page.len(), 1);
    let found = vfs.glob("/many/*77", GlobOptions::default()).expect("a pattern");
    assert_eq!((found.len(), found[0].as_str()), (1000, "/many/000077"));
    vfs.remove_all("/many").expect("it is there");
    assert!(vfs.read_dir("/").expect("a directory").is_empty());
}
