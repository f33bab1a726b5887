//! Objects: what they are called, and how the bytes of a chunk are stored in them.

use std::fmt;
use std::str::FromStr;

use rusqlite::Row;

use super::super::chunk::Hash;
#[cfg(feature = "object")]
use crate::errno::{NodeError, NodeResult};

/// How the bytes of a chunk are stored in a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ContentForm {
    /// As they are.
    #[default]
    Raw,
    /// Compressed, where that makes them shorter.
    Zstd,
}

impl ContentForm {
    /// One lower-case word, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            ContentForm::Raw => "raw",
            ContentForm::Zstd => "zstd",
        }
    }

    /// What names of such objects end with.
    #[cfg(feature = "object")]
    fn suffix(self) -> &'static str {
        match self {
            ContentForm::Raw => "",
            ContentForm::Zstd => ".zst",
        }
    }
}

impl fmt::Display for ContentForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ContentForm::Raw => "none",
            ContentForm::Zstd => "zstd",
        })
    }
}

impl FromStr for ContentForm {
    type Err = String;

    fn from_str(text: &str) -> Result<ContentForm, String> {
        match text {
            "none" | "raw" => Ok(ContentForm::Raw),
            "zstd" => Ok(ContentForm::Zstd),
            _ => Err(format!("no compression {text:?}: say none or zstd")),
        }
    }
}

/// An object that holds the bytes of a chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sqlite) struct Object {
    pub(in crate::sqlite) home: i64,
    /// Below the home.
    pub(in crate::sqlite) name: String,
    pub(in crate::sqlite) form: ContentForm,
    /// Of the chunk's bytes.
    pub(in crate::sqlite) hash: Hash,
    /// How many those are.
    pub(in crate::sqlite) length: usize,
}

impl Object {
    /// From the columns `home, object, form, hash, length`, the first of them at `at`. `None` of a chunk in the file.
    pub(in crate::sqlite) fn from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Object>> {
        let Some(home) = row.get(at)? else { return Ok(None) };
        let form: Option<String> = row.get(at + 2)?;
        Ok(Some(Object {
            home,
            name: row.get::<_, Option<String>>(at + 1)?.unwrap_or_default(),
            form: form.and_then(|form| form.parse().ok()).unwrap_or_default(),
            // A repair that gave the bytes up left no hash: nothing has this one.
            hash: row.get::<_, Vec<u8>>(at + 3)?.try_into().unwrap_or_default(),
            length: usize::try_from(row.get::<_, i64>(at + 4)?).unwrap_or(0),
        }))
    }

    /// A new one: its name was never used before.
    #[cfg(feature = "object")]
    pub(super) fn new(home: i64, form: ContentForm, hash: Hash, length: usize) -> Object {
        let mut random = [0; 4];
        getrandom::fill(&mut random).expect("the system has random numbers");
        let (hex, random) = (blake3::Hash::from(hash).to_hex(), u32::from_le_bytes(random));
        let name = format!("{}/{hex}-{random:08x}{}", &hex[..2], form.suffix());
        Object { home, name, form, hash, length }
    }

    /// The most bytes that it can have in the bucket.
    #[cfg(feature = "object")]
    pub(super) fn stored_max(&self) -> u64 {
        match self.form {
            ContentForm::Raw => self.length as u64,
            ContentForm::Zstd => self.length as u64 + 1024,
        }
    }

    /// The chunk's bytes from what is in the bucket.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    #[cfg(feature = "object")]
    pub(super) fn decode(&self, stored: bytes::Bytes) -> Result<bytes::Bytes, String> {
        let bytes = match self.form {
            ContentForm::Raw => stored,
            ContentForm::Zstd => zstd::bulk::decompress(&stored, self.length)
                .map_err(|_| "it cannot be decompressed".to_owned())?
                .into(),
        };
        match (bytes.len(), *blake3::hash(&bytes).as_bytes() == self.hash) {
            (_, true) => Ok(bytes),
            (len, _) if len < self.length => Err(format!("it has {len} bytes of {}", self.length)),
            _ => Err("its bytes do not match its hash".to_owned()),
        }
    }
}

/// A chunk's bytes as they are put into a bucket.
#[cfg(feature = "object")]
pub(super) fn encode(bytes: bytes::Bytes, form: ContentForm) -> NodeResult<(ContentForm, bytes::Bytes)> {
    if form == ContentForm::Raw {
        return Ok((form, bytes));
    }
    let packed = zstd::bulk::compress(&bytes, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(NodeError::io)?;
    // What gains nothing is read without the work.
    if packed.len() < bytes.len() - bytes.len() / 16 {
        Ok((ContentForm::Zstd, packed.into()))
    } else {
        Ok((ContentForm::Raw, bytes))
    }
}
