//! How many states to go back to are kept, on both sides of the wire alike.

use std::collections::VecDeque;

use cowry_vfs::Overlay;

use crate::spec::Limits;

/// The most entries that can be undone.
const MOST: usize = 50;

/// Forgets the oldest states, and all of them where what is written takes up more than a quarter of what it may: a
/// state holds what was replaced since, which is to leave room for the next entry.
pub(crate) fn make_room<'a, T>(
    saves: &mut VecDeque<T>,
    mut overlays: impl Iterator<Item = &'a Overlay>,
    limits: &Limits,
) {
    // What several overlays hold is counted together.
    let held = overlays.next().map_or(0, |overlay| {
        let usage = overlay.usage();
        usage.memory_bytes + usage.spilled_bytes
    });
    if held > limits.scratch_bytes / 4 {
        saves.clear();
    }
    while saves.len() >= MOST {
        saves.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use cowry_vfs::{Layer, MemoryLayer, Name, NewAttr, NewNode, Overlay, OverlayOptions};

    use super::{MOST, make_room};
    use crate::spec::Limits;

    fn left(held: usize, saves: usize) -> usize {
        let overlay = Overlay::new(Arc::new(MemoryLayer::new()), OverlayOptions::default());
        let content = vec![1; held];
        let name = Name::new("a").expect("a name");
        let attr = NewAttr::with_mode(0o644);
        overlay.create(overlay.root(), &name, NewNode::File(&content), &attr).expect("made");
        let limits = Limits { scratch_bytes: 1 << 20, ..Limits::default() };
        let mut saves: VecDeque<usize> = (0..saves).collect();
        make_room(&mut saves, [&overlay].into_iter(), &limits);
        saves.len()
    }

    #[test]
    fn the_oldest_make_room_for_one_more() {
        assert_eq!([left(0, 3), left(0, MOST), left(0, MOST + 5)], [3, MOST - 1, MOST - 1]);
    }

    #[test]
    fn none_are_kept_where_much_is_written() {
        assert_eq!([left(200 << 10, 3), left(300 << 10, 3)], [3, 0]);
    }
}
