//! What is at an address: whether it is a place for pushes, and which there are.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::about::About;
use super::block::{self, Hash};
use super::manifest::{self, Flaw, Manifest};
use super::{PushError, PushInfo, PushName};
use crate::object::{Bucket, Expect, Found, Trouble, TroubleKind};

/// The most pages of a listing that are read, and pushes that are told: no end would be one of somebody hostile.
const PAGES_MOST: usize = 1000;

/// A prefix that holds pushes.
#[derive(Clone, Copy)]
pub(super) struct Depot<'a> {
    pub(super) bucket: &'a Bucket,
}

impl<'a> Depot<'a> {
    /// What is there; `None` if nothing at all is.
    ///
    /// # Errors
    /// [`PushError::Unusable`] if it is something else, or newer.
    pub(super) fn find(bucket: &'a Bucket) -> Result<Option<Depot<'a>>, PushError> {
        Ok(match About::of(bucket)? {
            About::Said | About::Lost => Some(Depot { bucket }),
            About::Empty => None,
        })
    }

    /// The same, made if nothing is there.
    pub(super) fn find_or_make(bucket: &'a Bucket) -> Result<Depot<'a>, PushError> {
        About::of(bucket)?.say(bucket)?;
        Ok(Depot { bucket })
    }

    /// The names under which there is something, in order.
    pub(super) fn names(&self) -> Result<Vec<PushName>, PushError> {
        let mut names = Vec::new();
        pages(self.bucket, "pushes", |_, folders| {
            names.extend(folders.iter().filter_map(|name| name.parse().ok()))
        })?;
        names.sort();
        Ok(names)
    }

    /// The numbers of the pushes under a name, in order.
    pub(super) fn numbers(&self, name: &PushName) -> Result<Vec<u64>, PushError> {
        let mut numbers = Vec::new();
        let number = |found: &Found| {
            let last = found.name.rsplit('/').next()?;
            let number = last.parse().ok()?;
            (object(name, number) == found.name).then_some(number)
        };
        pages(self.bucket, &format!("pushes/{name}"), |objects, _| {
            numbers.extend(objects.iter().filter_map(number));
        })?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The latest push under a name, if there is one.
    pub(super) fn latest(&self, name: &PushName) -> Result<Option<Manifest>, PushError> {
        self.numbers(name)?.last().map(|number| self.manifest(name, *number)).transpose()
    }

    /// A push, whole and verified.
    pub(super) fn manifest(&self, name: &PushName, number: u64) -> Result<Manifest, PushError> {
        let flawed = |flaw| self.flawed(name, number, &flaw);
        let bytes = beginning(self.bucket, &object(name, number), manifest::LARGEST + 1)?;
        if bytes.len() as u64 > manifest::LARGEST {
            return Err(flawed(Flaw::Damaged("it is too large")));
        }
        let manifest = Manifest::decode(&bytes).map_err(flawed)?;
        let is_it = manifest.info.name == *name && manifest.info.number == number;
        if is_it { Ok(manifest) } else { Err(flawed(Flaw::Damaged("it belongs somewhere else"))) }
    }

    /// What a push says of itself, to be shown.
    fn glimpse(&self, name: &PushName, number: u64) -> Result<PushInfo, PushError> {
        let bytes = beginning(self.bucket, &object(name, number), manifest::BEGINNING)?;
        Manifest::glimpse(&bytes).map_err(|flaw| self.flawed(name, number, &flaw))
    }

    fn flawed(&self, name: &PushName, number: u64, flaw: &Flaw) -> PushError {
        let at = self.bucket.location();
        let place = at.join(&object(name, number)).to_string();
        match flaw {
            Flaw::Newer(format) => newer(&place, *format),
            Flaw::Damaged(what) => PushError::Unusable(format!(
                "{place}: this push is damaged, {what}; pull an earlier one with --number, push under another name, or \
                 remove it: `cowry push --remove {number} --name {name} {at}`"
            )),
        }
    }

    /// Tells of the pieces of content that a push needs beside the file, list by list.
    pub(super) fn pieces(&self, manifest: &Manifest, each: &mut dyn FnMut(Hash)) -> Result<(), PushError> {
        for (number, hash) in manifest.lists.iter().enumerate() {
            let list = block::fetch(self.bucket, hash, manifest.list_length(number))?;
            list.chunks_exact(32).for_each(|piece| each(piece.try_into().expect("32 bytes")));
        }
        Ok(())
    }

    /// Writes a push, if there is none of its number.
    pub(super) fn write(&self, manifest: &Manifest) -> Result<(), PushError> {
        let (name, number) = (&manifest.info.name, manifest.info.number);
        let bytes = Bytes::from(manifest.encode());
        match self.bucket.put(&object(name, number), bytes, &Expect::Absent, &BTreeMap::new()) {
            Err(trouble) if trouble.kind() == TroubleKind::Changed => Err(PushError::Conflict(format!(
                "somebody else pushed {name} meanwhile: see `cowry push --list {}`, and pull that first",
                self.bucket.location()
            ))),
            written => Ok(written.map(drop)?),
        }
    }

    /// Removes a push. Its blocks stay.
    pub(super) fn remove(&self, name: &PushName, number: u64) -> Result<(), Trouble> {
        self.bucket.delete(&object(name, number))
    }
}

/// The pushes at an address, by name and number; what cannot be read is told beside them.
///
/// # Errors
/// [`PushError::Unusable`] if nothing of the kind is there.
pub fn list_pushes(bucket: &Bucket) -> Result<(Vec<PushInfo>, Vec<PushError>), PushError> {
    let (mut pushes, mut unreadable) = (Vec::new(), Vec::new());
    let Some(depot) = Depot::find(bucket)? else { return Ok((pushes, unreadable)) };
    for name in depot.names()? {
        for number in depot.numbers(&name)? {
            match depot.glimpse(&name, number) {
                Ok(info) => pushes.push(info),
                Err(error @ PushError::Unusable(_)) => unreadable.push(error),
                Err(error) => return Err(error),
            }
        }
    }
    Ok((pushes, unreadable))
}

fn object(name: &PushName, number: u64) -> String {
    format!("pushes/{name}/{number:010}")
}

pub(super) fn newer(place: &str, format: u32) -> PushError {
    PushError::Unusable(format!(
        "{place} was pushed by a newer version (format {format}, this one knows {}): upgrade cowry",
        manifest::FORMAT
    ))
}

/// The first bytes of an object, of which there may be fewer: none at all if something damaged it.
pub(super) fn beginning(bucket: &Bucket, name: &str, most: u64) -> Result<Bytes, Trouble> {
    bucket.get(name, Some(0..most), None).or_else(|trouble| match bucket.head(name) {
        // Of nothing no store gives a range.
        Ok(Some(found)) if found.size == 0 => Ok(Bytes::new()),
        _ => Err(trouble),
    })
}

/// Reads a listing to its end.
fn pages(bucket: &Bucket, folder: &str, mut each: impl FnMut(&[Found], &[String])) -> Result<(), PushError> {
    let mut after = None;
    for _ in 0..PAGES_MOST {
        let page = bucket.list(folder, after, 1000)?;
        each(&page.objects, &page.folders);
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
    let place = bucket.location().join(folder);
    Err(PushError::Unusable(format!("{place}: more is there than can be looked through")))
}
