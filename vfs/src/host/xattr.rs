//! Extended attributes of host nodes, in the `user.` namespace only.

use std::os::fd::{AsFd, BorrowedFd};

use bytes::Bytes;
use rustix::fs::{self as sys, XattrFlags};

use super::{HostLayer, host, node};
use crate::errno::{Errno, NodeResult};
use crate::node::{Ino, XattrMode, check_xattr_name};

const SPACE: &str = "user.";
const VALUE_LIMIT: usize = 64 << 10;

/// Whether the filesystem of this directory has them: it then says that one is not there.
pub(super) fn supported(dir: BorrowedFd<'_>) -> bool {
    let Ok(dir) = node::reopen_dir(dir) else { return false };
    let asked = sys::fgetxattr_query(dir, "user.none");
    matches!(asked, Ok(_) | Err(rustix::io::Errno::NODATA))
}

impl HostLayer {
    pub(super) fn get_attribute(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        let fd = self.described(ino)?;
        check_xattr_name(name)?;
        let mut value = vec![0; VALUE_LIMIT];
        let len = sys::fgetxattr(fd.as_fd(), name, &mut value[..]).map_err(host)?;
        value.truncate(len);
        Ok(value.into())
    }

    pub(super) fn list_attributes(&self, ino: Ino) -> NodeResult<Vec<String>> {
        let fd = match self.described(ino) {
            Err(error) if error == Errno::EPERM => return Ok(Vec::new()),
            fd => fd?,
        };
        let mut buffer = vec![0u8; VALUE_LIMIT];
        let len = sys::flistxattr(fd.as_fd(), &mut buffer[..]).map_err(host)?;
        let mut names: Vec<String> = buffer[..len]
            .split(|byte| *byte == 0)
            .filter_map(|name| std::str::from_utf8(name).ok())
            .filter(|name| name.starts_with(SPACE))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn set_attribute(
        &self,
        ino: Ino,
        name: &str,
        value: &[u8],
        mode: XattrMode,
    ) -> NodeResult<()> {
        let fd = self.described(ino)?;
        check_xattr_name(name)?;
        if value.len() > VALUE_LIMIT {
            return Err(Errno::ENOSPC.into());
        }
        let flags = match mode {
            XattrMode::Any => XattrFlags::empty(),
            XattrMode::Create => XattrFlags::CREATE,
            XattrMode::Replace => XattrFlags::REPLACE,
        };
        sys::fsetxattr(fd.as_fd(), name, value, flags).map_err(host)
    }

    pub(super) fn remove_attribute(&self, ino: Ino, name: &str) -> NodeResult<()> {
        let fd = self.described(ino)?;
        check_xattr_name(name)?;
        sys::fremovexattr(fd.as_fd(), name).map_err(host)
    }
}
