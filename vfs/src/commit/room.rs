//! What to do when a name that is to come is taken on the target.

use super::apply::{Apply, Record, mtime};
use super::make::{Update, same_xattrs};
use crate::change::ChangeKind;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, NewAttr, NewNode, RenameMode, Stat};
use crate::overlay::diff::{Mod, Step};
use crate::path::Name;

/// A directory on the target for what steps aside.
pub(super) struct Limbo {
    ino: Ino,
    name: Name,
    count: u32,
}

impl Apply<'_, '_> {
    /// Makes room where something is that is to move or go.
    pub(super) fn make_room(&mut self, index: usize) -> NodeResult<()> {
        if !self.stage.moves(index) && !self.stage.leaving[index].before.is_dir() {
            return self.remove(index);
        }
        self.step_aside(index)
    }

    /// Moves what is to move or go later out of the way.
    fn step_aside(&mut self, index: usize) -> NodeResult<()> {
        let from = self.stage.leaving[index].at.clone();
        let limbo = self.limbo()?;
        let to = (limbo.ino, Name::new(&limbo.count.to_string()).expect("digits make a name"));
        limbo.count += 1;
        self.target.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Replace)?;
        self.stirred.insert(from.0);
        self.stage.by_place.remove(&from);
        self.stage.by_place.insert(to.clone(), index);
        self.stage.leaving[index].at = to;
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
    pub(super) fn share(&mut self, step: &Step, occupant: &Stat) -> NodeResult<()> {
        self.made.insert(step.node, occupant.ino);
        let stat = self.source.getattr(step.node)?;
        let attrs = (stat.mode, stat.uid, stat.gid) != (occupant.mode, occupant.uid, occupant.gid);
        let xattrs = !same_xattrs(self.source, step.node, self.target, occupant.ino)?;
        if attrs || xattrs {
            let found = Mod { ino: step.node, kind: step.kind, content: false, attrs, xattrs, mtime: false };
            let (source, target) = (self.source, self.target);
            Update { source, ino: step.node, target, into: occupant.ino, found }.run(None, None)?;
            let (path, kind, both) = (step.path.clone(), ChangeKind::Modified, Some(*occupant));
            self.records.push(Record { path, kind, from: None, before: both, after: both, content: false });
        }
        Ok(())
    }
}
