//! Removing old pushes, and blocks that no push names.

use std::collections::HashSet;
use std::time::Duration;

use super::block::{self, Hash};
use super::depot::Depot;
use super::parallel::in_parallel;
use super::running::{Doing, Running};
use super::{PARALLEL, PushError, PushName};
use crate::failpoint;
use crate::object::Bucket;

/// What to remove.
#[derive(Clone, Debug)]
pub struct PrunePushes {
    /// Only pushes of this name; of each name if `None`.
    pub name: Option<PushName>,
    /// How many of the latest stay. 0 is for one name only: all of it goes.
    pub keep: usize,
    /// Blocks that no push names stay so long after they were written: a push that was killed may go on.
    pub grace: Duration,
}

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PrunedPushes {
    /// Pushes that went.
    pub pushes: u64,
    /// Pushes that are left, under all names.
    pub left: u64,
    /// Blocks that went.
    pub blocks: u64,
    /// Their bytes, as they were stored.
    pub bytes: u64,
    /// Blocks that no push names and that are too young to go.
    pub young_blocks: u64,
}

/// Removes old pushes, then the blocks that no push that is left names. Whoever pulls one of the pushes that go is told.
///
/// # Errors
/// [`PushError::Conflict`] while somebody pushes or cleans up. [`PushError::Unusable`] if a push that stays cannot be
/// read, since it is not known what it needs: nothing is removed then.
pub fn prune_pushes(bucket: &Bucket, request: &PrunePushes) -> Result<PrunedPushes, PushError> {
    if request.keep == 0 && request.name.is_none() {
        return Err(PushError::Unusable("to remove all of a name, say which with --name".into()));
    }
    let mut report = PrunedPushes::default();
    let Some(depot) = Depot::find(bucket)? else { return Ok(report) };
    let mut running = Running::enter(bucket, Doing::CleanUp)?;
    let (stay, go) = sort(&depot, request)?;
    let mut needed: HashSet<Hash> = HashSet::new();
    for (name, number) in &stay {
        let manifest = depot.manifest(name, *number)?;
        depot.pieces(&manifest, &mut |piece| needed.extend([piece]))?;
        needed.extend(manifest.hashes);
        needed.extend(manifest.lists);
        running.beat()?;
    }
    report.left = stay.len() as u64;
    running.require()?;
    for (name, number) in go {
        depot.remove(&name, number)?;
        report.pushes += 1;
        running.beat()?;
    }
    failpoint::pass("PRUNE_PUSHES_GONE")?;
    let grace = i64::try_from(request.grace.as_nanos()).unwrap_or(i64::MAX);
    let until = running.began.saturating_sub(grace);
    for first in 0..=u8::MAX {
        sweep(bucket, first, &needed, until, &mut running, &mut report)?;
    }
    Ok(report)
}

/// Removes one push, also one that cannot be read. Its blocks stay until pushes are pruned.
///
/// # Errors
/// [`PushError::Conflict`] while somebody pushes or cleans up; [`PushError::Unusable`] if there is no such push.
pub fn remove_push(bucket: &Bucket, name: &PushName, number: u64) -> Result<(), PushError> {
    let place = bucket.location();
    let none = format!("there is no push {number} of {name}: see `cowry push --list {place}`");
    let Some(depot) = Depot::find(bucket)? else { return Err(PushError::Unusable(none)) };
    let running = Running::enter(bucket, Doing::CleanUp)?;
    if !depot.numbers(name)?.contains(&number) {
        return Err(PushError::Unusable(none));
    }
    running.require()?;
    Ok(depot.remove(name, number)?)
}

type Pushes = Vec<(PushName, u64)>;

/// The pushes that stay, and those that go.
fn sort(depot: &Depot<'_>, request: &PrunePushes) -> Result<(Pushes, Pushes), PushError> {
    let (mut stay, mut go) = (Pushes::new(), Pushes::new());
    for name in depot.names()? {
        let numbers = depot.numbers(&name)?;
        let is_meant = request.name.as_ref().is_none_or(|meant| *meant == name);
        let old = if is_meant { numbers.len().saturating_sub(request.keep) } else { 0 };
        let named = numbers.into_iter().map(|number| (name.clone(), number));
        let (first, last): (Vec<_>, Vec<_>) = named.enumerate().partition(|(place, _)| *place < old);
        go.extend(first.into_iter().map(|(_, push)| push));
        stay.extend(last.into_iter().map(|(_, push)| push));
    }
    Ok((stay, go))
}

/// Removes the blocks with this first byte that nobody needs.
fn sweep(
    bucket: &Bucket,
    first: u8,
    needed: &HashSet<Hash>,
    until: i64,
    running: &mut Running<'_>,
    report: &mut PrunedPushes,
) -> Result<(), PushError> {
    let (mut loose, mut young) = (Vec::new(), 0);
    bucket.list_all(&block::shelf(first), |found| {
        let is_loose = block::by_name(&found.name).is_some_and(|hash| !needed.contains(&hash));
        match is_loose {
            true if found.modified <= until => loose.push((found.name, found.size)),
            true => young += 1,
            false => {}
        }
        Ok(())
    })?;
    report.young_blocks += young;
    // A push that began since this was taken for dead may need them.
    if !loose.is_empty() {
        running.require()?;
    }
    in_parallel(
        loose.len(),
        PARALLEL,
        &|number| Ok(bucket.delete(&loose[number].0)?),
        &mut |number, ()| {
            report.blocks += 1;
            report.bytes += loose[number].1;
            Ok(())
        },
        &mut || running.beat(),
    )
}
