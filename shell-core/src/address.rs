//! The address of a bucket, as a policy or a mount names it.

use std::fmt;
#[cfg(feature = "object")]
use std::str::FromStr as _;

#[cfg(feature = "object")]
use cowry_vfs::object::Location;

/// Where a bucket and a prefix in it are: `s3://bucket/prefix`, `gs://`, `az://`, `file:///folder`, `memory://name`.
///
/// It never holds a secret. Without the feature `object` there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    #[cfg(feature = "object")]
    location: Location,
    #[cfg(not(feature = "object"))]
    never: std::convert::Infallible,
}

impl Address {
    /// Whether `text` is meant as an address and not as a path of the host.
    pub fn is_one(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }

    /// Reads an address.
    ///
    /// # Errors
    /// If it is none, is of no known kind or holds a key. The message says what to write.
    #[cfg(feature = "object")]
    pub fn parse(text: &str) -> Result<Address, String> {
        let location = Location::from_str(text).map_err(|error| error.to_string())?;
        Ok(Address { location })
    }

    /// Reads an address.
    ///
    /// # Errors
    /// Always: this build knows no object storage.
    #[cfg(not(feature = "object"))]
    pub fn parse(_: &str) -> Result<Address, String> {
        Err("this build has no object storage; use one with the feature `object`".into())
    }

    #[cfg(feature = "object")]
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }
}

impl fmt::Display for Address {
    #[cfg(feature = "object")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location.fmt(f)
    }

    #[cfg(not(feature = "object"))]
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.never {}
    }
}
