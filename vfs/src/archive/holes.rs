//! Where a file has data and where holes, so that holes cost nothing where they go either.

use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{SeekTo, Stat};

/// A file up to this size takes a block wherever it is: its holes do not matter.
const SMALL: u64 = 4096;

/// Whether a file has no holes, or is so small that they do not matter. Where reading fails, that will tell.
pub fn has_no_holes(layer: &dyn Layer, stat: &Stat) -> bool {
    stat.size <= SMALL || layer.seek(stat.ino, 0, SeekTo::Hole).map_or(true, |hole| hole >= stat.size)
}

/// The next piece of a file that is no hole, at or after an offset: where it begins and ends.
///
/// # Errors
/// Those of [`Layer::seek`].
pub fn data_after(layer: &dyn Layer, stat: &Stat, at: u64) -> NodeResult<Option<(u64, u64)>> {
    if at >= stat.size {
        return Ok(None);
    }
    let start = match layer.seek(stat.ino, at, SeekTo::Data) {
        Err(error) if error == Errno::ENXIO => return Ok(None),
        found => found?,
    };
    let end = match layer.seek(stat.ino, start, SeekTo::Hole) {
        Err(error) if error == Errno::ENXIO => return Ok(None),
        found => found?.min(stat.size),
    };
    Ok(Some((start, end)).filter(|(start, end)| start < end))
}

/// Offsets and lengths of what is no hole; `None` for a file that has none that matter.
pub(super) fn pieces(layer: &dyn Layer, stat: &Stat) -> NodeResult<Option<Vec<(u64, u64)>>> {
    if has_no_holes(layer, stat) {
        return Ok(None);
    }
    let (mut pieces, mut at) = (Vec::new(), 0);
    while let Some((start, end)) = data_after(layer, stat, at)? {
        pieces.push((start, end - start));
        at = end;
    }
    Ok(Some(pieces))
}
