//! A run: operations one after the other, each compared.

use std::collections::VecDeque;

use cowry_vfs::{Allocate, SeekTo};

use super::model::{Id, Model};
use super::op::{Op, choose};
use super::target::{Answer, Target};
use crate::chance::Chance;

/// How many operations are remembered for the message of a failure, and how many of them it shows.
const REMEMBERED: usize = 20_000;
const SHOWN: usize = 30;
/// After so many operations everything is compared.
const SWEEP: usize = 500;
/// Data that is written is cut out of this much noise.
const NOISE: usize = 1 << 20;

/// Does `ops` random operations to a target that has no files yet.
///
/// # Errors
/// The first difference from the model, with the seed and the last operations on that file.
pub fn exercise(target: &mut dyn Target, seed: u64, ops: usize) -> Result<(), String> {
    let mut run = Run::new(target, seed);
    for at in 0..ops {
        let op = choose(&mut run.chance, &run.model, run.target.abilities());
        run.remember(at, &op);
        let done = run.perform(&op).and_then(|()| if at % SWEEP == 0 { run.compare() } else { Ok(()) });
        done.map_err(|reason| run.report(&op, at, seed, &reason))?;
    }
    run.compare().map_err(|reason| run.report(&Op::Reopen, ops, seed, &reason))
}

struct Run<'a> {
    target: &'a mut dyn Target,
    chance: Chance,
    model: Model,
    noise: Vec<u8>,
    /// What was done, to which files.
    log: VecDeque<(usize, Op, Vec<Id>)>,
    /// The file that a comparison failed on.
    culprit: Option<Id>,
}

