//! One node store behind both `MemoryLayer` and `Overlay`: locks, pins and batches around a [`Tree`].
//!
//! Readers share a lock on the tree. Writers first take the writer lock, which a batch holds from its start
//! to its end; the batch works on a fork of the tree and swaps it in when it succeeds, so that nobody sees
//! half of it. The writer lock is reentrant only so that a careless call on the outer layer from inside a batch
//! gets `EDEADLK` and not a deadlock: its effect would be lost in the swap.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{ReentrantMutex, RwLock};

use super::base::Base;
use super::edit::{Edit, Pins};
use super::scratch::{Scratch, ScratchUsage};
use super::tree::{Tree, View};
use crate::clock::Clock;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{
    Allocate, DirEntry, Features, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs, XattrMode,
};
use crate::path::Name;
use crate::savepoint::Savepoint;

/// A tree that can be read and changed by many threads.
pub(crate) struct Store {
    name: &'static str,
    ino_bits: u8,
    base: Arc<Base>,
    clock: Arc<dyn Clock>,
    scratch: Arc<Scratch>,
    pins: Pins,
    tree: RwLock<Tree>,
    /// Held by whoever writes; `true` inside while a batch runs.
    writer: ReentrantMutex<Cell<bool>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = self.tree.read();
        f.debug_struct("Store")
            .field("name", &self.name)
            .field("lower", &self.base.lower)
            .field("nodes", &tree.nodes.len())
            .field("stamp", &tree.stamp)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) fn new(
        name: &'static str,
        ino_bits: u8,
        base: Base,
        tree: Tree,
        clock: Arc<dyn Clock>,
        scratch: Arc<Scratch>,
    ) -> Store {
        let base = Arc::new(base);
        let (pins, tree, writer) =
            (Pins::default(), RwLock::new(tree), ReentrantMutex::new(Cell::new(false)));
        Store { name, ino_bits, base, clock, scratch, pins, tree, writer }
    }

    /// The same parts around another tree.
    fn with_tree(&self, tree: Tree, pins: Pins) -> Store {
        Store {
            name: self.name,
            ino_bits: self.ino_bits,
            base: self.base.clone(),
            clock: self.clock.clone(),
            scratch: self.scratch.clone(),
            pins,
            tree: RwLock::new(tree),
            writer: ReentrantMutex::new(Cell::new(false)),
        }
    }

    /// An independent copy that nobody holds anything open in.
    pub(crate) fn fork(&self) -> Store {
        let fork = self.with_tree(self.snapshot(), Pins::default());
        fork.edit(&mut |edit| {
            edit.sweep();
            Ok(())
        })
        .expect("sweeping cannot fail");
        fork
    }

    /// The tree as it is now.
    pub(crate) fn snapshot(&self) -> Tree {
        self.tree.read().clone()
    }

    pub(crate) fn base(&self) -> &Arc<Base> {
        &self.base
    }

    pub(crate) fn scratch(&self) -> &Arc<Scratch> {
        &self.scratch
    }

    pub(crate) fn usage(&self) -> ScratchUsage {
        let (memory_bytes, spilled_bytes) = self.scratch.used();
        ScratchUsage { memory_bytes, spilled_bytes, nodes: self.tree.read().nodes.len() as u64 }
    }

    pub(crate) fn stamp(&self) -> u64 {
        self.tree.read().stamp
    }

    /// Replaces the tree by what `work` makes of it, unless it fails.
    pub(crate) fn replace_tree<E>(
        &self,
        work: impl FnOnce(&Tree) -> Result<Tree, E>,
        busy: impl FnOnce() -> E,
    ) -> Result<(), E> {
        let writer = self.writer.lock();
        if writer.get() {
            return Err(busy());
        }
        let tree = work(&self.snapshot())?;
        self.scratch.note_nodes(tree.nodes.len());
        *self.tree.write() = tree;
        Ok(())
    }

    fn view<R>(&self, read: impl FnOnce(View<'_>) -> NodeResult<R>) -> NodeResult<R> {
        let tree = self.tree.read();
        read(View { tree: &tree, base: &self.base })
    }

    fn edit<R>(&self, work: &mut dyn FnMut(&mut Edit<'_>) -> NodeResult<R>) -> NodeResult<R> {
        let writer = self.writer.lock();
        if writer.get() {
            return Err(Errno::EDEADLK.into());
        }
        let mut tree = self.tree.write();
        let now = self.clock.now();
        let edit =
            &mut Edit { tree: &mut tree, base: &self.base, scratch: &self.scratch, pins: &self.pins, now };
        let result = work(edit);
        self.scratch.note_nodes(tree.nodes.len());
        result
    }

    fn run_batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        let writer = self.writer.lock();
        if writer.replace(true) {
            return Err(Errno::EDEADLK.into());
        }
        let _reset = Reset(&writer);
        let inner = self.with_tree(self.snapshot(), self.pins.clone());
        work(&inner)?;
        let mut tree = inner.tree.into_inner();
        let now = self.clock.now();
        Edit { tree: &mut tree, base: &self.base, scratch: &self.scratch, pins: &self.pins, now }.sweep();
        self.scratch.note_nodes(tree.nodes.len());
        *self.tree.write() = tree;
        Ok(())
    }
}

