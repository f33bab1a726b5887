//! What is done to one node of the target beside its content.

use cowry_vfs::{Errno, Ino, Layer, Name, NodeResult, SetAttr, XattrMode};

use super::entry::Attributes;

/// Gives a node to its owner. On the host only root can; what others export is theirs.
pub(super) fn give(layer: &dyn Layer, ino: Ino, attributes: &Attributes) -> NodeResult<()> {
    let Some((uid, gid)) = attributes.owner else {
        return Ok(());
    };
    match layer.setattr(ino, &SetAttr { uid: Some(uid), gid: Some(gid), ..SetAttr::default() }) {
        Err(error) if matches!(error.errno(), Errno::EPERM | Errno::EINVAL | Errno::EOPNOTSUPP) => Ok(()),
        done => done.map(drop),
    }
}

/// Sets what a filesystem has of extended attributes; where it has none, they are left out.
pub(super) fn set_xattrs(layer: &dyn Layer, ino: Ino, attributes: &Attributes) -> NodeResult<()> {
    if !layer.features().xattrs {
        return Ok(());
    }
    for (name, value) in &attributes.xattrs {
        match layer.setxattr(ino, name, value, XattrMode::Any) {
            Err(error) if matches!(error.errno(), Errno::EPERM | Errno::EOPNOTSUPP) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Removes what is in the way of a new file or link; a directory is not.
pub(super) fn clear(layer: &dyn Layer, parent: Ino, name: &Name) -> NodeResult<()> {
    match layer.unlink(parent, name) {
        Err(error) if error != Errno::ENOENT => Err(error),
        _ => Ok(()),
    }
}

/// Whether an error says that one entry does not fit, rather than that the layer fails.
pub(super) fn is_misfit(errno: Errno) -> bool {
    use Errno::{
        EEXIST, EILSEQ, EINVAL, EISDIR, ELOOP, EMLINK, ENAMETOOLONG, ENOENT, ENOTDIR, EOPNOTSUPP, EPERM,
    };
    matches!(
        errno,
        EEXIST
            | EILSEQ
            | EINVAL
            | EISDIR
            | ELOOP
            | EMLINK
            | ENAMETOOLONG
            | ENOENT
            | ENOTDIR
            | EOPNOTSUPP
            | EPERM
    )
}
