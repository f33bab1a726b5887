//! `hashFile`: the digest of a file's content, read in pieces.

use cowry_vfs::OpenOptions;
use sha2::Digest;

use super::{State, StateError};

/// How much is read at once, in bytes.
const PIECE: usize = 256 << 10;

impl State<'_> {
    /// The digest in hexadecimal digits.
    ///
    /// # Errors
    /// For an algorithm that is none of those it names; those of reading.
    pub(crate) fn hash_file(&self, path: &str, algorithm: &str) -> Result<String, StateError> {
        match algorithm.to_ascii_lowercase().replace('-', "").as_str() {
            "md5" => self.digest::<md5::Md5>(path),
            "sha1" => self.digest::<sha1::Sha1>(path),
            "sha256" => self.digest::<sha2::Sha256>(path),
            "sha384" => self.digest::<sha2::Sha384>(path),
            "sha512" => self.digest::<sha2::Sha512>(path),
            "blake3" => {
                let mut hasher = blake3::Hasher::new();
                self.pieces(path, &mut |piece| {
                    hasher.update(piece);
                })?;
                Ok(hasher.finalize().to_string())
            }
            _ => Err(StateError::new(format!(
                "Unsupported hash algorithm: {algorithm}: use md5, sha1, sha256, sha384, sha512 or blake3"
            ))),
        }
    }

    fn digest<D: Digest>(&self, path: &str) -> Result<String, StateError> {
        let mut digest = D::new();
        self.pieces(path, &mut |piece| digest.update(piece))?;
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn pieces(&self, path: &str, each: &mut dyn FnMut(&[u8])) -> Result<(), StateError> {
        let file = self.vfs.open(path, OpenOptions::read())?;
        let mut offset = 0;
        loop {
            let piece =
                file.read_bytes_at(offset, PIECE).map_err(|error| StateError::of_read(error, path))?;
            if piece.is_empty() {
                return Ok(());
            }
            each(&piece);
            offset += piece.len() as u64;
        }
    }
}
