//! One operation, and how it is chosen among those that must succeed.

use cowry_vfs::Allocate;

use super::model::{Model, SIZE_MAX};
use super::target::{Abilities, How, SLOTS};
use crate::chance::Chance;

/// The names that files have.
pub const NAMES: &[&str] = &["anna", "bert", "carl", "dora", "emil"];

/// One operation. Handles are known by their slots.
#[derive(Clone, Debug)]
pub enum Op {
    Open { slot: usize, name: &'static str, how: How },
    Close { slot: usize },
    Read { slot: usize, offset: u64, len: usize },
    Write { slot: usize, offset: u64, len: usize, salt: u64 },
    Truncate { slot: usize, size: u64 },
    Allocate { slot: usize, how: Allocate, offset: u64, len: u64 },
    CopyRange { from: usize, offset: u64, to: usize, at: u64, len: u64 },
    MapHoles { slot: usize },
    Size { slot: usize },
    Sync { slot: usize },
    Replace { name: &'static str, len: usize, salt: u64 },
    TruncateName { name: &'static str, size: u64 },
    Copy { from: &'static str, to: &'static str },
    Rename { from: &'static str, to: &'static str },
    Link { from: &'static str, to: &'static str },
    Unlink { name: &'static str },
    Reopen,
}

/// Chooses the next operation. It falls back to opening a file, which is always possible.
pub fn choose(chance: &mut Chance, model: &Model, abilities: Abilities) -> Op {
    loop {
        let chosen = match chance.below(100) {
            0..8 => open(chance, model),
            8..12 => any_slot(chance, model).map(|slot| Op::Close { slot }),
            12..28 => read(chance, model),
            28..50 => write(chance, model),
            50..58 => truncate(chance, model),
            58..68 => allocate(chance, model, abilities),
            68..74 => copy_range(chance, model),
            74..80 => any_slot(chance, model).map(|slot| Op::MapHoles { slot }),
            80..82 => any_slot(chance, model).map(|slot| Op::Size { slot }),
            82 => any_slot(chance, model).map(|slot| Op::Sync { slot }),
            83..86 => Some(replace(chance)),
            86 => any_name(chance, model).map(|name| Op::TruncateName { name, size: place(chance, 2_000) }),
            87..89 => copy(chance, model),
            89..93 => rename(chance, model),
            93..95 => link(chance, model, abilities),
            95..98 => unlink(chance, model, abilities),
            98 if chance.one_in(4) => Some(Op::Reopen),
            _ => None,
        };
        if let Some(op) = chosen {
            return op;
        }
    }
}

fn any_slot(chance: &mut Chance, model: &Model) -> Option<usize> {
    let open: Vec<usize> = model.handles().map(|(slot, _)| slot).collect();
    (!open.is_empty()).then(|| chance.pick(&open))
}

fn any_name(chance: &mut Chance, model: &Model) -> Option<&'static str> {
    let names: Vec<&'static str> = model.names().map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| chance.pick(&names))
}

/// A length: most are short, some cross the blocks and chunks of the layers.
fn length(chance: &mut Chance) -> u64 {
    let most = chance.pick(&[16, 500, 500, 5_000, 5_000, 9_000, 70_000]);
    chance.below(most)
}

/// An offset in a file of this size: anywhere in it, a little past it, or on a boundary of a block.
fn place(chance: &mut Chance, size: u64) -> u64 {
    let offset = match chance.below(10) {
        0 => size,
        1 => size + chance.below(20_000),
        2 | 3 => chance.below(size / 4096 + 2) * 4096,
        4 => 0,
        _ => chance.below(size + 1),
    };
    offset.min(SIZE_MAX)
}

/// A range that starts somewhere and stays within the largest file.
fn range(chance: &mut Chance, size: u64) -> (u64, u64) {
    let offset = place(chance, size);
    let len = if chance.one_in(4) { (chance.below(4) + 1) * 4096 } else { length(chance) };
    (offset, len.min(SIZE_MAX - offset))
}

fn size_of(model: &Model, slot: usize) -> u64 {
    model.size(model.handle(slot).expect("it is open").id)
}

fn open(chance: &mut Chance, model: &Model) -> Option<Op> {
    let free: Vec<usize> = (0..SLOTS).filter(|slot| model.handle(*slot).is_none()).collect();
    let slot = (!free.is_empty()).then(|| chance.pick(&free))?;
    let name = chance.pick(NAMES);
    let create = model.id(name).is_none() || chance.one_in(2);
    Some(Op::Open { slot, name, how: How { create, truncate: chance.one_in(12), append: chance.one_in(5) } })
}

fn read(chance: &mut Chance, model: &Model) -> Option<Op> {
    let slot = any_slot(chance, model)?;
    let (offset, len) = range(chance, size_of(model, slot));
    Some(Op::Read { slot, offset, len: len as usize })
}

fn write(chance: &mut Chance, model: &Model) -> Option<Op> {
    let slot = any_slot(chance, model)?;
    let size = size_of(model, slot);
    let (mut offset, mut len) = range(chance, size);
    if model.handle(slot).is_some_and(|handle| handle.append) {
        (offset, len) = (size, len.min(SIZE_MAX - size));
    }
    Some(Op::Write { slot, offset, len: len as usize, salt: chance.bits() })
}

fn truncate(chance: &mut Chance, model: &Model) -> Option<Op> {
    let slot = any_slot(chance, model)?;
    let size = place(chance, size_of(model, slot));
    Some(Op::Truncate { slot, size })
}

fn allocate(chance: &mut Chance, model: &Model, abilities: Abilities) -> Option<Op> {
    let slot = any_slot(chance, model)?;
    let how = chance.pick(&[
        Allocate::Punch,
        Allocate::Punch,
        Allocate::Zero,
        Allocate::Reserve,
        Allocate::KeepSize,
    ]);
    let (offset, len) = range(chance, size_of(model, slot));
    let possible = abilities.holes && len > 0;
    possible.then_some(Op::Allocate { slot, how, offset, len })
}

/// Source and target of one file must not overlap, and what appends takes no ranges.
fn copy_range(chance: &mut Chance, model: &Model) -> Option<Op> {
    let (from, to) = (any_slot(chance, model)?, any_slot(chance, model)?);
    let (source, target) = (model.handle(from)?, model.handle(to)?);
    let (offset, len) = range(chance, model.size(source.id));
    let at = place(chance, model.size(target.id));
    let len = len.min(SIZE_MAX - at);
    let overlap = source.id == target.id && offset < at + len && at < offset + len;
    (!overlap && !target.append && len > 0).then_some(Op::CopyRange { from, offset, to, at, len })
}

fn replace(chance: &mut Chance) -> Op {
    Op::Replace { name: chance.pick(NAMES), len: length(chance) as usize, salt: chance.bits() }
}

fn copy(chance: &mut Chance, model: &Model) -> Option<Op> {
    let (from, to) = (any_name(chance, model)?, chance.pick(NAMES));
    let same = model.id(from) == model.id(to);
    (!same).then_some(Op::Copy { from, to })
}

fn rename(chance: &mut Chance, model: &Model) -> Option<Op> {
    Some(Op::Rename { from: any_name(chance, model)?, to: chance.pick(NAMES) })
}

fn link(chance: &mut Chance, model: &Model, abilities: Abilities) -> Option<Op> {
    let (from, to) = (any_name(chance, model)?, chance.pick(NAMES));
    (abilities.hard_links && model.id(to).is_none()).then_some(Op::Link { from, to })
}

fn unlink(chance: &mut Chance, model: &Model, abilities: Abilities) -> Option<Op> {
    let name = any_name(chance, model)?;
    let id = model.id(name);
    let held = model.handles().any(|(_, handle)| Some(handle.id) == id);
    (abilities.unlinked || !held).then_some(Op::Unlink { name })
}
