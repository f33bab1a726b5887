//! Cases of a layer by itself: one module per operation, one per family of errors.

mod append;
mod batch;
mod below;
mod clocks;
mod create;
mod getattr;
mod link;
mod lookup;
mod open;
mod read;
mod read_only;
mod readdir;
mod readlink;
mod rename;
mod rename_dir;
mod rmdir;
mod setattr;
mod sparse;
mod special;
mod stale;
mod statfs;
mod threads;
mod times;
mod truncate;
mod unlink;
mod unsupported;
mod write;
mod wrong_kind;
mod xattr;

use super::{Case, Group};

/// All cases of a layer.
pub fn groups() -> &'static [Group<Case>] {
    const fn group(name: &'static str, cases: &'static [Case]) -> Group<Case> {
        Group { name, cases }
    }
    const GROUPS: &[Group<Case>] = &[
        group("lookup", lookup::CASES),
        group("getattr", getattr::CASES),
        group("create", create::CASES),
        group("special", special::CASES),
        group("read", read::CASES),
        group("write", write::CASES),
        group("append", append::CASES),
        group("truncate", truncate::CASES),
        group("sparse", sparse::CASES),
        group("setattr", setattr::CASES),
        group("times", times::CASES),
        group("clocks", clocks::CASES),
        group("readdir", readdir::CASES),
        group("readlink", readlink::CASES),
        group("unlink", unlink::CASES),
        group("rmdir", rmdir::CASES),
        group("link", link::CASES),
        group("rename", rename::CASES),
        group("rename_dir", rename_dir::CASES),
        group("open", open::CASES),
        group("xattr", xattr::CASES),
        group("batch", batch::CASES),
        group("below", below::CASES),
        group("statfs", statfs::CASES),
        group("threads", threads::CASES),
        group("wrong_kind", wrong_kind::CASES),
        group("stale", stale::CASES),
        group("unsupported", unsupported::CASES),
        group("read_only", read_only::CASES),
    ];
    GROUPS
}
