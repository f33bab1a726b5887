//! A bucket that the kernel has mounted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

use cowry_tests::mounted::Mounted;
use cowry_vfs::object::{Bucket, Connect, Expect, ObjectLayer, ObjectOptions};
use rustix::io::Errno;

use crate::{Case, nothing};

pub static CASES: &[Case] = &[
    Case { name: "bucket::what_is_closed_is_there", lacks: nothing, run: closed },
    Case { name: "bucket::closing_tells_of_a_conflict", lacks: nothing, run: conflict },
    Case { name: "bucket::attributes_are_kept", lacks: nothing, run: attributes },
];

/// A bucket in memory with an object `f`, mounted, and another's view of it. `name` is the case's own.
fn mounted(name: &str, metadata: &[(&str, &str)]) -> (Mounted, Bucket) {
    let address = format!("memory://mounted-{name}").parse().unwrap();
    let bucket = || Bucket::open(&address, Connect::default()).unwrap();
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    bucket().put("f", b"before".to_vec(), &Expect::Anything, &metadata).unwrap();
    let layer = ObjectLayer::open(bucket(), ObjectOptions::default()).unwrap();
    (Mounted::over(Arc::new(layer)), bucket())
}

/// Closes a file as a program does, and says what that said.
fn close(file: File) -> Result<(), i32> {
    // SAFETY: the number is that of an open file that nothing else closes.
    match unsafe { libc::close(file.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().raw_os_error().unwrap()),
    }
}

fn closed() {
    let (mounted, beside) = mounted("closed", &[]);
    let mut file = File::create(mounted.path().join("large")).unwrap();
    let piece = vec![7; 1 << 20];
    (0..20).for_each(|_| file.write_all(&piece).unwrap());
    assert_eq!(close(file), Ok(()));
    let found = beside.head("large").unwrap().expect("it was closed");
    assert_eq!(found.size, 20 << 20);
    fs::create_dir(mounted.path().join("dir")).unwrap();
    fs::write(mounted.path().join("dir/small"), "text").unwrap();
    assert_eq!(beside.get("dir/small", None, None).unwrap(), "text");
    mounted.unmount().unwrap();
}

fn conflict() {
    let (mounted, beside) = mounted("conflict", &[]);
    let mut file = File::options().append(true).open(mounted.path().join("f")).unwrap();
    file.write_all(b" mine").unwrap();
    beside.put("f", b"somebody else's".to_vec(), &Expect::Anything, &BTreeMap::new()).unwrap();
    assert_eq!(close(file), Err(Errno::BUSY.raw_os_error()));
    assert_eq!(beside.get("f", None, None).unwrap(), "somebody else's");
    mounted.unmount().unwrap();
}

fn attributes() {
    let (mounted, beside) = mounted("attributes", &[("mode", "33152"), ("mtime", "1500000000.5")]);
    assert_eq!(fs::read_dir(mounted.path()).unwrap().count(), 1);
    let found = fs::metadata(mounted.path().join("f")).unwrap();
    assert_eq!(
        (found.mode() & 0o7777, found.mtime(), found.mtime_nsec()),
        (0o600, 1_500_000_000, 500_000_000)
    );
    let mut file = File::create(mounted.path().join("new")).unwrap();
    file.write_all(b"text").unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(close(file), Ok(()));
    assert_eq!(beside.head("new").unwrap().expect("closed").metadata["mode"], "33184");
    mounted.unmount().unwrap();
}
