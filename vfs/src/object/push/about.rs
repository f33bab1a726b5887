//! The object that says what a prefix is. Where it was lost or damaged, the pushes that are there say it as well.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::PushError;
use super::depot::{Depot, beginning, newer};
use super::manifest;
use crate::object::{Bucket, Expect, TroubleKind};

/// The object that says what the prefix is.
const ABOUT: &str = "cowry-push";
/// How it begins; the number of the format follows.
const ABOUT_BEGINS: &str = "cowry push format ";
/// And goes on, for people who come across it.
const ABOUT_GOES_ON: &str =
    "\nWorkspaces pushed by cowry. `cowry push --list` shows them, `cowry pull` brings one back.\n";
/// The most pushes that are looked at for one that is whole.
const LOOKED_AT: usize = 20;

/// What a prefix is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum About {
    /// One for pushes: it says so.
    Said,
    /// One that has pushes and does not say so.
    Lost,
    /// Nothing yet.
    Empty,
}

impl About {
    /// # Errors
    /// [`PushError::Unusable`] if it is something else, or newer.
    pub(super) fn of(bucket: &Bucket) -> Result<About, PushError> {
        let place = bucket.location();
        match beginning(bucket, ABOUT, 64) {
            Ok(about) => match format(&about) {
                Some(1..=manifest::FORMAT) => Ok(About::Said),
                Some(format) => Err(newer(&place.to_string(), format)),
                None if has_pushes(bucket)? => Ok(About::Lost),
                None => Err(PushError::Unusable(format!(
                    "{}: this is nothing of cowry's; name another prefix",
                    place.join(ABOUT)
                ))),
            },
            Err(trouble) if trouble.kind() == TroubleKind::Missing => without(bucket),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Says it, unless it is said.
    pub(super) fn say(self, bucket: &Bucket) -> Result<(), PushError> {
        let expect = match self {
            About::Said => return Ok(()),
            About::Lost => Expect::Anything,
            About::Empty => Expect::Absent,
        };
        let about = format!("{ABOUT_BEGINS}{}{ABOUT_GOES_ON}", manifest::FORMAT);
        match bucket.put(ABOUT, Bytes::from(about), &expect, &BTreeMap::new()) {
            // Somebody else made it, which is as good.
            Err(trouble) if trouble.kind() == TroubleKind::Changed => Ok(()),
            made => Ok(made.map(drop)?),
        }
    }
}

fn format(about: &[u8]) -> Option<u32> {
    String::from_utf8_lossy(about).strip_prefix(ABOUT_BEGINS)?.lines().next()?.parse().ok()
}

/// What a prefix is that does not say it.
fn without(bucket: &Bucket) -> Result<About, PushError> {
    let page = bucket.list("", None, 10)?;
    let mut names = page.objects.iter().map(|found| &found.name).chain(&page.folders);
    let Some(name) = names.find(|name| !name.is_empty()) else { return Ok(About::Empty) };
    if has_pushes(bucket)? {
        return Ok(About::Lost);
    }
    let name: String = name.chars().take(60).collect();
    Err(PushError::Unusable(format!(
        "{} holds something else ({name:?}): name a prefix of its own for pushes",
        bucket.location()
    )))
}

/// Whether there is a push that is whole: its hash tells that it is one.
fn has_pushes(bucket: &Bucket) -> Result<bool, PushError> {
    let (depot, mut left) = (Depot { bucket }, LOOKED_AT);
    for name in depot.names()?.into_iter().take(LOOKED_AT) {
        for number in depot.numbers(&name)?.into_iter().rev() {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            match depot.manifest(&name, number) {
                Ok(_) => return Ok(true),
                Err(PushError::Unusable(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(false)
}