impl<'a> Run<'a> {
    fn new(target: &'a mut dyn Target, seed: u64) -> Run<'a> {
        let mut chance = Chance::new(seed);
        // No zero among it, so that holes show.
        let noise = (0..NOISE / 8).flat_map(|_| chance.bits().to_le_bytes()).map(|byte| byte | 1).collect();
        Run { target, chance, model: Model::default(), noise, log: VecDeque::new(), culprit: None }
    }

    fn data(&self, len: usize, salt: u64) -> Vec<u8> {
        let start = salt as usize % (NOISE - len);
        self.noise[start..start + len].to_vec()
    }

    fn id(&self, slot: usize) -> Id {
        self.model.handle(slot).expect("operations are made of what is open").id
    }

    fn perform(&mut self, op: &Op) -> Answer<()> {
        match *op {
            Op::Open { slot, name, how } => {
                self.target.open(slot, name, how)?;
                let id = self.model.open(slot, name, how.append);
                if how.truncate {
                    self.model.resize(id, 0);
                }
                self.same_size(slot)
            }
            Op::Close { slot } => {
                self.target.close(slot);
                self.model.close(slot);
                Ok(())
            }
            Op::Read { slot, offset, len } => self.read(slot, offset, len),
            Op::Write { slot, offset, len, salt } => {
                let data = self.data(len, salt);
                self.target.write(slot, offset, &data)?;
                self.model.write(self.id(slot), offset, &data);
                self.read(slot, offset.saturating_sub(8), len + 16)
            }
            Op::Truncate { slot, size } => {
                self.target.truncate(slot, size)?;
                self.model.resize(self.id(slot), size);
                self.same_size(slot)
            }
            Op::Allocate { slot, how, offset, len } => self.allocate(slot, how, offset, len),
            Op::CopyRange { from, offset, to, at, len } => self.copy_range((from, offset), (to, at), len),
            Op::MapHoles { slot } => self.map_holes(slot),
            Op::Size { slot } => self.same_size(slot),
            Op::Sync { slot } => self.target.sync(slot),
            Op::Reopen => self.reopen(),
            _ => self.perform_on_names(op),
        }
    }

    fn perform_on_names(&mut self, op: &Op) -> Answer<()> {
        match *op {
            Op::Replace { name, len, salt } => {
                let data = self.data(len, salt);
                self.target.replace(name, &data)?;
                let id = self.model.make(name);
                self.model.replace(id, data);
                self.same_content(name, id)
            }
            Op::TruncateName { name, size } => {
                self.target.truncate_name(name, size)?;
                let id = self.model.make(name);
                self.model.resize(id, size);
                self.same_content(name, id)
            }
            Op::Copy { from, to } => {
                self.target.copy(from, to)?;
                let source = self.model.make(from);
                let data = self.model.content(source).to_vec();
                let id = self.model.make(to);
                self.model.replace(id, data);
                self.same_content(to, id)
            }
            Op::Rename { from, to } => {
                self.target.rename(from, to)?;
                self.model.rename(from, to);
                Ok(())
            }
            Op::Link { from, to } => {
                self.target.link(from, to)?;
                self.model.link(from, to);
                Ok(())
            }
            Op::Unlink { name } => {
                self.target.unlink(name)?;
                self.model.unlink(name);
                Ok(())
            }
            _ => Err(format!("{op:?} is done through a handle")),
        }
    }

    fn allocate(&mut self, slot: usize, how: Allocate, offset: u64, len: u64) -> Answer<()> {
        self.target.allocate(slot, how, offset, len)?;
        let id = self.id(slot);
        let grown = self.model.size(id).max(offset + len);
        match how {
            Allocate::Reserve => self.model.resize(id, grown),
            Allocate::KeepSize => {}
            Allocate::Punch => self.model.zero(id, offset, len),
            Allocate::Zero => {
                self.model.resize(id, grown);
                self.model.zero(id, offset, len);
            }
        }
        self.same_size(slot)?;
        self.read(slot, offset.saturating_sub(8), len as usize + 16)
    }

    fn copy_range(&mut self, from: (usize, u64), to: (usize, u64), len: u64) -> Answer<()> {
        let source = self.model.content(self.id(from.0));
        let start = source.len().min(from.1 as usize);
        let data = source[start..source.len().min(start + len as usize)].to_vec();
        let copied = self.target.copy_range(from.0, from.1, to.0, to.1, len)?;
        if copied != data.len() as u64 {
            return Err(format!("{copied} bytes were copied, {} were there", data.len()));
        }
        self.model.write(self.id(to.0), to.1, &data);
        self.same_size(to.0)?;
        self.read(to.0, to.1.saturating_sub(8), data.len() + 16)
    }

    /// Goes through data and holes from the start; holes are zeros, and both come to an end where the file does.
    fn map_holes(&mut self, slot: usize) -> Answer<()> {
        let id = self.id(slot);
        self.culprit = Some(id);
        let content = self.model.content(id);
        let size = content.len() as u64;
        let mut at = 0;
        while at < size {
            let data = self.target.seek(slot, at, SeekTo::Data)?.unwrap_or(size);
            if data < at || data > size {
                return Err(format!("data after {at} is said to be at {data}, of {size} bytes"));
            }
            if let Some(byte) = content[at as usize..data as usize].iter().position(|byte| *byte != 0) {
                return Err(format!("a hole from {at} to {data} has data at {}", at as usize + byte));
            }
            if data == size {
                break;
            }
            let hole = self.target.seek(slot, data, SeekTo::Hole)?;
            let hole = hole.filter(|hole| *hole > data && *hole <= size);
            at = hole.ok_or_else(|| format!("data at {data} has no end: {hole:?}, of {size} bytes"))?;
        }
        match self.target.seek(slot, size, SeekTo::Data)? {
            None => Ok(()),
            Some(found) => Err(format!("there is data at {found}, past the end at {size}")),
        }
    }

    fn read(&mut self, slot: usize, offset: u64, len: usize) -> Answer<()> {
        let id = self.id(slot);
        self.culprit = Some(id);
        let found = self.target.read(slot, offset, len)?;
        let content = self.model.content(id);
        let start = content.len().min(offset as usize);
        same(&content[start..content.len().min(start + len)], &found, start)
    }

    fn same_size(&mut self, slot: usize) -> Answer<()> {
        let id = self.id(slot);
        self.culprit = Some(id);
        let (expected, found) = (self.model.size(id), self.target.size(slot)?);
        if expected == found { Ok(()) } else { Err(format!("its size is {found}, not {expected}")) }
    }

    fn same_content(&mut self, name: &str, id: Id) -> Answer<()> {
        self.culprit = Some(id);
        same(self.model.content(id), &self.target.content(name)?, 0)
            .map_err(|reason| format!("{name}: {reason}"))
    }

    fn reopen(&mut self) -> Answer<()> {
        let slots: Vec<usize> = self.model.handles().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.target.close(slot);
            self.model.close(slot);
        }
        if self.target.reopen() { self.compare() } else { Ok(()) }
    }