/// What a savepoint of a store is.
struct Saved {
    base: Arc<Base>,
    tree: Tree,
}

/// Says that the batch is over, however it ended.
struct Reset<'a>(&'a Cell<bool>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Layer for Store {
    fn name(&self) -> &str {
        self.name
    }

    fn features(&self) -> Features {
        Features {
            writable: true,
            hard_links: true,
            symlinks: true,
            xattrs: true,
            special_nodes: true,
            sparse: true,
            ownership: true,
            rename_modes: true,
            transactions: true,
            immutable: false,
            remote: self.base.lower.as_ref().is_some_and(|lower| lower.features().remote),
            waits: self.base.lower.as_ref().is_some_and(|lower| lower.features().waits),
            ino_bits: self.ino_bits,
        }
    }

    fn root(&self) -> Ino {
        self.base.root
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.view(|view| view.lookup(parent, name))
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.view(|view| view.stat(ino))
    }

    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        self.edit(&mut |edit| edit.setattr(ino, changes))
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.view(|view| view.readdir(dir, after, limit))
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.view(|view| view.readlink(ino))
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let node = {
            let tree = self.tree.read();
            let view = View { tree: &tree, base: &self.base };
            match view.own(ino) {
                Some(node) if node.content()?.origin_len() == 0 => {
                    return node.content()?.read(None, offset, len);
                }
                Some(node) => node.clone(),
                None => {
                    view.untouched(ino)?;
                    drop(tree);
                    return self.base.lower_of(ino).ok_or(Errno::ESTALE)?.read(ino, offset, len);
                }
            }
        };
        // The origin may be slow, and it does not change: writers need not wait for it.
        node.content()?.read(self.base.origin(ino), offset, len)
    }

    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        let is_own = View { tree: &self.tree.read(), base: &self.base }.own(ino).is_some();
        match if is_own { None } else { self.base.lower_of(ino) } {
            Some(lower) => lower.will_need(ino, offset, len),
            None => true,
        }
    }

    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        self.edit(&mut |edit| edit.write(ino, offset, data))
    }

    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        self.edit(&mut |edit| edit.append(ino, data))
    }

    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        self.edit(&mut |edit| edit.allocate(ino, how, offset, len))
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.view(|view| view.seek(ino, offset, to))
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.view(|view| {
            view.stat(ino)?;
            *self.pins.lock().entry(ino).or_insert(0) += 1;
            Ok(())
        })
    }

    fn release(&self, ino: Ino) {
        {
            let mut pins = self.pins.lock();
            match pins.get_mut(&ino) {
                Some(count) if *count > 1 => {
                    *count -= 1;
                    return;
                }
                Some(_) => pins.remove(&ino),
                None => return,
            };
        }
        // A batch of another thread may have an orphan that is not to be seen yet: wait for it.
        let busy = self.writer.is_locked() && !self.writer.is_owned_by_current_thread();
        if busy || self.tree.read().orphans.contains_key(&ino) {
            // Inside a batch this is refused; the batch sweeps when it ends.
            let _ = self.edit(&mut |edit| {
                edit.sweep();
                Ok(())
            });
        }
    }

    /// Every write is done when it returns.
    fn flush(&self, _: Ino) -> NodeResult<()> {
        Ok(())
    }

    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat> {
        self.edit(&mut |edit| edit.create(parent, name, node, attr))
    }

    fn link(&self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.edit(&mut |edit| edit.link(ino, parent, name))
    }

    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.edit(&mut |edit| edit.unlink(parent, name))
    }

    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.edit(&mut |edit| edit.rmdir(parent, name))
    }

    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()> {
        self.edit(&mut |edit| edit.rename(from, to, mode))
    }

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.view(|view| view.getxattr(ino, name))
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.view(|view| view.listxattr(ino))
    }

    fn setxattr(&self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()> {
        self.edit(&mut |edit| edit.setxattr(ino, name, value, mode))
    }

    fn removexattr(&self, ino: Ino, name: &str) -> NodeResult<()> {
        self.edit(&mut |edit| edit.removexattr(ino, name))
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        ino.map_or(Ok(()), |ino| self.view(|view| view.stat(ino).map(|_| ())))
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        let usage = self.usage();
        Ok(StatFs {
            total_bytes: self.scratch.limits.total_bytes,
            used_bytes: usage.memory_bytes + usage.spilled_bytes,
            total_inodes: self.scratch.limits.nodes,
            used_inodes: usage.nodes,
        })
    }

    fn savepoint(&self) -> NodeResult<Savepoint> {
        let writer = self.writer.lock();
        if writer.get() {
            return Err(Errno::EDEADLK.into());
        }
        Ok(Savepoint::new(Saved { base: self.base.clone(), tree: self.snapshot() }))
    }

    fn roll_back(&self, to: &Savepoint) -> NodeResult<()> {
        let saved = to.state::<Saved>().filter(|saved| Arc::ptr_eq(&saved.base, &self.base));
        let saved = saved.ok_or(Errno::EINVAL)?;
        self.edit(&mut |edit| {
            edit.go_back(&saved.tree);
            Ok(())
        })
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        self.run_batch(work)
    }
}

