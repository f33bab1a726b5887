//! What theirs removed or moved leaves its place.

use super::compare::{Gone, lookup};
use super::conflict::{MergeConflict, MergeConflictKind, Resolution};
use super::ground::Place;
use super::{Merger, nodes};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, Stat};

impl Merger<'_> {
    /// Files before the directories they are in, so that these are empty when it is their turn.
    pub(super) fn detach(&mut self) -> NodeResult<()> {
        let gone = self.their.gone.clone();
        for one in &gone {
            self.shelter(one)?;
        }
        for one in gone.iter().rev() {
            self.leave(one)?;
        }
        Ok(())
    }

    /// A directory that ours moved and theirs removed is decided about as a whole, before what is in it.
    fn shelter(&mut self, gone: &Gone) -> NodeResult<()> {
        if !gone.is_dir || self.their.node(gone.node)?.is_some() {
            return Ok(());
        }
        let mut stays = self.sheltered.contains(&gone.dir);
        if !stays && self.our.lacks(gone.dir, &gone.name) && self.our.node(gone.node)?.is_some() {
            stays = !self.is_given_up(gone)?;
        }
        if stays {
            self.sheltered.insert(gone.node);
        }
        Ok(())
    }

    /// Tells that theirs removed what ours moved; whether it is to be removed.
    fn is_given_up(&mut self, gone: &Gone) -> NodeResult<bool> {
        let detail = Some(format!("it was {} before ours moved it", gone.path));
        let said = self.clash_on(gone.node, MergeConflictKind::RemovedThere, detail)?;
        self.told.insert(gone.node);
        if let (Some(Resolution::Content(content)), Some(place)) = (&said, self.place(gone.node)?) {
            self.put_file(&place, content)?;
        }
        Ok(said == Some(Resolution::Theirs))
    }

    fn leave(&mut self, gone: &Gone) -> NodeResult<()> {
        let lives_on = self.their.node(gone.node)?.is_some();
        if !lives_on && (self.sheltered.contains(&gone.node) || self.sheltered.contains(&gone.dir)) {
            return Ok(());
        }
        let Some(node) = self.of_base(gone.node)? else { return Ok(()) };
        if self.our.lacks(gone.dir, &gone.name) {
            let moved = !lives_on && !self.our.new_names(gone.node)?.is_empty();
            return if moved { self.leave_new_place(gone, &node) } else { Ok(()) };
        }
        let Some(dir) = self.of_base(gone.dir)? else { return Ok(()) };
        let place = (dir.ino, gone.name.clone());
        match lives_on {
            true => self.move_out(gone, &place, &node),
            false if gone.is_dir => self.remove_dir(gone, &place),
            false => self.remove_file(gone, &place),
        }
    }

    /// Theirs removed what ours moved.
    fn leave_new_place(&mut self, gone: &Gone, node: &Stat) -> NodeResult<()> {
        let given_up = match gone.is_dir {
            // That was decided before.
            true => true,
            false => !self.told.contains(&gone.node) && self.is_given_up(gone)?,
        };
        if !given_up {
            return Ok(());
        }
        for name in self.our.new_names(gone.node)? {
            let place = (name.dir, name.name);
            if lookup(self.merged, place.0, &place.1)?.is_none_or(|stat| stat.ino != node.ino) {
                continue;
            }
            match gone.is_dir {
                true => self.remove_dir(gone, &place)?,
                false => self.merged.unlink(place.0, &place.1)?,
            }
        }
        Ok(())
    }

    fn move_out(&mut self, gone: &Gone, place: &Place, node: &Stat) -> NodeResult<()> {
        // Of several names that went, so many move as came.
        if self.their.new_names(gone.node)?.len() > self.waiting(node.ino) {
            return self.step_aside(place, node.ino);
        }
        if node.nlink > 1 {
            return self.merged.unlink(place.0, &place.1);
        }
        // Each side removed another name, and no name is left of what neither meant to lose.
        let detail = Some("each side removed another name of the file".to_owned());
        if self.clash_on(gone.node, MergeConflictKind::RemovedThere, detail)? == Some(Resolution::Theirs) {
            self.merged.unlink(place.0, &place.1)?;
        }
        Ok(())
    }

    fn remove_file(&mut self, gone: &Gone, place: &Place) -> NodeResult<()> {
        if !self.is_missed(gone.node)? {
            return self.merged.unlink(place.0, &place.1);
        }
        match self.clash_on(gone.node, MergeConflictKind::RemovedThere, None)? {
            Some(Resolution::Theirs) => self.merged.unlink(place.0, &place.1),
            Some(Resolution::Content(content)) => {
                let kept = self.put_file(place, &content)?;
                self.kept.insert(kept);
                Ok(())
            }
            None | Some(Resolution::Ours) => self.keep(place),
        }
    }

    /// Whether ours did something to a node that its removal would lose.
    fn is_missed(&self, base: Ino) -> NodeResult<bool> {
        Ok(self.our.changes(base) || !self.our.new_names(base)?.is_empty())
    }

    fn keep(&mut self, place: &Place) -> NodeResult<()> {
        let node = lookup(self.merged, place.0, &place.1)?;
        self.kept.extend(node.map(|node| node.ino));
        Ok(())
    }

    fn remove_dir(&mut self, gone: &Gone, place: &Place) -> NodeResult<()> {
        if self.our.changes(gone.node)
            && self.clash_on(gone.node, MergeConflictKind::RemovedThere, None)? != Some(Resolution::Theirs)
        {
            return self.keep(place);
        }
        if self.is_removed(place)? {
            return Ok(());
        }
        let Some(dir) = lookup(self.merged, place.0, &place.1)? else { return Ok(()) };
        for (name, child) in nodes::entries(self.merged, dir.ino)? {
            if !self.kept.contains(&child.ino) {
                self.remove_addition(gone, (dir.ino, name), &child)?;
            }
        }
        if !self.is_removed(place)? {
            self.kept.insert(dir.ino);
        }
        Ok(())
    }

    /// Removes a directory, if it is empty.
    fn is_removed(&self, place: &Place) -> NodeResult<bool> {
        match self.merged.rmdir(place.0, &place.1) {
            Ok(()) => Ok(true),
            Err(error) if error == Errno::ENOTEMPTY => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ours put something into a directory that theirs removed.
    fn remove_addition(&mut self, gone: &Gone, place: Place, child: &Stat) -> NodeResult<()> {
        let ours = self.our.kin.to(gone.node)?.unwrap_or(gone.node);
        let conflict = MergeConflict {
            path: self.path_here(ours, gone.node)?.join(&place.1),
            what: MergeConflictKind::RemovedThere,
            detail: Some("ours put it into a directory that theirs removed".into()),
            base: None,
            ours: Some(child.ino),
            theirs: None,
        };
        match self.clash(conflict) {
            Some(Resolution::Theirs) => self.evict(&place, child),
            Some(Resolution::Content(content)) => {
                let kept = self.put_file(&place, &content)?;
                self.kept.insert(kept);
                Ok(())
            }
            None | Some(Resolution::Ours) => self.keep(&place),
        }
    }
}
