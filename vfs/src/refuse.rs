//! The changes that a layer which cannot be written refuses, in one place.

/// Implements every method of [`Layer`](crate::Layer) that changes something, within an `impl Layer`, by refusing
/// with `EROFS`. Savepoints are of nothing, and there is nothing to flush. What only reads, pins (`open`, `release`), `fsync` and `batch` are left to the layer.
///
/// ```
/// # use cowry_vfs::*;
/// # use bytes::Bytes;
/// #[derive(Debug)]
/// struct Empty;
///
/// impl Layer for Empty {
///     refuse_changes!();
///
///     fn name(&self) -> &str {
///         "empty"
///     }
///     // and the others
/// #   fn features(&self) -> Features { MemoryLayer::new().features() }
/// #   fn root(&self) -> Ino { Ino(1) }
/// #   fn lookup(&self, _: Ino, _: &Name) -> NodeResult<Stat> { Err(Errno::ENOENT.into()) }
/// #   fn getattr(&self, _: Ino) -> NodeResult<Stat> { Err(Errno::ESTALE.into()) }
/// #   fn readdir(&self, _: Ino, _: Option<&Name>, _: usize) -> NodeResult<Vec<DirEntry>> { Ok(vec![]) }
/// #   fn readlink(&self, _: Ino) -> NodeResult<String> { Err(Errno::ESTALE.into()) }
/// #   fn read(&self, _: Ino, _: u64, _: usize) -> NodeResult<Bytes> { Err(Errno::ESTALE.into()) }
/// #   fn seek(&self, _: Ino, _: u64, _: SeekTo) -> NodeResult<u64> { Err(Errno::ESTALE.into()) }
/// #   fn open(&self, _: Ino) -> NodeResult<()> { Err(Errno::ESTALE.into()) }
/// #   fn release(&self, _: Ino) {}
/// #   fn getxattr(&self, _: Ino, _: &str) -> NodeResult<Bytes> { Err(Errno::ESTALE.into()) }
/// #   fn listxattr(&self, _: Ino) -> NodeResult<Vec<String>> { Err(Errno::ESTALE.into()) }
/// #   fn fsync(&self, _: Option<Ino>) -> NodeResult<()> { Ok(()) }
/// #   fn statfs(&self) -> NodeResult<StatFs> { Err(Errno::ENOSYS.into()) }
/// #   fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> { work(self) }
/// }
///
/// let name = Name::new("a").expect("a good name");
/// assert_eq!(Empty.unlink(Ino(1), &name).unwrap_err(), Errno::EROFS);
/// ```
#[macro_export]
macro_rules! refuse_changes {
    () => {
        fn savepoint(&self) -> $crate::NodeResult<$crate::Savepoint> {
            ::core::result::Result::Ok($crate::Savepoint::of_nothing())
        }
        fn roll_back(&self, _: &$crate::Savepoint) -> $crate::NodeResult<()> {
            ::core::result::Result::Ok(())
        }
        fn flush(&self, _: $crate::Ino) -> $crate::NodeResult<()> {
            ::core::result::Result::Ok(())
        }
        $crate::refuse_changes! { @methods
            setattr(ino: $crate::Ino, changes: &$crate::SetAttr) -> $crate::Stat;
            write(ino: $crate::Ino, offset: u64, data: &[u8]) -> ();
            append(ino: $crate::Ino, data: &[u8]) -> u64;
            allocate(ino: $crate::Ino, how: $crate::Allocate, offset: u64, len: u64) -> ();
            create(
                parent: $crate::Ino,
                name: &$crate::Name,
                node: $crate::NewNode<'_>,
                attr: &$crate::NewAttr
            ) -> $crate::Stat;
            link(ino: $crate::Ino, parent: $crate::Ino, name: &$crate::Name) -> $crate::Stat;
            unlink(parent: $crate::Ino, name: &$crate::Name) -> ();
            rmdir(parent: $crate::Ino, name: &$crate::Name) -> ();
            rename(
                from: ($crate::Ino, &$crate::Name),
                to: ($crate::Ino, &$crate::Name),
                mode: $crate::RenameMode
            ) -> ();
            setxattr(ino: $crate::Ino, name: &str, value: &[u8], mode: $crate::XattrMode) -> ();
            removexattr(ino: $crate::Ino, name: &str) -> ();
        }
    };
    (@methods $($method:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $method(&self, $(_: $type),*) -> $crate::NodeResult<$result> {
            ::core::result::Result::Err($crate::Errno::EROFS.into())
        })*
    };
}
