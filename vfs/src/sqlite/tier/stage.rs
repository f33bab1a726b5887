//! Uploading what a commit is going to write, before it begins.

use super::super::SqliteLayer;
use super::super::content::inline_max;
use super::Sent;
use crate::commit::{InoMap, Judge, with_stage};
use crate::errno::NodeResult;
use crate::overlay::Overlay;

impl SqliteLayer {
    /// Uploads what a commit is going to write as far as that can be told beforehand. What it writes beyond that
    /// lies in the file until the next revision is sealed.
    ///
    /// # Errors
    /// What keeps the bucket from taking it; those of reading the overlay.
    pub(in crate::sqlite) fn stage_content(
        &self,
        states: (Option<&Overlay>, &Overlay),
        committed: &InoMap,
        judge: &dyn Judge,
    ) -> NodeResult<Option<Sent<'_>>> {
        if self.shared.options.read_only || self.writer.is_owned_by_current_thread() {
            return Ok(None);
        }
        let Some(tier) = self.content_tier()? else { return Ok(None) };
        self.raise()?;
        let least = inline_max(Some(&tier)) as u64;
        let mut ahead = self.ahead_to(tier);
        with_stage(states, committed, self, judge, |stage| {
            let mut at = None;
            stage.bytes(states.1, least, &mut |file, offset, bytes| {
                if at != Some((file, offset)) {
                    ahead.cut_off()?;
                }
                at = Some((file, offset + bytes.len() as u64));
                ahead.push(bytes).map(drop)
            })?;
            ahead.cut_off().map(drop)
        })?;
        ahead.finish().map(Some)
    }
}
