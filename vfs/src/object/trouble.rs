//! What can go wrong with a bucket, said in one line that tells what to check.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::sift;
use crate::errno::{Errno, NodeError};

/// What went wrong, for code that decides by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TroubleKind {
    /// There is no such object.
    Missing,
    /// There is no such bucket.
    NoBucket,
    /// It is not as a condition expected it: somebody else wrote it.
    Changed,
    /// The keys are wrong, too old or not allowed to do this; or the clock is.
    Denied,
    /// Nobody answers at that address.
    Unreachable,
    /// No answer before the deadline. Whether a change took place is not known.
    TimedOut,
    /// It is longer than it may be.
    TooLarge,
    /// The store cannot do this.
    Unsupported,
    /// Settings that cannot be used.
    Settings,
    /// What was to be written could not be read; nothing was changed.
    Source,
    /// Anything else. Whether a change took place is not known.
    Other,
}

/// A request that failed. Prints as one line and holds no secret.
#[derive(Clone, Debug)]
pub struct Trouble {
    kind: TroubleKind,
    message: String,
}

impl Trouble {
    pub(super) fn new(kind: TroubleKind, message: impl Into<String>) -> Trouble {
        Trouble { kind, message: message.into() }
    }

    pub(super) fn deadline(deadline: Duration) -> Trouble {
        let message =
            format!("no answer within {} s; check the network and the endpoint", deadline.as_secs_f32());
        Trouble::new(TroubleKind::TimedOut, message)
    }

    /// The task of a request ended without a word.
    pub(super) fn lost() -> Trouble {
        Trouble::new(TroubleKind::Other, "a request was lost inside this process; report this")
    }

    /// What went wrong.
    pub fn kind(&self) -> TroubleKind {
        self.kind
    }

    /// Whether a change that failed so may have taken place all the same.
    pub fn is_uncertain(&self) -> bool {
        matches!(self.kind, TroubleKind::TimedOut | TroubleKind::Unreachable | TroubleKind::Other)
    }

