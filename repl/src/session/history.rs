//! Where a workspace's history of entries is kept: the user's state folder, one file each.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The history file of `workspace` (`None`: the scratch session), its folder made if need be. `None` where
/// there is no home to put it in: the session then keeps its history to itself.
pub fn history_file(workspace: Option<&Path>) -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let folder = state.join("cowry").join("history");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join(file_name(workspace)))
}

/// The workspace's own name, which people recognise, and a hash of its path, which tells two apart.
fn file_name(workspace: Option<&Path>) -> String {
    let Some(path) = workspace else { return "scratch".into() };
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let stem: String =
        path.file_stem().map(|stem| stem.to_string_lossy().chars().take(40).collect()).unwrap_or_default();
    format!("{stem}-{:016x}", fnv1a(path.as_os_str().as_encoded_bytes()))
}

/// FNV-1a: the standard library's hashers may change between releases, and the name may not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{file_name, fnv1a};
    use std::path::Path;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn two_workspaces_of_one_name_have_two_histories() {
        let name = |path: &str| file_name(Some(Path::new(path)));
        assert_ne!(name("/nowhere/a/site.cowry"), name("/nowhere/b/site.cowry"));
        assert!(name("/nowhere/a/site.cowry").starts_with("site-"));
    }
}