    /// Compares every name and every handle.
    fn compare(&mut self) -> Answer<()> {
        let names: Vec<(&str, Id)> = self.model.names().collect();
        let found = self.target.names()?;
        if names.iter().map(|(name, _)| *name).ne(found.iter().map(String::as_str)) {
            return Err(format!("there are {found:?}, there should be {names:?}"));
        }
        for (name, id) in names {
            self.same_content(name, id)?;
        }
        let handles: Vec<usize> = self.model.handles().map(|(slot, _)| slot).collect();
        for slot in handles {
            self.same_size(slot)?;
            self.read(slot, 0, self.model.size(self.id(slot)) as usize + 10)?;
        }
        Ok(())
    }

    fn remember(&mut self, at: usize, op: &Op) {
        let slot = |slot: &usize| self.model.handle(*slot).map(|handle| handle.id);
        let name = |name: &&str| self.model.id(name);
        let files: Vec<Option<Id>> = match op {
            Op::Open { name: of, .. }
            | Op::Replace { name: of, .. }
            | Op::TruncateName { name: of, .. }
            | Op::Unlink { name: of } => vec![name(of).or(Some(self.model.next_id()))],
            Op::Copy { from, to } | Op::Rename { from, to } | Op::Link { from, to } => {
                vec![name(from), name(to).or(Some(self.model.next_id()))]
            }
            Op::CopyRange { from, to, .. } => vec![slot(from), slot(to)],
            Op::Close { slot: of }
            | Op::Read { slot: of, .. }
            | Op::Write { slot: of, .. }
            | Op::Truncate { slot: of, .. }
            | Op::Allocate { slot: of, .. }
            | Op::MapHoles { slot: of }
            | Op::Size { slot: of }
            | Op::Sync { slot: of } => vec![slot(of)],
            Op::Reopen => (0..self.model.next_id()).map(Some).collect(),
        };
        self.log.push_back((at, op.clone(), files.into_iter().flatten().collect()));
        if self.log.len() > REMEMBERED {
            self.log.pop_front();
        }
    }

    /// What is needed to see what happened, and to make it happen again.
    fn report(&self, op: &Op, at: usize, seed: u64, reason: &str) -> String {
        let concerns = |files: &[Id]| self.culprit.is_none_or(|culprit| files.contains(&culprit));
        let of_file = self.log.iter().filter(|(_, _, files)| concerns(files));
        let mut tail: Vec<String> =
            of_file.rev().take(SHOWN).map(|(at, op, _)| format!("{at:>8} {op:?}")).collect();
        tail.reverse();
        format!(
            "operation {at}, {op:?}: {reason}\nrepeat it with COWRY_SEED={seed} COWRY_OPS={}\n\
             the last operations on that file:\n{}",
            at + 1,
            tail.join("\n"),
        )
    }
}

/// Compares bytes; `start` is where in the file they begin.
fn same(expected: &[u8], found: &[u8], start: usize) -> Answer<()> {
    if expected == found {
        return Ok(());
    }
    let differs = expected.iter().zip(found).position(|(a, b)| a != b);
    let at = differs.unwrap_or(expected.len().min(found.len()));
    let byte = |bytes: &[u8]| bytes.get(at).map_or("the end".into(), |byte| format!("{byte:#04x}"));
    Err(format!(
        "at {} there is {}, not {} ({} bytes read, {} expected)",
        start + at,
        byte(found),
        byte(expected),
        found.len(),
        expected.len()
    ))
}
