//! Rows in memory, those of a group together.

/// The first block of a group has this much room, and each one after it twice as much, up to a bound; in bytes.
const BLOCK_MIN: usize = 16;
const BLOCK_MAX: usize = 4 << 10;
/// What a block begins with: where the next one of its group is, and where its rows end.
const BLOCK_HEAD: usize = 8;
/// What a row begins with: how long it is.
const LENGTH: usize = 4;
/// No block.
const NONE: u32 = u32::MAX;

/// Rows. Each is the bytes of its key and of the rest of it.
#[derive(Default)]
pub(super) struct Rows {
    /// The number of a group, from 1, near where its hash says; 0 where there is none. A power of two of them.
    slots: Vec<u32>,
    groups: Vec<Group>,
    keys: Vec<u8>,
    /// Blocks with rows, each row behind its length.
    blocks: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Group {
    hash: u64,
    /// Where in `keys` its key is.
    key: (u32, u32),
    /// The blocks that are its first and its last.
    first: u32,
    last: u32,
    /// Where the next row goes, and where the room for it ends.
    end: u32,
    limit: u32,
}

/// Where a row is: its group, its block, and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Place {
    group: u32,
    block: u32,
    at: u32,
}

/// What rows have in common.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) hash: u64,
    pub(super) key: &'a [u8],
}

impl Rows {
    /// Bytes that they take.
    pub(super) fn size(&self) -> usize {
        let tables = self.slots.len() * size_of::<u32>() + self.groups.len() * size_of::<Group>();
        tables + self.keys.len() + self.blocks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.groups.clear();
        self.keys.clear();
        self.blocks.clear();
    }

    /// Adds a row to its group.
    pub(super) fn push(&mut self, hash: u64, key: &[u8], rest: &[u8]) {
        let number = self.group(hash, key);
        let group = &mut self.groups[number];
        let need = LENGTH + rest.len();
        if ((group.limit - group.end) as usize) < need {
            add_block(&mut self.blocks, group, need);
        }
        let (at, end) = (group.end as usize, group.end as usize + need);
        self.blocks[at..at + LENGTH].copy_from_slice(&(rest.len() as u32).to_le_bytes());
        self.blocks[at + LENGTH..end].copy_from_slice(rest);
        group.end = end as u32;
        let last = group.last as usize;
        self.blocks[last + 4..last + BLOCK_HEAD].copy_from_slice(&group.end.to_le_bytes());
    }

    /// The number of the group with this key, which is made if there is none.
    fn group(&mut self, hash: u64, key: &[u8]) -> usize {
        if self.groups.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(number) = self.slots[slot].checked_sub(1) {
            let group = &self.groups[number as usize];
            if group.hash == hash && self.key(group) == key {
                return number as usize;
            }
            slot = (slot + 1) & mask;
        }
        let start = self.keys.len() as u32;
        self.keys.extend_from_slice(key);
        let key = (start, self.keys.len() as u32);
        self.groups.push(Group { hash, key, first: NONE, last: NONE, end: 0, limit: 0 });
        self.slots[slot] = self.groups.len() as u32;
        self.groups.len() - 1
    }

    fn key(&self, group: &Group) -> &[u8] {
        &self.keys[group.key.0 as usize..group.key.1 as usize]
    }

    /// Twice as many slots.
    fn grow(&mut self) {
        let count = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(count, 0);
        for (number, group) in self.groups.iter().enumerate() {
            let mut slot = group.hash as usize & (count - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (count - 1);
            }
            self.slots[slot] = number as u32 + 1;
        }
    }

    /// The first row of all.
    pub(super) fn first(&self) -> Option<Place> {
        self.first_of(0)
    }

    /// The first row of a group; one without rows there is not.
    fn first_of(&self, group: u32) -> Option<Place> {
        let block = self.groups.get(group as usize)?.first;
        Some(Place { group, block, at: block + BLOCK_HEAD as u32 })
    }

    /// The row after another.
    pub(super) fn after(&self, place: Place) -> Option<Place> {
        self.after_in_group(place).or_else(|| self.first_of(place.group + 1))
    }

    fn after_in_group(&self, place: Place) -> Option<Place> {
        let at = place.at + LENGTH as u32 + self.number(place.at);
        if at < self.number(place.block + 4) {
            return Some(Place { at, ..place });
        }
        let block = Some(self.number(place.block)).filter(|next| *next != NONE)?;
        Some(Place { block, at: block + BLOCK_HEAD as u32, ..place })
    }

    fn number(&self, at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes(self.blocks[at..at + 4].try_into().expect("four bytes"))
    }

    /// The key and the rest of a row.
    pub(super) fn row(&self, place: Place) -> (&[u8], &[u8]) {
        (self.key(&self.groups[place.group as usize]), self.rest(place))
    }

    fn rest(&self, place: Place) -> &[u8] {
        let start = place.at as usize + LENGTH;
        &self.blocks[start..start + self.number(place.at) as usize]
    }

    /// Groups ordered by their hashes, those of one hash by their keys; with the rows of each as they came.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (Shared<'_>, impl Iterator<Item = &[u8]>)> {
        let mut order: Vec<u32> = (0..self.groups.len() as u32).collect();
        let shared = |number: u32| {
            let group = &self.groups[number as usize];
            Shared { hash: group.hash, key: self.key(group) }
        };
        order.sort_unstable_by(|one, other| {
            let (one, other) = (shared(*one), shared(*other));
            (one.hash, one.key).cmp(&(other.hash, other.key))
        });
        order.into_iter().map(move |number| {
            let rows = std::iter::successors(self.first_of(number), |place| self.after_in_group(*place));
            (shared(number), rows.map(|place| self.rest(place)))
        })
    }
}

/// Gives a group a block with room for a row that takes `need` bytes.
fn add_block(blocks: &mut Vec<u8>, group: &mut Group, need: usize) {
    let start = blocks.len();
    let before = (group.limit as usize).saturating_sub(group.last as usize);
    let size = if group.last == NONE { BLOCK_MIN } else { before * 2 };
    let size = size.min(BLOCK_MAX).max(need) + BLOCK_HEAD;
    blocks.extend_from_slice(&NONE.to_le_bytes());
    blocks.resize(start + size, 0);
    if group.last == NONE {
        group.first = start as u32;
    } else {
        let last = group.last as usize;
        blocks[last..last + 4].copy_from_slice(&(start as u32).to_le_bytes());
    }
    group.last = start as u32;
    (group.end, group.limit) = ((start + BLOCK_HEAD) as u32, (start + size) as u32);
}
