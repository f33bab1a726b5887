//! Addresses of buckets.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path as Key;

/// The longest prefix, in bytes: a key has 1,024, and names below a prefix need some of them.
const PREFIX_BYTES: usize = 512;

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

    /// What follows the scheme is taken as it is written: keys hold `%`, `#` and spaces, and nothing is decoded.
    fn from_str(text: &str) -> Result<Location, LocationError> {
        let bad = |problem: String| LocationError { problem };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            bad(format!("\"{}\" is no address of a bucket; write s3://bucket/prefix", text.escape_debug()))
        })?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') || rest.contains('?') {
            return Err(bad(
                "an address holds no key and no option; put keys into the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)".into(),
            ));
        }
        let kind = kind(scheme).map_err(bad)?;
        match (kind, bucket.is_empty()) {
            (Scheme::Local, false) => return Err(bad("a folder is written file:///its/whole/path".into())),
            (Scheme::Local, true) | (_, false) => {}
            (_, true) => return Err(bad(format!("the bucket is missing; write {scheme}://bucket/prefix"))),
        }
        if !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
            let shown = bucket.escape_debug();
            return Err(bad(format!(
                "\"{shown}\" is no bucket: letters, digits, '-', '.' and '_' are in a name"
            )));
        }
        let prefix = clean(prefix).map_err(bad)?;
        Ok(Location { scheme: kind, bucket: bucket.to_owned(), prefix })
    }
}

/// A prefix without a slash at its end, if it can be one.
fn clean(prefix: &str) -> Result<String, String> {
    let bad = |why: &str| format!("the prefix \"{}\" cannot be: {why}", prefix.escape_debug());
    if prefix.contains(char::is_control) {
        return Err(bad("it holds a control character"));
    }
    if prefix.len() > PREFIX_BYTES {
        return Err(format!("a prefix has at most {PREFIX_BYTES} bytes, and this one {}", prefix.len()));
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if prefix.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(bad("\".\" and \"..\" are no names in a bucket"));
    }
    if !prefix.is_empty() && prefix.split('/').any(str::is_empty) {
        return Err(bad("it holds two slashes with nothing between them"));
    }
    Key::parse(prefix).map(Into::into).map_err(|error| bad(&error.to_string()))
}

fn kind(scheme: &str) -> Result<Scheme, String> {
    match scheme.to_ascii_lowercase().as_str() {
        "s3" | "s3a" => Ok(Scheme::S3),
        "gs" => Ok(Scheme::Gcs),
        "az" | "azure" | "abfs" | "abfss" => Ok(Scheme::Azure),
        "file" => Ok(Scheme::Local),
        "memory" => Ok(Scheme::Memory),
        _ => {
            let shown = scheme.escape_debug();
            Err(format!("\"{shown}://\" is not known; use s3://, gs://, az://, file:/// or memory://"))
        }
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
