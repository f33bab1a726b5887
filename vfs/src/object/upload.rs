//! Writing an object from a reader: large ones in parts, several under way, in bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;

use bytes::{Bytes, BytesMut};
use object_store::path::Path as Key;
use object_store::{MultipartUpload, PutMultipartOptions, PutPayload};

use super::bridge::{self, Waiting};
use super::bucket::{Bucket, Expect, WRITE_MARK, Written, bare, look, mark};
use super::trouble::{Trouble, TroubleKind};

/// The length of a part, in bytes; also the largest object that is written in one request.
pub const PART_BYTES: usize = 8 << 20;
/// Parts under way at once.
const PARALLEL: usize = 4;
/// What servers allow at most, with some room.
const PARTS: u64 = 9_000;
/// The longest key that servers take, in bytes.
const KEY_BYTES: usize = 1024;

impl Bucket {
    /// Whether an object can have this name. Asks nobody.
    ///
    /// # Errors
    /// [`TroubleKind::Unsupported`] where it holds what no key may, or is too long with the prefix.
    pub fn check_name(&self, name: &str) -> Result<(), Trouble> {
        if self.key(name)?.as_ref().len() <= KEY_BYTES {
            return Ok(());
        }
        let text = format!("the name is too long: a key has at most {KEY_BYTES} bytes");
        Err(Trouble::new(TroubleKind::Unsupported, text).about(&self.location().join(name)))
    }

    /// Writes an object of about `size` bytes (it may turn out otherwise) from a reader.
    ///
    /// At most [`PART_BYTES`] are one request. More is written in parts, of which a few are in memory at once; a
    /// condition is then looked up just before the parts become the object, since no store takes one for that: who
    /// writes the same object between the two is overwritten.
    ///
    /// # Errors
    /// [`TroubleKind::Changed`] where it is not as expected, and [`TroubleKind::Source`] where the reader fails:
    /// nothing was written then.
    pub fn upload(
        &self,
        name: &str,
        size: u64,
        from: &mut dyn Read,
        expect: &Expect,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Written, Trouble> {
        let length = part_length(size);
        let first = piece(from, length).map_err(|trouble| trouble.about(&self.location().join(name)))?;
        if first.len() < length {
            return self.put(name, first, expect, metadata);
        }
        let mut metadata = metadata.clone();
        let mark = metadata.entry(WRITE_MARK.into()).or_insert_with(mark).clone();
        let mut parts = Parts::begin(self, name, &metadata)?;
        match parts.fill(first, length, from).and_then(|()| parts.check(expect)) {
            Ok(()) => parts.complete(&mark),
            Err(trouble) => {
                parts.abort();
                Err(trouble.about(&self.location().join(name)))
            }
        }
    }
}

/// All parts but the last have one length, which some stores ask for.
fn part_length(size: u64) -> usize {
    let needed = usize::try_from(size / PARTS).unwrap_or(usize::MAX);
    PART_BYTES.max(needed.div_ceil(1 << 20) << 20)
}

/// The next `length` bytes; fewer only at the end.
fn piece(from: &mut dyn Read, length: usize) -> Result<Bytes, Trouble> {
    let mut held = BytesMut::new();
    let mut chunk = vec![0; 1 << 20];
    while held.len() < length {
        let wanted = chunk.len().min(length - held.len());
        match from.read(&mut chunk[..wanted]) {
            Ok(0) => break,
            Ok(got) => held.extend_from_slice(&chunk[..got]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Trouble::new(TroubleKind::Source, format!("its content: {error}"))),
        }
    }
    Ok(held.freeze())
}

/// An upload in parts that has begun.
struct Parts<'a> {
    bucket: &'a Bucket,
    name: &'a str,
    key: Key,
    upload: Box<dyn MultipartUpload>,
    under_way: VecDeque<Waiting<()>>,
}

impl<'a> Parts<'a> {
    fn begin(
        bucket: &'a Bucket,
        name: &'a str,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Parts<'a>, Trouble> {
        let (objects, key) = (bucket.objects.clone(), bucket.key(name)?);
        let attributes = bucket.attributes(metadata.clone());
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        bucket.counts.put();
        let at = key.clone();
        let upload = bucket.wait(name, async move { Ok(objects.put_multipart_opts(&at, options).await?) })?;
        Ok(Parts { bucket, name, key, upload, under_way: VecDeque::new() })
    }

    fn fill(&mut self, first: Bytes, length: usize, from: &mut dyn Read) -> Result<(), Trouble> {
        let mut part = first;
        loop {
            let last = part.len() < length;
            if !part.is_empty() {
                self.put(part)?;
            }
            if last {
                break;
            }
            part = piece(from, length)?;
        }
        self.under_way.drain(..).try_for_each(Waiting::end)
    }

    fn put(&mut self, part: Bytes) -> Result<(), Trouble> {
        if self.under_way.len() >= PARALLEL
            && let Some(oldest) = self.under_way.pop_front()
        {
            oldest.end()?;
        }
        self.bucket.counts.put();
        let part = bridge::enter(|| self.upload.put_part(PutPayload::from(part)));
        self.under_way.push_back(bridge::begin(self.bucket.how.deadline, async move { Ok(part.await?) }));
        Ok(())
    }

    /// Whether the object is as expected, now.
    fn check(&self, expect: &Expect) -> Result<(), Trouble> {
        let changed = |what: &str| Err(Trouble::new(TroubleKind::Changed, what));
        let now = || self.bucket.head(self.name);
        match expect {
            Expect::Anything => Ok(()),
            Expect::Absent if now()?.is_some() => changed("somebody else made it meanwhile"),
            Expect::Tag(tag) if now()?.and_then(|found| found.etag).as_ref() != Some(tag) => {
                changed("somebody else changed it meanwhile")
            }
            Expect::Absent | Expect::Tag(_) => Ok(()),
        }
    }

    /// Makes the object of its parts. A lost reply is found out about by the mark.
    fn complete(mut self, mark: &str) -> Result<Written, Trouble> {
        let (objects, key, mark) = (self.bucket.objects.clone(), self.key, mark.to_owned());
        self.bucket.counts.put();
        self.bucket.wait(self.name, async move {
            let trouble = match self.upload.complete().await {
                Ok(put) => return Ok(Written { etag: put.e_tag.map(bare) }),
                Err(error) => Trouble::from(error),
            };
            let found = look(&*objects, &key, String::new()).await.ok().flatten();
            match found {
                Some(found) if found.metadata.get(WRITE_MARK) == Some(&mark) => {
                    Ok(Written { etag: found.etag })
                }
                _ => {
                    let _ = self.upload.abort().await;
                    Err(trouble)
                }
            }
        })
    }

    /// Has the server forget the parts. Where it cannot be told, its own rules for old uploads remove them.
    fn abort(mut self) {
        self.under_way.clear();
        let _ = self.bucket.wait(self.name, async move { Ok(self.upload.abort().await?) });
    }
}
