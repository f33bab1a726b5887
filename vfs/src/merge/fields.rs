//! Contents and attributes, field by field.

use bytes::Bytes;

use super::compare::{Changed, lookup};
use super::conflict::{MergeConflictKind, Resolution};
use super::content::{self, Clash, Failed, MERGE_MAX, Three};
use super::{MergeError, Merger, nodes};
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{FileType, Ino, NewAttr, NewNode, SetAttr, Stat};

impl Merger<'_> {
    /// Brings over what theirs changed of nodes that the base has.
    pub(super) fn change(&mut self) -> Result<(), MergeError> {
        for (base, changed) in std::mem::take(&mut self.their.changed) {
            let Some(theirs) = self.their.node(base)? else { continue };
            if self.told.contains(&base) || self.known.contains_key(&theirs.ino) {
                continue;
            }
            match self.of_base(base)? {
                Some(node) => self.change_node(base, &node, &theirs, changed)?,
                None if changed.matters() => self.changed_what_is_gone(base, &theirs)?,
                None => {}
            }
        }
        Ok(())
    }

    fn changed_what_is_gone(&mut self, base: Ino, theirs: &Stat) -> NodeResult<()> {
        let said = self.clash_on(base, MergeConflictKind::RemovedHere, None)?;
        if matches!(said, None | Some(Resolution::Ours)) {
            return Ok(());
        }
        let Some((dir, name)) = self.their_place(theirs.ino)? else { return Ok(()) };
        if theirs.is_dir() {
            return self.ensure_dir(theirs.ino).map(drop);
        }
        let place = (self.ensure_dir(dir)?, name);
        match said {
            Some(Resolution::Content(content)) => self.put_file(&place, &content).map(drop),
            _ => {
                if let Some(there) = lookup(self.merged, place.0, &place.1)? {
                    self.evict(&place, &there)?;
                }
                self.make(theirs.ino, &place)
            }
        }
    }

    fn change_node(
        &mut self,
        base: Ino,
        node: &Stat,
        theirs: &Stat,
        changed: Changed,
    ) -> Result<(), MergeError> {
        let was = self.base.getattr(base)?;
        let ours = self.our.changed.get(&base).copied().unwrap_or_default();
        if changed.attrs {
            self.merge_attrs(base, &was, node, theirs)?;
        }
        if changed.xattrs {
            self.merge_xattrs(base, node, theirs)?;
        }
        if changed.content {
            match theirs.kind {
                FileType::Regular => self.merge_file(base, node, theirs, ours)?,
                _ => self.merge_whole(base, node, theirs, ours, None)?,
            }
        } else if changed.mtime && !ours.content {
            let mtime = if ours.mtime { node.mtime.max(theirs.mtime) } else { theirs.mtime };
            self.merged.setattr(node.ino, &SetAttr { mtime: Some(mtime), ..SetAttr::default() })?;
        }
        Ok(())
    }

    fn merge_file(&mut self, base: Ino, node: &Stat, theirs: &Stat, ours: Changed) -> Result<(), MergeError> {
        let was = self.base.getattr(base)?;
        let same = ours.content
            && node.is_file()
            && nodes::same_content((self.merged, node), (self.their.layer, theirs))?;
        if same {
            return Ok(());
        }
        if !ours.content {
            return Ok(self.merge_whole(base, node, theirs, ours, None)?);
        }
        let stats = Three { base: was, ours: *node, theirs: *theirs };
        if !stats.all(|stat| stat.is_file() && stat.size <= MERGE_MAX) {
            let why = Clash::new(format!("larger than {} MiB, so merged as a whole", MERGE_MAX >> 20));
            return Ok(self.merge_whole(base, node, theirs, ours, Some(why))?);
        }
        let path = self.path_here(node.ino, base)?;
        let old = nodes::whole(self.base, &was)?;
        let our_bytes = nodes::whole(self.merged, node)?;
        let their_bytes = nodes::whole(self.their.layer, theirs)?;
        let key = self.rules.csv_key(&path);
        let three = Three { base: &old[..], ours: &our_bytes[..], theirs: &their_bytes[..] };
        match content::merge(&path, three, key.as_deref()) {
            Ok((merged, method)) => {
                nodes::write_whole(self.merged, node.ino, &merged)?;
                self.combined.push((path, method));
                Ok(())
            }
            Err(Failed::NoColumn(column)) => Err(MergeError::NoColumn { path, column }),
            Err(Failed::Clash(why)) => Ok(self.merge_whole(base, node, theirs, ours, Some(why))?),
        }
    }

    /// Takes one of two contents as it is: theirs if ours is that of the base, else as is decided.
    fn merge_whole(
        &mut self,
        base: Ino,
        node: &Stat,
        theirs: &Stat,
        ours: Changed,
        why: Option<Clash>,
    ) -> NodeResult<()> {
        if ours.content && nodes::same_content((self.merged, node), (self.their.layer, theirs))? {
            return Ok(());
        }
        let said = match ours.content {
            true => self.clash_on(base, MergeConflictKind::Content, why.map(|why| why.0))?,
            false => Some(Resolution::Theirs),
        };
        match said {
            None | Some(Resolution::Ours) => Ok(()),
            Some(Resolution::Theirs) => self.take_content(base, node, theirs),
            Some(Resolution::Content(content)) => self.put_content(base, node, &content),
        }
    }

    fn put_content(&mut self, base: Ino, node: &Stat, content: &Bytes) -> NodeResult<()> {
        if node.is_file() {
            return nodes::write_whole(self.merged, node.ino, content);
        }
        match self.place(base)? {
            Some(place) => self.put_file(&place, content).map(drop),
            None => Ok(()),
        }
    }

    fn take_content(&mut self, base: Ino, node: &Stat, theirs: &Stat) -> NodeResult<()> {
        if node.is_file() && theirs.is_file() {
            nodes::copy_content(self.their.layer, theirs, self.merged, node.ino)?;
            let mtime = SetAttr { mtime: Some(theirs.mtime), ..SetAttr::default() };
            return self.merged.setattr(node.ino, &mtime).map(drop);
        }
        // A symbolic link or device cannot be written: one like theirs takes its place.
        let Some(place) = self.place(base)? else { return Ok(()) };
        self.merged.unlink(place.0, &place.1)?;
        let attr = NewAttr { mode: node.mode, uid: node.uid, gid: node.gid, mtime: Some(theirs.mtime) };
        if theirs.kind != FileType::Symlink {
            return self.make(theirs.ino, &place);
        }
        let target = self.their.layer.readlink(theirs.ino)?;
        let made = self.merged.create(place.0, &place.1, NewNode::Symlink(&target), &attr)?;
        self.know(theirs.ino, made.ino);
        Ok(())
    }

    fn merge_attrs(&mut self, base: Ino, was: &Stat, node: &Stat, theirs: &Stat) -> NodeResult<()> {
        let mut clashes = Vec::new();
        let mut set = SetAttr::default();
        let fields = [
            ("mode", was.mode, node.mode, theirs.mode, &mut set.mode),
            ("owner", was.uid, node.uid, theirs.uid, &mut set.uid),
            ("group", was.gid, node.gid, theirs.gid, &mut set.gid),
        ];
        for (name, was, ours, theirs, set) in fields {
            if theirs == was || theirs == ours {
                continue;
            }
            *set = Some(theirs);
            if ours != was {
                clashes.push((name, ours));
            }
        }
        if !clashes.is_empty() {
            let names: Vec<&str> = clashes.iter().map(|(name, _)| *name).collect();
            let said = self.clash_on(base, MergeConflictKind::Attributes, Some(names.join(", ")))?;
            if said != Some(Resolution::Theirs) {
                for (name, ours) in clashes {
                    match name {
                        "mode" => set.mode = Some(ours),
                        "owner" => set.uid = Some(ours),
                        _ => set.gid = Some(ours),
                    }
                }
            }
        }
        if set != SetAttr::default() {
            self.merged.setattr(node.ino, &set)?;
        }
        Ok(())
    }

    fn merge_xattrs(&mut self, base: Ino, node: &Stat, theirs: &Stat) -> NodeResult<()> {
        let was = nodes::xattrs(self.base, base)?;
        let ours = nodes::xattrs(self.merged, node.ino)?;
        let theirs = nodes::xattrs(self.their.layer, theirs.ino)?;
        let names: std::collections::BTreeSet<&String> = was.keys().chain(theirs.keys()).collect();
        let mut clashes = Vec::new();
        for name in names {
            let (was, ours, theirs) = (was.get(name), ours.get(name), theirs.get(name));
            if theirs == was || theirs == ours {
                continue;
            }
            match ours == was {
                true => nodes::set_xattr(self.merged, node.ino, name, theirs)?,
                false => clashes.push((name, theirs)),
            }
        }
        if clashes.is_empty() {
            return Ok(());
        }
        let list = clashes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        if self.clash_on(base, MergeConflictKind::Attributes, Some(list))? == Some(Resolution::Theirs) {
            for (name, theirs) in clashes {
                nodes::set_xattr(self.merged, node.ino, name, theirs)?;
            }
        }
        Ok(())
    }

    /// Makes mode, owner and extended attributes what theirs has.
    pub(super) fn take_attributes(&mut self, node: Ino, theirs: &Stat) -> NodeResult<()> {
        let (mode, uid, gid) = (Some(theirs.mode), Some(theirs.uid), Some(theirs.gid));
        self.merged.setattr(node, &SetAttr { mode, uid, gid, ..SetAttr::default() })?;
        let wanted = nodes::xattrs(self.their.layer, theirs.ino)?;
        for name in nodes::xattrs(self.merged, node)?.into_keys().filter(|name| !wanted.contains_key(name)) {
            nodes::set_xattr(self.merged, node, &name, None)?;
        }
        for (name, value) in &wanted {
            nodes::set_xattr(self.merged, node, name, Some(value))?;
        }
        Ok(())
    }
}
