//! What to do when a name that is to come is taken on the target.

use super::apply::{Apply, mtime};
use crate::change::ChangeKind;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, NewAttr, NewNode, RenameMode, SetAttr, Stat};
use crate::overlay::diff::Step;
use crate::overlay::places::Place;
use crate::path::Name;

/// A directory on the target for what steps aside.
pub(super) struct Limbo {
    ino: Ino,
    name: Name,
    count: u32,
}

/// What to do about a node that has the name another is to get.
pub(super) enum Way {
    Free,
    /// It is a directory and stays; the new one becomes the same.
    Shared,
    Blocked,
}

impl Apply<'_> {
    /// Makes room for `step` where `occupant` is.
    pub(super) fn make_way(&mut self, place: &Place, occupant: &Stat, step: &Step) -> NodeResult<Way> {
        let stays = || {
            let share = occupant.is_dir() && step.kind == FileType::Directory;
            if share { Way::Shared } else { Way::Blocked }
        };
        let Some(index) = self.by_place.get(place).copied() else { return Ok(stays()) };
        let node = self.leaving[index].step.node;
        let needed = self.coming.get(&node).is_some_and(|left| *left > 0);
        if !needed && !occupant.is_dir() {
            self.remove(index)?;
            return Ok(Way::Free);
        }
        if !needed && !self.will_vanish(occupant.ino)? {
            return Ok(stays());
        }
        self.step_aside(index)?;
        Ok(Way::Free)
    }

    /// Whether everything below a directory of the target is to go or to move.
    fn will_vanish(&self, dir: Ino) -> NodeResult<bool> {
        let mut dirs = vec![dir];
        while let Some(dir) = dirs.pop() {
            let mut after = None;
            loop {
                let page = self.target.readdir(dir, after.as_ref(), 256)?;
                let Some(last) = page.last() else { break };
                after = Some(last.name.clone());
                for entry in page {
                    let Some(index) = self.by_place.get(&(dir, entry.name)) else { return Ok(false) };
                    let moves =
                        self.coming.get(&self.leaving[*index].step.node).is_some_and(|left| *left > 0);
                    if entry.stat.is_dir() && !moves {
                        dirs.push(entry.stat.ino);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Moves what is to move or go later out of the way.
    fn step_aside(&mut self, index: usize) -> NodeResult<()> {
        let from = self.leaving[index].at.clone();
        let limbo = self.limbo()?;
        let to = (limbo.ino, Name::new(&limbo.count.to_string()).expect("digits make a name"));
        limbo.count += 1;
        self.target.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Replace)?;
        self.stirred.insert(from.0);
        self.by_place.remove(&from);
        self.by_place.insert(to.clone(), index);
        self.leaving[index].at = to;
        Ok(())
    }

    /// The directory for what steps aside, made when it is first needed. The root's time does not tell of it.
    fn limbo(&mut self) -> NodeResult<&mut Limbo> {
        if self.limbo.is_none() {
            let root = self.target.root();
            let root_mtime = self.target.getattr(root)?.mtime;
            let mut number = 0;
            let (name, ino) = loop {
                let name = Name::new(&format!(".cowry-commit-{number}")).expect("it is a valid name");
                match self.target.create(root, &name, NewNode::Directory, &NewAttr::with_mode(0o700)) {
                    Ok(stat) => break (name, stat.ino),
                    Err(error) if error == Errno::EEXIST => number += 1,
                    Err(error) => return Err(error),
                }
            };
            self.target.setattr(root, &mtime(root_mtime))?;
            self.limbo = Some(Limbo { ino, name, count: 0 });
        }
        Ok(self.limbo.as_mut().expect("it was just made"))
    }

    pub(super) fn leave_limbo(&mut self) -> NodeResult<()> {
        let Some(limbo) = self.limbo.take() else { return Ok(()) };
        let root = self.target.root();
        let root_mtime = self.target.getattr(root)?.mtime;
        self.target.rmdir(root, &limbo.name)?;
        self.target.setattr(root, &mtime(root_mtime)).map(drop)
    }

    /// Lets a directory that stays be the one that was made anew.
    pub(super) fn share(&mut self, step: &Step, place: &Place, occupant: &Stat) -> NodeResult<()> {
        self.made.insert(step.node, occupant.ino);
        let stat = self.source.getattr(step.node)?;
        if (stat.mode, stat.uid, stat.gid) != (occupant.mode, occupant.uid, occupant.gid) {
            let (mode, uid, gid) = (Some(stat.mode), Some(stat.uid), Some(stat.gid));
            self.target.setattr(occupant.ino, &SetAttr { mode, uid, gid, ..SetAttr::default() })?;
            self.record(step, ChangeKind::Modified, Some(*occupant));
            self.records.last_mut().expect("it was just added").before = Some(*occupant);
        }
        // The name that was to go stays too.
        if let Some(index) = self.by_place.remove(place) {
            let node = self.leaving[index].step.node;
            if let Some(left) = self.by_node.get_mut(&node) {
                left.retain(|other| *other != index);
            }
        }
        Ok(())
    }
}
