//! A folder of the host that has names which cannot be keys: the client below refuses to list it.

use std::path::Path;

use object_store::path::Path as Key;
use object_store::{ListResult, ObjectStore, ObjectStoreExt};

use crate::object::sift::{Hidden, is_key};
use crate::object::trouble::{Trouble, TroubleKind};

/// What is in the folder, looked at one by one; what cannot be shown is counted.
pub(super) async fn list(
    objects: &dyn ObjectStore,
    folder: &Key,
    path: &Path,
) -> Result<ListResult, Trouble> {
    let failed = |error: std::io::Error| Trouble::new(TroubleKind::Other, error.to_string());
    let mut listed =
        ListResult { common_prefixes: Vec::new(), objects: Vec::new(), extensions: Default::default() };
    let mut hidden = 0;
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(key) = name.to_str().filter(|name| is_key(name)).and_then(|name| below(folder, name)) else {
            hidden += 1;
            continue;
        };
        // What is gone by now is not there, and neither is a link.
        match std::fs::symlink_metadata(entry.path()) {
            Ok(found) if found.is_symlink() => {}
            Ok(found) if found.is_dir() => listed.common_prefixes.push(key),
            Ok(_) => match objects.head(&key).await {
                Ok(meta) => listed.objects.push(meta),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(_) => hidden += 1,
            },
            Err(_) => {}
        }
    }
    listed.extensions.insert(Hidden(hidden));
    Ok(listed)
}

fn below(folder: &Key, name: &str) -> Option<Key> {
    Key::parse(format!("{folder}/{name}").trim_start_matches('/')).ok()
}
