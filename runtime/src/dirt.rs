//! The pages that a job writes to, whatever the job is: engine, allocator, stack. A fork shares them with its zygote
//! until it writes, and then waits for a copy of each. Copied ahead, in one go and before there is a job, they cost no
//! job any time, and take no more memory than they would have taken.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use crate::sys;

/// Neighbouring pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Span {
    address: usize,
    bytes: usize,
}

/// Pages that were written to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Dirt {
    spans: Vec<Span>,
    /// Bytes by which the heap had grown.
    grown: usize,
}

impl Dirt {
    /// Makes these pages this process's own.
    pub(crate) fn touch(&self) {
        sys::grow_heap(self.grown);
        for span in &self.spans {
            sys::own_pages(span.address, span.bytes);
        }
    }
}

/// What a process looks at to tell its own pages from those it shares. Opened while it still can be.
pub(crate) struct Look {
    maps: File,
    pages: File,
    /// Where the heap ended.
    heap_end: usize,
}

impl Look {
    pub(crate) fn begin() -> io::Result<Look> {
        let (maps, pages) = (File::open("/proc/self/maps")?, File::open("/proc/self/pagemap")?);
        Ok(Look { maps, pages, heap_end: sys::heap_end() })
    }

    /// The descriptors that it needs.
    pub(crate) fn files(&self) -> [&File; 2] {
        [&self.maps, &self.pages]
    }

    /// The pages that have become this process's own.
    pub(crate) fn finish(self) -> io::Result<Dirt> {
        let mut maps = String::new();
        io::Read::read_to_string(&mut &self.maps, &mut maps)?;
        let mut spans = Vec::new();
        for (from, to) in maps.lines().filter_map(writable) {
            self.own(from, to, &mut spans)?;
        }
        Ok(Dirt { spans, grown: sys::heap_end().saturating_sub(self.heap_end) })
    }

    fn own(&self, from: usize, to: usize, spans: &mut Vec<Span>) -> io::Result<()> {
        let page = sys::page_bytes() as usize;
        let mut entries = vec![0; (to - from) / page * size_of::<u64>()];
        let read = self.pages.read_at(&mut entries, (from / page * size_of::<u64>()) as u64)?;
        let entries = entries[..read].as_chunks::<{ size_of::<u64>() }>().0;
        for (address, entry) in (from..).step_by(page).zip(entries) {
            if !is_own(u64::from_ne_bytes(*entry)) {
                continue;
            }
            match spans.last_mut() {
                Some(last) if last.address + last.bytes == address => last.bytes += page,
                _ => spans.push(Span { address, bytes: page }),
            }
        }
        Ok(())
    }
}

/// Whether a page is there, anonymous, and mapped by nobody else: see the kernel's `pagemap.rst`.
fn is_own(entry: u64) -> bool {
    const EXCLUSIVE: u64 = 1 << 56;
    const FILE_OR_SHARED: u64 = 1 << 61;
    const PRESENT: u64 = 1 << 63;
    entry & (EXCLUSIVE | FILE_OR_SHARED | PRESENT) == EXCLUSIVE | PRESENT
}

/// The addresses of a line of `maps`, if what it is about can be written and is private.
fn writable(line: &str) -> Option<(usize, usize)> {
    let (range, rest) = line.split_once(' ')?;
    let (from, to) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    if rest.starts_with("rw-p") { Some((address(from)?, address(to)?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_private_and_can_be_written_counts() {
        assert_eq!(writable("1000-3000 rw-p 00000000 00:00 0    [heap]"), Some((0x1000, 0x3000)));
        assert_eq!(writable("1000-3000 r--p 00000000 00:00 0"), None);
        assert_eq!(writable("1000-3000 rw-s 00000000 00:00 0"), None);
    }

    #[test]
    fn a_page_is_ones_own_if_nobody_else_maps_it() {
        assert!(is_own(1 << 63 | 1 << 56));
        assert!(!is_own(1 << 63) && !is_own(1 << 56) && !is_own(1 << 63 | 1 << 61 | 1 << 56));
    }

    #[test]
    fn touching_what_is_not_there_does_no_harm() {
        let spans = vec![Span { address: 1 << 46, bytes: 4096 }];
        Dirt { spans, grown: 4096 }.touch();
    }
}
