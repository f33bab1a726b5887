//! Fetching ahead of who reads on, in the background: as much again as was read in one go, up to a bound.
//!
//! Who jumps about has nothing fetched ahead, and a jump stops what is under way. So what is fetched and not read is
//! never more than twice what was read before it, nor than a few requests of the largest size.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::task::AbortHandle;

use super::ObjectLayer;
use super::blocks::BLOCK;
use super::read::{LARGEST, Source};
use crate::object::bucket::Found;

/// A read so far before the last one is no jump: several threads read one file in turn.
const NEAR: u64 = 1 << 20;

/// How a file is being read.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Ahead {
    /// Where the next read begins if it goes on.
    next: u64,
    /// Bytes read one after another.
    run: u64,
    /// Where what is fetched, or under way, ends.
    upto: u64,
}

/// What a read is in the row of reads of its file.
enum Step {
    GoesOn,
    Near,
    Jump,
}

impl Ahead {
    fn step(&mut self, offset: u64, end: u64) -> Step {
        let step = match () {
            () if self.next > 0 && offset == self.next => Step::GoesOn,
            () if self.next > 0 && offset + NEAR >= self.next && offset < self.upto => Step::Near,
            () => Step::Jump,
        };
        match step {
            Step::GoesOn => (self.run, self.next) = (self.run + (end - offset), end),
            Step::Near => self.next = self.next.max(end),
            Step::Jump => *self = Ahead { next: end, run: end - offset, upto: 0 },
        }
        self.upto = self.upto.max(end.div_ceil(BLOCK) * BLOCK);
        step
    }

    /// How much is asked for at once.
    fn window(&self) -> u64 {
        self.run.saturating_mul(2).clamp(BLOCK, LARGEST) / BLOCK * BLOCK
    }
}

impl ObjectLayer {
    /// Notes a read, and has fetched what is likely to be read next. Tells how much is worth asking for at once.
    pub(super) fn read_on(&self, source: &Source, offset: u64, end: u64) -> u64 {
        let (step, ahead) = {
            let mut state = self.state.lock();
            let Ok(node) = state.table.get(source.ino) else { return BLOCK };
            let step = node.ahead.step(offset, end);
            (step, node.ahead)
        };
        match step {
            Step::Jump => {
                self.flights.stop(Some(source.content));
                BLOCK
            }
            Step::Near => ahead.window(),
            Step::GoesOn => {
                self.top_up(source, ahead);
                ahead.window()
            }
        }
    }

    /// Fetches more, as soon as half of what there should be is read.
    fn top_up(&self, source: &Source, mut ahead: Ahead) {
        let (before, window) = (ahead.upto, ahead.window().min(self.flights.room / 2));
        while ahead.upto < ahead.next + window && self.blocks.has(source.content, ahead.upto / BLOCK) {
            ahead.upto += BLOCK;
        }
        let stop = (ahead.upto + window).min(source.object.size);
        if ahead.upto < stop && ahead.upto - ahead.next < window / 2 && self.fly(source, ahead.upto..stop) {
            ahead.upto = stop;
        }
        if ahead.upto != before {
            self.fetched(source, ahead.upto);
        }
    }

    /// Notes how far a content is fetched.
    pub(super) fn fetched(&self, source: &Source, upto: u64) {
        if let Ok(node) = self.state.lock().table.get(source.ino) {
            node.ahead.upto = node.ahead.upto.max(upto);
        }
    }

    /// Begins to fetch a range, if there is room for it. Says whether it is under way.
    fn fly(&self, source: &Source, range: Range<u64>) -> bool {
        let Some(etag) = source.object.etag.clone() else { return false };
        let Some(flight) = Flights::begin(&self.flights, source.content, &range) else { return false };
        let (id, blocks, content, part) = (flight.id, self.blocks.clone(), source.content, range.clone());
        let land = move |found: Found, bytes: Bytes| {
            let flight = flight;
            // Whatever is wrong with it is found out by who asks for it again.
            let whole =
                found.etag.as_deref() == Some(&*etag) && bytes.len() as u64 == range.end - range.start;
            if whole {
                blocks.put(content, range.start / BLOCK, &bytes);
            }
            drop(flight);
        };
        let etag = source.object.etag.as_deref().unwrap_or_default();
        let running = self.bucket.fetch_part(&source.key, part, etag, land);
        self.flights.started(id, running);
        true
    }
}

/// Parts of contents that are being fetched in the background.
#[derive(Debug)]
pub(super) struct Flights {
    /// Bytes that may be under way.
    room: u64,
    inner: Mutex<Inner>,
    landed: Condvar,
}

#[derive(Default, Debug)]
struct Inner {
    flights: Vec<Flight>,
    last: u64,
}

#[derive(Debug)]
struct Flight {
    id: u64,
    content: u64,
    range: Range<u64>,
    /// Who reads what it brings.
    waiting: u32,
    running: Option<AbortHandle>,
}

/// A flight under way; it is over, one way or the other, when this is dropped.
struct Ticket {
    id: u64,
    flights: Arc<Flights>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.flights.inner.lock().flights.retain(|flight| flight.id != self.id);
        self.flights.landed.notify_all();
    }
}

impl Flights {
    pub fn new(room: u64) -> Flights {
        Flights { room, inner: Mutex::default(), landed: Condvar::new() }
    }

    fn begin(this: &Arc<Flights>, content: u64, range: &Range<u64>) -> Option<Ticket> {
        let mut inner = this.inner.lock();
        let under_way: u64 = inner.flights.iter().map(|flight| flight.range.end - flight.range.start).sum();
        let overlaps = |flight: &Flight| {
            flight.content == content && flight.range.start < range.end && range.start < flight.range.end
        };
        if under_way + (range.end - range.start) > this.room || inner.flights.iter().any(overlaps) {
            return None;
        }
        inner.last += 1;
        let id = inner.last;
        inner.flights.push(Flight { id, content, range: range.clone(), waiting: 0, running: None });
        Some(Ticket { id, flights: this.clone() })
    }

    fn started(&self, id: u64, running: AbortHandle) {
        if let Some(flight) = self.inner.lock().flights.iter_mut().find(|flight| flight.id == id) {
            flight.running = Some(running);
        }
    }

    /// Waits for what brings this byte of a content. Says whether anything was to.
    pub fn wait_for(&self, content: u64, at: u64) -> bool {
        let mut inner = self.inner.lock();
        let brings = |flight: &&mut Flight| flight.content == content && flight.range.contains(&at);
        let Some(flight) = inner.flights.iter_mut().find(brings) else { return false };
        flight.waiting += 1;
        let id = flight.id;
        while inner.flights.iter().any(|flight| flight.id == id) {
            self.landed.wait(&mut inner);
        }
        true
    }

    /// Where the next part of a content begins that is under way, past `at`.
    pub fn next(&self, content: u64, at: u64) -> Option<u64> {
        let inner = self.inner.lock();
        let starts = inner.flights.iter().filter(|flight| flight.content == content);
        starts.map(|flight| flight.range.start).filter(|start| *start > at).min()
    }

    /// Stops what is under way of a content, or of all, unless somebody waits for it.
    pub fn stop(&self, content: Option<u64>) {
        let inner = self.inner.lock();
        let idle =
            |flight: &&Flight| flight.waiting == 0 && content.is_none_or(|content| flight.content == content);
        inner
            .flights
            .iter()
            .filter(idle)
            .filter_map(|flight| flight.running.as_ref())
            .for_each(AbortHandle::abort);
    }
}

#[cfg(test)]
mod tests;