    /// The same, with what it was about before it: `s3://bucket/key: …`.
    #[must_use]
    pub fn about(mut self, what: &dyn fmt::Display) -> Trouble {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The error number that a program is told.
    pub fn errno(&self) -> Errno {
        match self.kind {
            TroubleKind::Missing => Errno::ENOENT,
            TroubleKind::NoBucket => Errno::ENODEV,
            TroubleKind::Changed => Errno::EBUSY,
            TroubleKind::Denied | TroubleKind::Settings => Errno::EACCES,
            TroubleKind::TimedOut => Errno::ETIMEDOUT,
            TroubleKind::Unsupported => Errno::EOPNOTSUPP,
            TroubleKind::Unreachable | TroubleKind::TooLarge | TroubleKind::Source | TroubleKind::Other => {
                Errno::EIO
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Trouble {}

impl From<Trouble> for NodeError {
    fn from(trouble: Trouble) -> NodeError {
        NodeError::with_source(trouble.errno(), trouble)
    }
}

/// What servers call their errors, and what to say of each.
const CODES: &[(&str, TroubleKind, &str)] = &[
    (
        "NoSuchBucket",
        TroubleKind::NoBucket,
        "there is no such bucket; check its name, the region and the endpoint",
    ),
    (
        "InvalidAccessKeyId",
        TroubleKind::Denied,
        "the server does not know this access key; check AWS_ACCESS_KEY_ID and the endpoint",
    ),
    (
        "NotSignedUp",
        TroubleKind::Denied,
        "the server does not know this access key; check AWS_ACCESS_KEY_ID and the endpoint",
    ),
    ("SignatureDoesNotMatch", TroubleKind::Denied, "the secret key is wrong; check AWS_SECRET_ACCESS_KEY"),
    ("RequestTimeTooSkewed", TroubleKind::Denied, "the clock of this machine is wrong; set it and try again"),
    ("ExpiredToken", TroubleKind::Denied, "the credentials have expired; get new ones"),
    ("TokenRefreshRequired", TroubleKind::Denied, "the credentials have expired; get new ones"),
    ("InvalidToken", TroubleKind::Denied, "the session token is wrong; check AWS_SESSION_TOKEN"),
    ("AuthorizationHeaderMalformed", TroubleKind::Denied, "the region is wrong; check AWS_REGION"),
    ("PermanentRedirect", TroubleKind::Denied, "the bucket is in another region; check AWS_REGION"),
    ("SlowDown", TroubleKind::Other, "the server is overloaded and asks for less; try again later"),
    ("ServiceUnavailable", TroubleKind::Other, "the server is overloaded and asks for less; try again later"),
];

impl From<object_store::Error> for Trouble {
    fn from(error: object_store::Error) -> Trouble {
        let text = chain(&error);
        if let Some((_, kind, say)) =
            CODES.iter().find(|(code, ..)| text.contains(&format!("<Code>{code}</Code>")))
        {
            return Trouble::new(*kind, *say);
        }
        by_kind(&error, &text)
    }
}

fn by_kind(error: &object_store::Error, text: &str) -> Trouble {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } => Trouble::new(TroubleKind::Missing, "there is no such object"),
        E::AlreadyExists { .. } => Trouble::new(TroubleKind::Changed, "somebody else made it meanwhile"),
        E::Precondition { .. } | E::NotModified { .. } => {
            Trouble::new(TroubleKind::Changed, "somebody else changed it meanwhile")
        }
        E::PermissionDenied { .. } => Trouble::new(
            TroubleKind::Denied,
            "the server refuses this to these keys; check their rights on the bucket, the keys and the clock",
        ),
        E::Unauthenticated { .. } => {
            Trouble::new(TroubleKind::Denied, "the server does not accept these keys; check them")
        }
        E::NotSupported { .. } | E::NotImplemented { .. } => {
            Trouble::new(TroubleKind::Unsupported, "this store cannot do that")
        }
        E::InvalidPath { source } => {
            let text = line(&source.to_string());
            Trouble::new(TroubleKind::Unsupported, format!("a key that cannot be shown or used: {text}"))
        }
        _ => generic(text),
    }
}

/// By the words of the HTTP client below, which has no types for them on its surface.
fn generic(text: &str) -> Trouble {
    let has = |word: &str| text.contains(word);
    if let Some(told) = sift::TOLD.into_iter().find(|told| has(told)) {
        return Trouble::new(TroubleKind::Other, told);
    }
    if has("301") && has("LOCATION") {
        return Trouble::new(TroubleKind::Denied, "the bucket is in another region; check AWS_REGION");
    }
    if has("dns error") || has("Connect") || has("onnection refused") || has("tcp connect") {
        return Trouble::new(
            TroubleKind::Unreachable,
            "the server cannot be reached; check the network and the endpoint",
        );
    }
    if has("operation timed out") || has("timed out") {
        return Trouble::new(TroubleKind::TimedOut, "the server did not answer in time; check the network");
    }
    let said = element(text, "Code").map(|code| match element(text, "Message") {
        Some(message) => format!("the server answers {code}: {message}"),
        None => format!("the server answers {code}"),
    });
    if said.is_none() && has("error sending request") {
        let broke = "the connection broke; check the network and the endpoint, and try again";
        return Trouble::new(TroubleKind::Unreachable, broke);
    }
    let said = said.or_else(|| status(text));
    Trouble::new(TroubleKind::Other, line(said.as_deref().unwrap_or(text)))
}

/// What is to be said of a status that came without a code.
fn status(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("status code: ")?;
    let status = rest.split(':').next()?.trim();
    let later = if status.starts_with('5') { "; try again later" } else { "; check the endpoint" };
    Some(format!("the server answers {status}{later}"))
}

/// The text on one line that is no longer than what one reads.
fn line(text: &str) -> String {
    let line = text.split_whitespace().map(without_user).collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// A word without what stands before an `@` in the address that it holds, which may be a password: of a proxy, for one.
fn without_user(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, rest)) => match rest.split('/').next().and_then(|authority| authority.rfind('@')) {
            Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
            None => word.to_owned(),
        },
        None => word.to_owned(),
    }
}

/// What stands in the first element of that name of a server's XML.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0).filter(|inner| !inner.is_empty())
}

/// What an error and all behind it say; most of them repeat those behind them.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let behind = error.to_string();
        if !text.contains(&behind) {
            text.push_str(": ");
            text.push_str(&behind);
        }
        next = error.source();
    }
    text
}
