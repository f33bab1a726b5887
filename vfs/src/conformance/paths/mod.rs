//! Cases of paths, handles, mounts and conveniences, over a layer.

mod at_version;
mod attributes;
mod checks;
mod copy;
mod entries;
mod find;
mod handle;
mod like_linux;
mod lock;
mod messages;
mod mounts;
mod open;
mod read_only;
mod resolve;
mod set_id;
mod transaction;
mod tree;
mod watch;

use super::{Group, VfsCase};

/// All cases of a [`Vfs`](crate::Vfs).
pub fn groups() -> &'static [Group<VfsCase>] {
    const fn group(name: &'static str, cases: &'static [VfsCase]) -> Group<VfsCase> {
        Group { name, cases }
    }
    const GROUPS: &[Group<VfsCase>] = &[
        group("resolve", resolve::CASES),
        group("path_open", open::CASES),
        group("handle", handle::CASES),
        group("path_entries", entries::CASES),
        group("path_attributes", attributes::CASES),
        group("tree", tree::CASES),
        group("copy", copy::CASES),
        group("find", find::CASES),
        group("mounts", mounts::CASES),
        group("checks", checks::CASES),
        group("like_linux", like_linux::CASES),
        group("set_id", set_id::CASES),
        group("at_version", at_version::CASES),
        group("transaction", transaction::CASES),
        group("watch", watch::CASES),
        group("lock", lock::CASES),
        group("messages", messages::CASES),
        group("path_read_only", read_only::CASES),
    ];
    GROUPS
}