/// Implements `Layer` for a type by its field `store`.
macro_rules! delegate_layer {
    ($type:ty) => {
        impl $crate::layer::Layer for $type {
            fn name(&self) -> &str {
                self.store.name()
            }
            fn features(&self) -> $crate::node::Features {
                self.store.features()
            }
            fn root(&self) -> $crate::node::Ino {
                self.store.root()
            }
            fn statfs(&self) -> $crate::errno::NodeResult<$crate::node::StatFs> {
                self.store.statfs()
            }
            fn release(&self, ino: $crate::node::Ino) {
                self.store.release(ino)
            }
            fn will_need(&self, ino: $crate::node::Ino, offset: u64, len: usize) -> bool {
                self.store.will_need(ino, offset, len)
            }
            $crate::overlay::store::delegate_layer! { @calls
                lookup(parent: Ino, name: &Name) -> Stat;
                getattr(ino: Ino) -> Stat;
                setattr(ino: Ino, changes: &SetAttr) -> Stat;
                readdir(dir: Ino, after: Option<&Name>, limit: usize) -> Vec<DirEntry>;
                readlink(ino: Ino) -> String;
                read(ino: Ino, offset: u64, len: usize) -> Bytes;
                write(ino: Ino, offset: u64, data: &[u8]) -> ();
                append(ino: Ino, data: &[u8]) -> u64;
                allocate(ino: Ino, how: Allocate, offset: u64, len: u64) -> ();
                seek(ino: Ino, offset: u64, to: SeekTo) -> u64;
                open(ino: Ino) -> ();
                flush(ino: Ino) -> ();
                create(parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> Stat;
                link(ino: Ino, parent: Ino, name: &Name) -> Stat;
                unlink(parent: Ino, name: &Name) -> ();
                rmdir(parent: Ino, name: &Name) -> ();
                rename(from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> ();
                getxattr(ino: Ino, name: &str) -> Bytes;
                listxattr(ino: Ino) -> Vec<String>;
                setxattr(ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> ();
                removexattr(ino: Ino, name: &str) -> ();
                fsync(ino: Option<Ino>) -> ();
                savepoint() -> Savepoint;
                roll_back(to: &Savepoint) -> ();
                batch(work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> ();
            }
        }
    };
    (@calls $($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> NodeResult<$result> {
            self.store.$name($($arg),*)
        })*
    };
}
pub(crate) use delegate_layer;
