//! One page of a listing: which of its entries can stay. S3 and Google write `ListBucketResult`, Azure `EnumerationResults`.

use std::ops::Range;

use object_store::path::Path as Key;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

/// A page from which entries were taken.
pub(super) struct Page {
    pub left: Vec<u8>,
    pub hidden: u64,
}

/// What is wrong with a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// It ends before it is complete, or is damaged.
    Cut,
    /// It is no listing.
    Else,
    /// It says that there is more and not how to get it.
    Nowhere,
}

/// Whether the client below can have a key, and has it as it is: with a slash at its end it is a folder's.
pub(in crate::object) fn is_key(key: &str) -> bool {
    let name = key.strip_suffix('/').unwrap_or(key);
    !name.is_empty() && Key::parse(name).is_ok_and(|parsed| parsed.as_ref() == name)
}

/// A page without the entries whose names cannot be; `None` where all can.
pub(super) fn sift(page: &[u8]) -> Result<Option<Page>, Flaw> {
    let mut reader = Reader::from_reader(page);
    let mut walk = Walk::default();
    loop {
        let before = reader.buffer_position() as usize;
        match reader.read_event().map_err(|_| Flaw::Cut)? {
            Event::Start(tag) => walk.open(tag.local_name().as_ref(), before),
            Event::Empty(tag) => {
                walk.open(tag.local_name().as_ref(), before);
                walk.close(reader.buffer_position() as usize);
            }
            Event::End(_) => walk.close(reader.buffer_position() as usize),
            Event::Text(text) => walk.text(text.xml10_content().ok().as_deref()),
            Event::CData(text) => walk.text(text.xml10_content().ok().as_deref()),
            Event::GeneralRef(reference) => walk.text(resolve(&reference).as_deref()),
            Event::Eof => break,
            _ => {}
        }
    }
    walk.end()?;
    Ok((!walk.cuts.is_empty())
        .then(|| Page { left: without(page, &walk.cuts), hidden: walk.cuts.len() as u64 }))
}

/// What `&…;` stands for.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(c)) => Some(c.into()),
        Ok(None) => resolve_xml_entity(&reference.decode().ok()?).map(str::to_owned),
        Err(_) => None,
    }
}

fn without(page: &[u8], cuts: &[Range<usize>]) -> Vec<u8> {
    let mut left = Vec::with_capacity(page.len());
    let mut from = 0;
    for cut in cuts {
        left.extend_from_slice(&page[from..cut.start]);
        from = cut.end;
    }
    left.extend_from_slice(&page[from..]);
    left
}

/// Where in a page the reader is.
#[derive(Default)]
struct Walk {
    /// The elements that are open, outermost first; as far as they matter.
    path: Vec<Element>,
    entry: Option<Entry>,
    /// The text of the element that is open; nothing where it cannot be understood.
    said: Option<String>,
    cuts: Vec<Range<usize>>,
    is_listing: bool,
    goes_on: bool,
    next: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Root,
    /// Round the entries, in Azure's.
    Blobs,
    Entry,
    Name,
    GoesOn,
    Next,
    Other,
}

/// An entry that is open: where it began, and whether its name can be.
struct Entry {
    start: usize,
    good: bool,
}

impl Walk {
    fn open(&mut self, tag: &[u8], at: usize) {
        let element = match (self.path.as_slice(), tag) {
            ([], b"ListBucketResult" | b"EnumerationResults") => Element::Root,
            ([Element::Root], b"Blobs") => Element::Blobs,
            ([Element::Root], b"Contents" | b"CommonPrefixes") => Element::Entry,
            ([Element::Root, Element::Blobs], b"Blob" | b"BlobPrefix") => Element::Entry,
            ([.., Element::Entry], b"Key" | b"Prefix" | b"Name") => Element::Name,
            ([Element::Root], b"IsTruncated") => Element::GoesOn,
            ([Element::Root], b"NextContinuationToken" | b"NextMarker") => Element::Next,
            _ => Element::Other,
        };
        self.is_listing |= element == Element::Root;
        if element == Element::Entry {
            self.entry = Some(Entry { start: at, good: false });
        }
        self.said = Some(String::new());
        self.path.push(element);
    }

    fn text(&mut self, text: Option<&str>) {
        match (&mut self.said, text) {
            (Some(said), Some(text)) => said.push_str(text),
            (said, _) => *said = None,
        }
    }

    fn close(&mut self, at: usize) {
        let said = self.said.take();
        match self.path.pop() {
            Some(Element::Name) => {
                if let Some(entry) = &mut self.entry {
                    entry.good = said.is_some_and(|name| is_key(&name));
                }
            }
            Some(Element::Entry) => {
                let bad = self.entry.take().filter(|entry| !entry.good);
                self.cuts.extend(bad.map(|entry| entry.start..at));
            }
            Some(Element::GoesOn) => self.goes_on = said.as_deref() == Some("true"),
            Some(Element::Next) => self.next = said.is_some_and(|token| !token.is_empty()),
            _ => {}
        }
    }

    fn end(&self) -> Result<(), Flaw> {
        match () {
            () if !self.path.is_empty() => Err(Flaw::Cut),
            () if !self.is_listing => Err(Flaw::Else),
            () if self.goes_on && !self.next => Err(Flaw::Nowhere),
            () => Ok(()),
        }
    }
}
