//! What theirs made or moved comes to its place.

use super::Merger;
use super::compare::{Come, lookup};
use super::conflict::{MergeConflict, MergeConflictKind, Resolution};
use super::ground::Place;
use super::kin::find;
use super::nodes;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, Stat};

impl Merger<'_> {
    /// Parents before what is in them.
    pub(super) fn attach(&mut self) -> NodeResult<()> {
        let come = self.their.come.clone();
        for one in &come {
            self.arrive(one)?;
        }
        for node in self.empty_limbo()? {
            self.tell_stuck(node)?;
        }
        Ok(())
    }

    /// A name is skipped, and everything that theirs has below it.
    fn skip(&mut self, come: &Come) {
        if come.kind == FileType::Directory {
            self.skipped.insert(come.node);
        }
    }

    fn arrive(&mut self, come: &Come) -> NodeResult<()> {
        if self.skipped.contains(&come.dir) {
            self.skip(come);
            return Ok(());
        }
        let Some(dir) = self.dir_for(come)? else {
            self.skip(come);
            return Ok(());
        };
        let place = (dir, come.name.clone());
        let base = match self.their.kin.back(come.node)? {
            Some(base) => find(self.base, base)?.map(|stat| stat.ino),
            None => None,
        };
        let node = self.of_theirs(come.node)?;
        match (base, node) {
            (Some(base), None) => self.come_back(come, base, &place),
            (Some(base), Some(node)) => self.come_over(come, base, &node, &place),
            (None, node) => self.come_new(come, node, &place),
        }
    }

    /// The result's directory for a name; `None` if ours removed it and that stays so.
    fn dir_for(&mut self, come: &Come) -> NodeResult<Option<Ino>> {
        if let Some(dir) = self.of_theirs(come.dir)? {
            return Ok(dir.is_dir().then_some(dir.ino));
        }
        let conflict = MergeConflict {
            path: come.path.clone(),
            what: MergeConflictKind::RemovedHere,
            detail: Some("theirs put it into a directory that ours removed".into()),
            base: None,
            ours: None,
            theirs: Some(come.node),
        };
        match self.clash(conflict) {
            None | Some(Resolution::Ours) => Ok(None),
            Some(Resolution::Theirs) => self.ensure_dir(come.dir).map(Some),
            Some(Resolution::Content(content)) => {
                let dir = self.ensure_dir(come.dir)?;
                self.put_file(&(dir, come.name.clone()), &content)?;
                Ok(None)
            }
        }
    }

    /// Theirs moved what ours removed.
    fn come_back(&mut self, come: &Come, base: Ino, place: &Place) -> NodeResult<()> {
        let detail = Some("theirs moved or linked it".to_owned());
        let said = self.clash_on(base, MergeConflictKind::RemovedHere, detail)?;
        self.told.insert(base);
        match said {
            None | Some(Resolution::Ours) => {
                self.skip(come);
                Ok(())
            }
            Some(Resolution::Content(content)) => self.put_file(place, &content).map(drop),
            Some(Resolution::Theirs) => {
                if let Some(there) = lookup(self.merged, place.0, &place.1)? {
                    self.evict(place, &there)?;
                }
                self.make(come.node, place)?;
                if come.kind == FileType::Directory { self.bring_children(come.node) } else { Ok(()) }
            }
        }
    }

    /// Brings what theirs has always had in a directory that comes back, as far as ours has it nowhere.
    pub(super) fn bring_children(&mut self, dir: Ino) -> NodeResult<()> {
        let mut dirs = vec![dir];
        while let Some(dir) = dirs.pop() {
            let Some(into) = self.of_theirs(dir)? else { continue };
            for (name, child) in nodes::entries(self.their.layer, dir)? {
                let place = (into.ino, name);
                let is_free = lookup(self.merged, place.0, &place.1)?.is_none();
                if is_free && self.of_theirs(child.ino)?.is_none() {
                    self.make(child.ino, &place)?;
                    if child.is_dir() {
                        dirs.push(child.ino);
                    }
                }
            }
        }
        Ok(())
    }

    /// A node that all three have comes to a new name.
    fn come_over(&mut self, come: &Come, base: Ino, node: &Stat, place: &Place) -> NodeResult<()> {
        let there = lookup(self.merged, place.0, &place.1)?;
        if there.is_some_and(|there| there.ino == node.ino) {
            return self.drop_waiting(node.ino);
        }
        if self.is_moved_by_both(base)? {
            let to = self.our.new_names(base)?.into_iter().map(|name| name.path.to_string());
            let to = to.collect::<Vec<_>>().join(", ");
            let detail = Some(format!("ours moved it to {to}, theirs to {}", come.path));
            let said = self.clash_on(base, MergeConflictKind::Moved, detail)?;
            if said != Some(Resolution::Theirs) {
                return Ok(());
            }
            if let Some(place) = self.place(base)? {
                self.step_aside(&place, node.ino)?;
            }
        }
        if self.clear(come, place)? { self.settle(come, base, node, place) } else { Ok(()) }
    }

    /// Whether a name that the base has is gone in both, and came elsewhere in ours than in theirs.
    fn is_moved_by_both(&self, base: Ino) -> NodeResult<bool> {
        if !self.their.gone_of(base).any(|gone| self.our.lacks(gone.dir, &gone.name)) {
            return Ok(false);
        }
        let mut theirs = Vec::new();
        for name in self.their.new_names(base)? {
            theirs.extend(self.of_theirs(name.dir)?.map(|dir| (dir.ino, name.name)));
        }
        let ours = self.our.new_names(base)?;
        Ok(ours.into_iter().any(|name| !theirs.contains(&(name.dir, name.name))))
    }

    /// Moves or links a node to a place that is free.
    fn settle(&mut self, come: &Come, base: Ino, node: &Stat, place: &Place) -> NodeResult<()> {
        match self.take_from_limbo(node.ino, place) {
            Ok(true) => return Ok(()),
            Ok(false) if !node.is_dir() => {
                return self.merged.link(node.ino, place.0, &place.1).map(drop);
            }
            Ok(false) => return Ok(()),
            Err(error) if error == Errno::EINVAL => {}
            Err(error) => return Err(error),
        }
        let detail = Some(format!("theirs moved it to {}", come.path));
        if self.clash_on(base, MergeConflictKind::Loop, detail)? != Some(Resolution::Theirs) {
            return Ok(());
        }
        self.undo_moves_above(place.0)?;
        match self.take_from_limbo(node.ino, place) {
            Err(error) if error == Errno::EINVAL => Ok(()),
            done => done.map(drop),
        }
    }

    /// Moves the directories above `dir` that ours alone moved back to where they were.
    fn undo_moves_above(&mut self, dir: Ino) -> NodeResult<()> {
        let mut at = Some(dir);
        let mut seen = std::collections::HashSet::new();
        while let Some(dir) = at.filter(|dir| seen.insert(*dir)) {
            let Some(base) = self.our.kin.back(dir)? else { break };
            let Some(place) = self.place(base)? else { break };
            at = Some(place.0);
            let ours_moved = !self.our.new_names(base)?.is_empty();
            if ours_moved && self.their.new_names(base)?.is_empty() {
                self.put_back(base, &place)?;
            }
        }
        Ok(())
    }

    /// A node comes that the base does not have.
    fn come_new(&mut self, come: &Come, node: Option<Stat>, place: &Place) -> NodeResult<()> {
        if let Some(node) = node {
            // One more name of what just came.
            if lookup(self.merged, place.0, &place.1)?.is_none_or(|there| there.ino != node.ino)
                && self.clear(come, place)?
            {
                self.merged.link(node.ino, place.0, &place.1)?;
            }
            return Ok(());
        }
        if let Some(there) = lookup(self.merged, place.0, &place.1)?
            && self.is_the_same(come, &there)?
        {
            self.know(come.node, there.ino);
            return Ok(());
        }
        if self.clear(come, place)? { self.make(come.node, place) } else { Ok(()) }
    }

    /// Whether both put the same there: directories, whose attributes are merged, or equal files.
    fn is_the_same(&mut self, come: &Come, there: &Stat) -> NodeResult<bool> {
        let is_from_base = match self.our.kin.back(there.ino)? {
            Some(base) => find(self.base, base)?.is_some(),
            None => false,
        };
        if is_from_base || self.taken.contains(&there.ino) {
            return Ok(false);
        }
        let Some(theirs) = find(self.their.layer, come.node)? else { return Ok(false) };
        if theirs.kind != there.kind {
            return Ok(false);
        }
        if !theirs.is_dir() && !nodes::same_content((self.merged, there), (self.their.layer, &theirs))? {
            return Ok(false);
        }
        let same_attrs = (theirs.mode, theirs.uid, theirs.gid) == (there.mode, there.uid, there.gid)
            && nodes::xattrs(self.merged, there.ino)? == nodes::xattrs(self.their.layer, come.node)?;
        if !same_attrs {
            self.settle_attributes(come, there, &theirs)?;
        }
        Ok(true)
    }

    /// Both made it, with different attributes.
    fn settle_attributes(&mut self, come: &Come, there: &Stat, theirs: &Stat) -> NodeResult<()> {
        let conflict = MergeConflict {
            path: come.path.clone(),
            what: MergeConflictKind::Attributes,
            detail: Some("both made it, with different ones".into()),
            base: None,
            ours: Some(there.ino),
            theirs: Some(come.node),
        };
        if self.clash(conflict) == Some(Resolution::Theirs) {
            self.take_attributes(there.ino, theirs)?;
        }
        Ok(())
    }

    /// Frees a place for a name of theirs; `false` if that does not come.
    fn clear(&mut self, come: &Come, place: &Place) -> NodeResult<bool> {
        let Some(there) = lookup(self.merged, place.0, &place.1)? else { return Ok(true) };
        let base = self.our.kin.back(there.ino)?;
        let conflict = MergeConflict {
            path: come.path.clone(),
            what: MergeConflictKind::Added,
            detail: None,
            base: None,
            ours: Some(there.ino),
            theirs: Some(come.node),
        };
        // What stays there since theirs removed it in vain was told of already.
        let told = self.kept.contains(&there.ino) && base.is_some();
        let said = if told { None } else { self.clash(conflict) };
        match said {
            Some(Resolution::Theirs) => {
                self.evict(place, &there)?;
                return Ok(true);
            }
            Some(Resolution::Content(content)) => drop(self.put_file(place, &content)?),
            None | Some(Resolution::Ours) => {}
        }
        self.skip(come);
        Ok(false)
    }

    /// What stepped aside can neither come to its place nor go back.
    fn tell_stuck(&mut self, node: Ino) -> NodeResult<()> {
        let base = self.our.kin.back(node)?;
        let path = match base {
            Some(base) => self.path_here(node, base)?,
            None => self.our.path(node)?,
        };
        let theirs = match base {
            Some(base) => self.their.node(base)?.map(|stat| stat.ino),
            None => None,
        };
        let what = MergeConflictKind::Added;
        let detail = Some("its place was taken by theirs: resolve both with one side".to_owned());
        self.conflicts.push(MergeConflict { path, what, detail, base, ours: Some(node), theirs });
        Ok(())
    }
}
