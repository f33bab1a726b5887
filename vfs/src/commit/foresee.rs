//! What a commit is going to write, told before it begins.

use std::collections::HashSet;

use super::stage::Stage;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, SeekTo};
use crate::overlay::Overlay;
use crate::overlay::content::Source;

/// The most bytes read at a time.
const PIECE: u64 = 1 << 20;

/// Told a file of the overlay, an offset, and the bytes there.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Ino, u64, &[u8]) -> NodeResult<()>;

impl Stage<'_, '_> {
    /// Hands on the bytes of files longer than `longer` that the commit is going to write, file by file and in order.
    /// Holes are left out.
    pub(crate) fn bytes(&self, source: &Overlay, longer: u64, sink: Sink<'_>) -> NodeResult<()> {
        let mut seen = HashSet::new();
        for arrival in &self.arrivals {
            let step = &*arrival.step;
            let is_new =
                step.kind == FileType::Regular && arrival.share.is_none() && self.node(step)?.is_none();
            if is_new && seen.insert(step.node) && source.getattr(step.node)?.size > longer {
                all(source, step.node, sink)?;
            }
        }
        let differ = self.plan.differ;
        for (found, _) in
            self.plan.modified.iter().filter(|(found, _)| found.content && !seen.contains(&found.ino))
        {
            let base = differ.content_before(found.ino, &differ.before.stat(found.ino)?);
            let Some(content) = differ.after.own(found.ino).and_then(|node| node.content().ok()) else {
                continue;
            };
            if content.size() <= longer {
                continue;
            }
            let origin = differ.after.base.origin(found.ino);
            content.changed_since(&base, &mut |piece| {
                let (mut at, end) = (piece.start, piece.start + piece.len);
                while !matches!(piece.source, Source::Zeros) && at < end {
                    let bytes = content.read(origin, at, PIECE.min(end - at) as usize)?;
                    at += hand_on(found.ino, at, &bytes, sink)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// All of a file.
fn all(source: &Overlay, ino: Ino, sink: Sink<'_>) -> NodeResult<()> {
    let size = source.getattr(ino)?.size;
    let mut at = 0;
    while at < size {
        at = match source.seek(ino, at, SeekTo::Data) {
            Ok(data) => data,
            Err(error) if error == Errno::ENXIO => return Ok(()),
            Err(error) => return Err(error),
        };
        let end = source.seek(ino, at, SeekTo::Hole)?;
        while at < end {
            let bytes = source.read(ino, at, PIECE.min(end - at) as usize)?;
            at += hand_on(ino, at, &bytes, sink)?;
        }
    }
    Ok(())
}

fn hand_on(ino: Ino, at: u64, bytes: &[u8], sink: Sink<'_>) -> NodeResult<u64> {
    if bytes.is_empty() {
        return Err(NodeError::io("a file ended before its size"));
    }
    sink(ino, at, bytes).map(|()| bytes.len() as u64)
}
