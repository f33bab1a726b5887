//! Revisions as people name them: `12`, `latest~1`, `2026-11-20T08:00:00Z`, `latest:/out/a.json`.

use std::str::FromStr;

use cowry_vfs::sqlite::{Revision, RevisionName};
use cowry_vfs::{Timestamp, VPathBuf};
use jiff::civil;
use jiff::tz::TimeZone;

/// How a revision was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RevisionSpec {
    /// By its number.
    Number(Revision),
    /// By a name it was given.
    Name(RevisionName),
    /// So many before the latest, of those that are left: `latest` is 0, `latest~2` is 2.
    Latest(u64),
    /// The last one sealed at or before this time.
    At(Timestamp),
}

/// A path, and the revision it is read in (`None`: as it is now).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevisionPath {
    /// Which revision.
    pub revision: Option<RevisionSpec>,
    /// Where in it.
    pub path: VPathBuf,
}

/// A revision that is malformed or not there. The message lists what is accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevisionError {
    /// It is no way to name a revision.
    #[error(
        "\"{text}\" names no revision: use a number, a name, latest, latest~N, or a time such as 2026-11-20T08:00:00Z"
    )]
    Malformed {
        /// As given.
        text: String,
    },
    /// There is no such revision.
    #[error("there is no revision {text}: the latest is {latest}")]
    Missing {
        /// As given.
        text: String,
        /// The latest there is.
        latest: Revision,
    },
    /// No revision has this name.
    #[error("no revision is called {name}: `cowry name --list` lists the names")]
    NoName {
        /// As given.
        name: String,
    },
    /// It was removed by pruning, or nothing was sealed by then.
    #[error("nothing was sealed by {text}: the first revision is of {first}")]
    TooEarly {
        /// As given.
        text: String,
        /// When the first one was sealed.
        first: String,
    },
    /// The path behind the colon is no path.
    #[error("\"{text}\" is no path in a revision: write REV:/path, such as latest~1:/out/a.json")]
    BadPath {
        /// As given.
        text: String,
    },
}

impl FromStr for RevisionSpec {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<RevisionSpec, RevisionError> {
        let malformed = || RevisionError::Malformed { text: text.into() };
        if text == "latest" {
            return Ok(RevisionSpec::Latest(0));
        }
        if let Some(back) = text.strip_prefix("latest~") {
            return number(back).map(RevisionSpec::Latest).ok_or_else(malformed);
        }
        if let Some(number) = number(text) {
            return Ok(RevisionSpec::Number(Revision(number)));
        }
        let named = || text.parse().map(RevisionSpec::Name).map_err(|_| malformed());
        time(text).map_or_else(named, |time| Ok(RevisionSpec::At(time)))
    }
}

impl FromStr for RevisionPath {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<RevisionPath, RevisionError> {
        let bad = || RevisionError::BadPath { text: text.into() };
        // The times of day in a revision have colons too, but never one before a slash.
        let (revision, path) = match text.split_once(":/") {
            Some((revision, _)) if !revision.contains('/') => {
                (Some(revision.parse()?), &text[revision.len() + 1..])
            }
            _ => (None, text),
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(RevisionPath { revision, path: VPathBuf::parse(&path).map_err(|_| bad())? })
    }
}

/// Digits only, so that `+5` and `-5` are refused.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A time with an offset, or one of this host's time zone; a date alone means its midnight.
fn time(text: &str) -> Option<Timestamp> {
    let stamp = match text.parse::<jiff::Timestamp>() {
        Ok(stamp) => stamp,
        Err(_) => {
            let local: civil::DateTime = match text.parse::<civil::DateTime>() {
                Ok(local) => local,
                Err(_) => text.parse::<civil::Date>().ok()?.at(0, 0, 0, 0),
            };
            local.to_zoned(TimeZone::system()).ok()?.timestamp()
        }
    };
    Some(Timestamp(i64::try_from(stamp.as_nanosecond()).ok()?))
}

/// A time the way it is written in messages and records.
pub(crate) fn format_time(time: Timestamp) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(stamp) => stamp.round(jiff::Unit::Second).unwrap_or(stamp).to_string(),
        Err(_) => format!("{} ns", time.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Result<RevisionSpec, RevisionError> {
        text.parse()
    }

    #[test]
    fn what_names_a_revision() {
        for (text, expected) in [
            ("12", RevisionSpec::Number(Revision(12))),
            ("0", RevisionSpec::Number(Revision(0))),
            ("latest", RevisionSpec::Latest(0)),
            ("latest~0", RevisionSpec::Latest(0)),
            ("latest~3", RevisionSpec::Latest(3)),
            ("release-1", RevisionSpec::Name("release-1".parse().expect("a name"))),
            ("1970-01-01T00:00:01Z", RevisionSpec::At(Timestamp(1_000_000_000))),
            ("1970-01-01T01:00:01+01:00", RevisionSpec::At(Timestamp(1_000_000_000))),
        ] {
            assert_eq!(spec(text), Ok(expected), "{text}");
        }
        assert!(matches!(spec("2026-11-20"), Ok(RevisionSpec::At(_))));
        assert!(matches!(spec("2026-11-20T08:00"), Ok(RevisionSpec::At(_))));
    }

    #[test]
    fn what_does_not_says_what_would() {
        for text in
            ["", "new est", "latest~", "latest~x", "latest~-1", "-1", "+1", "1.5", "re/lease", "2026-13-01"]
        {
            let error = spec(text).expect_err(text).to_string();
            assert!(error.contains("a number, a name, latest, latest~N, or a time"), "{error}");
        }
    }

    #[test]
    fn a_path_in_a_revision() {
        let at = |text: &str| text.parse::<RevisionPath>().map(|p| (p.revision, p.path.as_str().to_owned()));
        assert_eq!(at("/a"), Ok((None, "/a".into())));
        assert_eq!(at("a/b"), Ok((None, "/a/b".into())));
        assert_eq!(at("3:/a"), Ok((Some(RevisionSpec::Number(Revision(3))), "/a".into())));
        assert_eq!(at("latest~1:/"), Ok((Some(RevisionSpec::Latest(1)), "/".into())));
        assert_eq!(at("/odd:/name"), Ok((None, "/odd:/name".into())));
        let timed = at("1970-01-01T00:00:01Z:/x/y");
        assert_eq!(timed, Ok((Some(RevisionSpec::At(Timestamp(1_000_000_000))), "/x/y".into())));
        let named = at("v1:/x");
        assert_eq!(named, Ok((Some(RevisionSpec::Name("v1".parse().expect("a name"))), "/x".into())));
        assert!(at("non sense:/a").is_err());
    }
}
