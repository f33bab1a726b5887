//! A workspace that the kernel has mounted, for tests that work on it as any program would.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cowry_vfs::fuse::{Elsewhere, FuseError, FuseMount, FuseOptions};
use cowry_vfs::{Layer, SqliteLayer, SqliteOptions};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

/// A layer mounted on a directory below `/tmp` that every user can reach. Unmounted and removed when dropped.
#[derive(Debug)]
pub struct Mounted {
    /// Unmounted before its directory is removed, so it stands before it.
    mount: FuseMount,
    home: TempDir,
}

impl Mounted {
    /// Mounts a new workspace.
    ///
    /// # Panics
    /// If it cannot be made or mounted: ask [`unavailable`] first.
    pub fn new() -> (Mounted, Arc<SqliteLayer>) {
        let home = home();
        let layer = SqliteLayer::create(home.path().join("w.cowry"), &SqliteOptions::default());
        let layer = Arc::new(layer.expect("a new workspace in an empty directory"));
        let watched = layer.clone();
        let elsewhere = Elsewhere::Watched(Arc::new(move || watched.data_version()));
        let options = FuseOptions { elsewhere, ..FuseOptions::default() };
        let mount = mount(layer.clone(), &home, &options).expect("asked before whether it can be mounted");
        (Mounted { mount, home }, layer)
    }

    /// Mounts a layer that nobody else writes meanwhile.
    ///
    /// # Panics
    /// If it cannot be mounted: ask [`unavailable`] first.
    pub fn over(layer: Arc<dyn Layer>) -> Mounted {
        let home = home();
        let mount =
            mount(layer, &home, &FuseOptions::default()).expect("asked before whether it can be mounted");
        Mounted { mount, home }
    }

    /// The root of the mounted tree. It belongs to uid and gid 1000, as every new workspace's.
    pub fn path(&self) -> &Path {
        self.mount.dir()
    }

    /// A directory beside the mount, removed with it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Unmounts and waits until everything is committed.
    ///
    /// # Errors
    /// If somebody still works in it.
    pub fn unmount(&self) -> std::io::Result<()> {
        unmount(&self.mount)
    }
}

/// Unmounts as soon as nobody is in there: what this process had open a moment ago, a process that another test was just
/// starting may hold until it is executed.
///
/// # Errors
/// If somebody still works in it after two minutes.
pub fn unmount(mount: &FuseMount) -> std::io::Result<()> {
    let begun = Instant::now();
    loop {
        match mount.unmount() {
            Err(error) if error.kind() == ErrorKind::ResourceBusy && begun.elapsed() < PATIENCE => {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Why nothing can be mounted here, if so: the reason to skip a test by.
pub fn unavailable() -> Option<&'static str> {
    static WHY: OnceLock<Option<&'static str>> = OnceLock::new();
    *WHY.get_or_init(|| {
        let home = home();
        let layer = Arc::new(cowry_vfs::MemoryLayer::new());
        match mount(layer, &home, &FuseOptions::default()) {
            Ok(_) => None,
            Err(FuseError::NoDevice) => Some("needs /dev/fuse"),
            Err(FuseError::NotPermitted) => Some("needs the right to mount"),
            // Anything else is a failure, which the test shall show.
            Err(_) => None,
        }
    })
}

/// A directory below `/tmp` that every user may enter: a clone of the project, and `$TMPDIR`, may be closed to others.
pub fn home() -> TempDir {
    let home = tempfile::Builder::new().prefix("cowry-mounted-").tempdir_in("/tmp").expect("a writable /tmp");
    std::fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("one's own directory");
    home
}

fn mount(layer: Arc<dyn Layer>, home: &TempDir, options: &FuseOptions) -> Result<FuseMount, FuseError> {
    let dir: PathBuf = home.path().join("mnt");
    std::fs::create_dir(&dir).expect("a new directory");
    FuseMount::new(layer, &dir, options)
}

/// Verifies the whole workspace.
///
/// # Panics
/// If anything is wrong with it.
pub fn assert_sound(layer: &SqliteLayer) {
    let report = layer.check().expect("it can be looked at");
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}
