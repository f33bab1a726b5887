//! Addresses of buckets.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path as Key;
use url::Url;

/// What kind of store an address names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// `s3://bucket/prefix`: S3, R2 and whatever else speaks the protocol.
    S3,
    /// `gs://bucket/prefix`
    Gcs,
    /// `az://container/prefix`
    Azure,
    /// `file:///folder`
    Local,
    /// `memory://name/prefix`: shared by all of one process that say the same name.
    Memory,
}

/// The address of a bucket and a prefix in it, as people write it.
///
/// It never holds a secret: an address with a user, a password or a query is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    scheme: Scheme,
    bucket: String,
    prefix: String,
}

/// An address that cannot be used. The message says what to write.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{problem}")]
pub struct LocationError {
    problem: String,
}

impl Location {
    /// Whether `text` is meant as an address and not as a path of the host.
    pub fn is_one(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }

    /// What kind of store it is.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket (container, folder, name of a memory).
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The prefix of keys, without slashes around it; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The address of what is called `name` below this one.
    pub fn join(&self, name: &str) -> Location {
        let parts = [self.prefix.as_str(), name.trim_matches('/')];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Location { prefix: parts.join("/"), ..self.clone() }
    }

    /// The key of what is called `name` below it, as it is: nothing is encoded.
    pub(super) fn key(&self, name: &str) -> Result<Key, object_store::path::Error> {
        Key::parse(self.join(name).prefix)
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Location, LocationError> {
        let bad = |problem: String| LocationError { problem };
        let url = Url::parse(text).map_err(|error| {
            bad(format!("\"{text}\" is no address of a bucket ({error}); write s3://bucket/prefix"))
        })?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(bad(
                "an address holds no key and no option; put keys into the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)".into(),
            ));
        }
        let scheme = scheme(&url).map_err(bad)?;
        let bucket = url.host_str().unwrap_or_default().to_owned();
        match (scheme, bucket.is_empty()) {
            (Scheme::Local, false) => return Err(bad("a folder is written file:///its/whole/path".into())),
            (Scheme::Local, true) | (_, false) => {}
            (_, true) => {
                return Err(bad(format!("the bucket is missing; write {}://bucket/prefix", url.scheme())));
            }
        }
        let prefix = Key::from_url_path(url.path())
            .map_err(|error| bad(format!("the prefix of \"{text}\" cannot be: {error}")))?;
        Ok(Location { scheme, bucket, prefix: prefix.into() })
    }
}

fn scheme(url: &Url) -> Result<Scheme, String> {
    match url.scheme() {
        "s3" | "s3a" => Ok(Scheme::S3),
        "gs" => Ok(Scheme::Gcs),
        "az" | "azure" | "abfs" | "abfss" => Ok(Scheme::Azure),
        "file" => Ok(Scheme::Local),
        "memory" => Ok(Scheme::Memory),
        other => Err(format!("\"{other}://\" is not known; use s3://, gs://, az://, file:/// or memory://")),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::S3 => "s3",
            Scheme::Gcs => "gs",
            Scheme::Azure => "az",
            Scheme::Local => "file",
            Scheme::Memory => "memory",
        };
        write!(f, "{scheme}://{}", self.bucket)?;
        if !self.prefix().is_empty() {
            write!(f, "/{}", self.prefix())?;
        }
        Ok(())
    }
}
