//! What a layer round another one asks that one, in one place.

/// Implements the named methods of [`Layer`](crate::Layer), within an `impl Layer`, by asking the layer in a field. Only what
/// reads or pins can be named; [`refuse_changes`](crate::refuse_changes) is for the rest of a layer that is not written.
///
/// ```
/// # use cowry_vfs::*;
/// #[derive(Debug)]
/// struct Named {
///     inner: MemoryLayer,
/// }
///
/// impl Layer for Named {
///     refuse_changes!();
///     pass_on!(inner: root, lookup, getattr, readdir, readlink, read, seek, open, release, getxattr, listxattr, fsync, statfs);
///
///     fn name(&self) -> &str {
///         "named"
///     }
///     fn features(&self) -> Features {
///         Features { writable: false, ..self.inner.features() }
///     }
///     fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
///         work(self)
///     }
/// }
///
/// let named = Named { inner: MemoryLayer::new() };
/// assert!(named.readdir(named.root(), None, 10).unwrap().is_empty());
/// ```
#[macro_export]
macro_rules! pass_on {
    (@ name $inner:ident) => {
        fn name(&self) -> &str {
            self.$inner.name()
        }
    };
    (@ root $inner:ident) => {
        fn root(&self) -> $crate::Ino {
            self.$inner.root()
        }
    };
    (@ lookup $inner:ident) => {
        fn lookup(&self, parent: $crate::Ino, name: &$crate::Name) -> $crate::NodeResult<$crate::Stat> {
            self.$inner.lookup(parent, name)
        }
    };
    (@ getattr $inner:ident) => {
        fn getattr(&self, ino: $crate::Ino) -> $crate::NodeResult<$crate::Stat> {
            self.$inner.getattr(ino)
        }
    };
    (@ readdir $inner:ident) => {
        fn readdir(
            &self,
            dir: $crate::Ino,
            after: ::core::option::Option<&$crate::Name>,
            limit: usize,
        ) -> $crate::NodeResult<::std::vec::Vec<$crate::DirEntry>> {
            self.$inner.readdir(dir, after, limit)
        }
    };
    (@ readlink $inner:ident) => {
        fn readlink(&self, ino: $crate::Ino) -> $crate::NodeResult<::std::string::String> {
            self.$inner.readlink(ino)
        }
    };
    (@ read $inner:ident) => {
        fn read(&self, ino: $crate::Ino, offset: u64, len: usize) -> $crate::NodeResult<::bytes::Bytes> {
            self.$inner.read(ino, offset, len)
        }
    };
    (@ will_need $inner:ident) => {
        fn will_need(&self, ino: $crate::Ino, offset: u64, len: usize) -> bool {
            self.$inner.will_need(ino, offset, len)
        }
    };
    (@ seek $inner:ident) => {
        fn seek(&self, ino: $crate::Ino, offset: u64, to: $crate::SeekTo) -> $crate::NodeResult<u64> {
            self.$inner.seek(ino, offset, to)
        }
    };
    (@ open $inner:ident) => {
        fn open(&self, ino: $crate::Ino) -> $crate::NodeResult<()> {
            self.$inner.open(ino)
        }
    };
    (@ release $inner:ident) => {
        fn release(&self, ino: $crate::Ino) {
            self.$inner.release(ino);
        }
    };
    (@ getxattr $inner:ident) => {
        fn getxattr(&self, ino: $crate::Ino, name: &str) -> $crate::NodeResult<::bytes::Bytes> {
            self.$inner.getxattr(ino, name)
        }
    };
    (@ listxattr $inner:ident) => {
        fn listxattr(
            &self,
            ino: $crate::Ino,
        ) -> $crate::NodeResult<::std::vec::Vec<::std::string::String>> {
            self.$inner.listxattr(ino)
        }
    };
    (@ fsync $inner:ident) => {
        fn fsync(&self, ino: ::core::option::Option<$crate::Ino>) -> $crate::NodeResult<()> {
            self.$inner.fsync(ino)
        }
    };
    (@ statfs $inner:ident) => {
        fn statfs(&self) -> $crate::NodeResult<$crate::StatFs> {
            self.$inner.statfs()
        }
    };
    ($inner:ident: $($method:ident),+ $(,)?) => {
        $($crate::pass_on! { @ $method $inner })+
    };
}
