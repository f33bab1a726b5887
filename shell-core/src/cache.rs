//! The folder in which content that was fetched from buckets is kept.

use cowry_vfs::sqlite::ChunkFolder;

use crate::error::{Error, Result};
use crate::units::parse_size;

/// Names its size.
const SIZE: &str = "COWRY_CACHE_SIZE";

/// The folder that the environment asks for.
///
/// # Errors
/// If it names a size that is none.
pub(crate) fn folder() -> Result<ChunkFolder> {
    let said = std::env::var(SIZE).unwrap_or_default();
    let bytes =
        bytes(&said).map_err(|problem| Error::Usage(format!("{SIZE}: {problem}, or 0 for no cache")))?;
    Ok(ChunkFolder { folder: None, bytes })
}

fn bytes(said: &str) -> std::result::Result<Option<u64>, String> {
    match said.trim() {
        "" => Ok(None),
        "0" => Ok(Some(0)),
        size => parse_size(size).map(Some).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_is_none() {
        assert_eq!([bytes(""), bytes("0"), bytes(" 500MiB ")], [Ok(None), Ok(Some(0)), Ok(Some(500 << 20))]);
        for bad in ["10", "abc", "-1", "MiB", "9999999999TiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
