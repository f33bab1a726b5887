//! Putting the names of the newest state in order: each leads to a node, each node has one, directories hang together.

use std::collections::{HashMap, HashSet};

use rusqlite::types::Value;

use super::super::inode::{COLUMNS, Node};
use super::super::schema::{LIVE, ROOT};
use super::super::tx::Tx;
use super::repair::RepairReport;
use crate::errno::NodeResult;
use crate::node::FileType;
use crate::path::Name;

/// Where what has no place goes.
const LOST_FOUND: &str = "lost+found";

/// The newest state while it is put in order. Names are written at once, nodes at the end.
pub(super) struct Tidy<'a, 'b> {
    pub(super) tx: &'a mut Tx<'b>,
    pub(super) report: &'a mut RepairReport,
    nodes: HashMap<i64, Node>,
    changed: HashSet<i64>,
    names: HashMap<i64, Vec<(i64, Name)>>,
    taken: HashSet<(i64, Name)>,
    lost_found: Option<i64>,
}

impl<'a, 'b> Tidy<'a, 'b> {
    pub(super) fn new(tx: &'a mut Tx<'b>, report: &'a mut RepairReport) -> NodeResult<Tidy<'a, 'b>> {
        let mut tidy = Tidy {
            tx,
            report,
            nodes: HashMap::new(),
            changed: HashSet::new(),
            names: HashMap::new(),
            taken: HashSet::new(),
            lost_found: None,
        };
        tidy.load_nodes()?;
        tidy.load_names()?;
        Ok(tidy)
    }

    fn load_nodes(&mut self) -> NodeResult<()> {
        let mut bad: Vec<i64> = Vec::new();
        {
            let mut statement =
                self.tx.conn.prepare(&format!("SELECT {COLUMNS} FROM inode WHERE to_rev = ?1"))?;
            let mut rows = statement.query([LIVE])?;
            while let Some(row) = rows.next()? {
                match Node::from_row(row) {
                    Ok(node) => _ = self.nodes.insert(node.ino, node),
                    Err(_) => bad.push(row.get(0)?),
                }
            }
        }
        for ino in bad {
            self.report.lose(format!("node {ino}, whose row makes no sense"));
            self.tx.execute("DELETE FROM main.inode WHERE ino = ?1 AND to_rev = ?2", [ino, LIVE])?;
        }
        if !self.nodes.get(&ROOT).is_some_and(Node::is_dir) {
            self.nodes.remove(&ROOT);
            self.tx.execute("DELETE FROM main.inode WHERE ino = ?1 AND to_rev = ?2", [ROOT, LIVE])?;
            self.report.mend("the root directory was made anew".into());
            self.new_directory(ROOT, ROOT)?;
        }
        for node in self.nodes.values_mut().filter(|node| node.xattrs().is_err()) {
            self.report.lose(format!("the extended attributes of node {}", node.ino));
            node.xattrs = None;
            self.changed.insert(node.ino);
        }
        Ok(())
    }

    /// The names there are, without those that cannot be.
    fn load_names(&mut self) -> NodeResult<()> {
        let rows: Vec<(i64, Value, i64, Option<i64>)> = self
            .tx
            .conn
            .prepare("SELECT parent, name, from_rev, ino FROM entry WHERE to_rev = ?1")?
            .query_map([LIVE], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<Result<_, _>>()?;
        for (parent, name, from, ino) in rows {
            let parsed = match &name {
                Value::Text(text) => Name::new(text).ok(),
                _ => None,
            };
            match (parsed, ino) {
                (Some(name), Some(ino)) => {
                    self.taken.insert((parent, name.clone()));
                    self.names.entry(ino).or_default().push((parent, name));
                }
                // In a fork: the name is not to be seen.
                (Some(_), None) => {}
                (None, _) => {
                    self.report.mend(format!("an impossible name in directory {parent} was removed"));
                    self.tx.execute(
                        "DELETE FROM main.entry WHERE parent = ?1 AND name = ?2 AND from_rev = ?3",
                        (parent, name, from),
                    )?;
                }
            }
        }
        self.names.values_mut().for_each(|names| names.sort());
        Ok(())
    }

    /// Makes every name lead somewhere and every node have one.
    pub(super) fn names(&mut self) -> NodeResult<()> {
        self.drop_names_to_nowhere()?;
        self.house_the_homeless()?;
        self.one_name_per_directory()?;
        self.hang_together()?;
        self.name_the_nameless()
    }

    fn drop_names_to_nowhere(&mut self) -> NodeResult<()> {
        let mut gone: Vec<i64> =
            self.names.keys().filter(|ino| !self.nodes.contains_key(ino)).copied().collect();
        gone.extend(self.names.contains_key(&ROOT).then_some(ROOT));
        for ino in gone {
            for (parent, name) in self.names.remove(&ino).unwrap_or_default() {
                let path = self.path(parent, &name);
                if ino == ROOT {
                    self.report.mend(format!("{path} led to the root"));
                } else {
                    self.report.lose(format!("{path}: its node {ino} is gone"));
                }
                self.unlink(parent, &name)?;
            }
        }
        Ok(())
    }

    /// Names in directories that are gone move to stand-ins for those.
    fn house_the_homeless(&mut self) -> NodeResult<()> {
        let mut stand_ins: HashMap<i64, i64> = HashMap::new();
        let homeless: Vec<(i64, i64, Name)> = self
            .names
            .iter()
            .flat_map(|(ino, names)| names.iter().map(|(parent, name)| (*ino, *parent, name.clone())))
            .filter(|(_, parent, _)| !self.nodes.get(parent).is_some_and(Node::is_dir))
            .collect();
        for (ino, parent, name) in homeless {
            self.forget_name(ino, parent, &name)?;
            if self.nodes.contains_key(&parent) {
                self.report.mend(format!("{name} stood in node {parent}, which is no directory"));
                continue;
            }
            let home = match stand_ins.get(&parent) {
                Some(home) => *home,
                None => {
                    let home = self.tx.new_ino();
                    self.new_directory(home, ROOT)?;
                    let path = self.find_place(home, &format!("#{parent}"))?;
                    self.report.moved(format!("{path}: what was in directory {parent}, which is gone"));
                    stand_ins.insert(parent, home);
                    home
                }
            };
            self.link(ino, home, name)?;
        }
        Ok(())
    }

    fn one_name_per_directory(&mut self) -> NodeResult<()> {
        let dirs: Vec<i64> = self.dirs();
        for ino in dirs {
            let names = self.names.get(&ino).cloned().unwrap_or_default();
            let home = self.nodes[&ino].parent;
            let kept = names.iter().position(|(parent, _)| Some(*parent) == home).unwrap_or(0);
            for (at, (parent, name)) in names.iter().enumerate() {
                if at != kept {
                    self.report
                        .mend(format!("{} was one more name of a directory", self.path(*parent, name)));
                    self.forget_name(ino, *parent, name)?;
                }
            }
        }
        Ok(())
    }

    /// Directories that do not lead up to the root are moved.
    fn hang_together(&mut self) -> NodeResult<()> {
        let mut below: HashMap<i64, Vec<i64>> = HashMap::new();
        for ino in self.dirs() {
            if let Some((parent, _)) = self.names.get(&ino).and_then(|names| names.first()) {
                below.entry(*parent).or_default().push(ino);
            }
        }
        let mut reached = HashSet::new();
        let mut reach = |from: i64| {
            let mut todo = vec![from];
            while let Some(dir) = todo.pop() {
                if reached.insert(dir) {
                    todo.extend(below.get(&dir).into_iter().flatten());
                }
            }
            reached.len()
        };
        reach(ROOT);
        let (nameless, named): (Vec<i64>, Vec<i64>) =
            self.dirs().into_iter().partition(|ino| self.names.get(ino).is_none_or(Vec::is_empty));
        let mut loose = Vec::new();
        for ino in nameless.into_iter().chain(named) {
            let before = reach(ROOT);
            // Of a ring of directories the first one is where it is cut.
            if reach(ino) > before {
                loose.push(ino);
            }
        }
        for ino in loose {
            for (parent, name) in self.names.get(&ino).cloned().unwrap_or_default() {
                self.forget_name(ino, parent, &name)?;
            }
            let path = self.find_place(ino, &format!("#{ino}"))?;
            self.report.moved(format!("{path}: a directory without a place"));
        }
        Ok(())
    }

    fn name_the_nameless(&mut self) -> NodeResult<()> {
        let held: HashSet<i64> = self
            .tx
            .conn
            .prepare("SELECT ino FROM orphan")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let is_loose = |node: &&Node| {
            self.names.get(&node.ino).is_none_or(Vec::is_empty)
                && !(node.nlink == 0 && held.contains(&node.ino))
        };
        let mut loose: Vec<i64> =
            self.nodes.values().filter(|node| !node.is_dir()).filter(is_loose).map(|node| node.ino).collect();
        loose.sort();
        for ino in loose {
            let path = self.find_place(ino, &format!("#{ino}"))?;
            self.report.moved(format!("{path}: {} without a name", what(self.nodes[&ino].kind)));
        }
        Ok(())
    }

    /// Sets link counts and parents, and writes what changed.
    pub(super) fn counts(&mut self) -> NodeResult<()> {
        let mut subdirs: HashMap<i64, u32> = HashMap::new();
        for ino in self.dirs() {
            if let Some((parent, _)) = self.names.get(&ino).and_then(|names| names.first()) {
                *subdirs.entry(*parent).or_default() += 1;
            }
        }
        let mut nodes: Vec<Node> = self.nodes.values().cloned().collect();
        nodes.sort_by_key(|node| node.ino);
        for mut node in nodes {
            let names = self.names.get(&node.ino).map_or(&[][..], Vec::as_slice);
            let (nlink, parent) = match node.is_dir() {
                true if node.ino == ROOT => (2 + subdirs.get(&ROOT).copied().unwrap_or(0), Some(ROOT)),
                true => (
                    2 + subdirs.get(&node.ino).copied().unwrap_or(0),
                    names.first().map(|(parent, _)| *parent),
                ),
                false => (names.len() as u32, node.parent),
            };
            if (node.nlink, node.parent) != (nlink, parent) {
                self.report.mend(format!("node {} has link count {nlink}", node.ino));
                (node.nlink, node.parent) = (nlink, parent);
                self.changed.insert(node.ino);
            }
            if self.changed.contains(&node.ino) {
                self.tx.store(&mut node)?;
            }
        }
        Ok(())
    }

    fn dirs(&self) -> Vec<i64> {
        let mut dirs: Vec<i64> =
            self.nodes.values().filter(|node| node.is_dir()).map(|node| node.ino).collect();
        dirs.sort();
        dirs
    }

    /// Everything that has something to be read.
    pub(super) fn files(&self) -> Vec<Node> {
        let mut files: Vec<Node> = self.nodes.values().filter(|node| !node.is_dir()).cloned().collect();
        files.sort_by_key(|node| node.ino);
        files
    }

    /// Every path of a node.
    pub(super) fn paths(&self, ino: i64) -> Vec<String> {
        let names = self.names.get(&ino).map_or(&[][..], Vec::as_slice);
        names.iter().map(|(parent, name)| self.path(*parent, name)).collect()
    }

    fn path(&self, mut parent: i64, name: &Name) -> String {
        let mut parts = vec![name.to_string()];
        while parent != ROOT {
            let up = self.names.get(&parent).and_then(|names| names.first());
            match up {
                Some((above, name)) if parts.len() < 4096 => {
                    parts.push(name.to_string());
                    parent = *above;
                }
                _ => {
                    parts.push(format!("#{parent}"));
                    parts.reverse();
                    return parts.join("/");
                }
            }
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// Takes all names of a node away.
    pub(super) fn unname(&mut self, ino: i64) -> NodeResult<()> {
        for (parent, name) in self.names.get(&ino).cloned().unwrap_or_default() {
            self.forget_name(ino, parent, &name)?;
        }
        Ok(())
    }

    /// Removes a node without names.
    pub(super) fn remove(&mut self, node: &Node) -> NodeResult<()> {
        self.nodes.remove(&node.ino);
        self.changed.remove(&node.ino);
        self.tx.execute("DELETE FROM main.orphan WHERE ino = ?1", [node.ino])?;
        self.tx.erase(node)
    }

    /// Puts a node without names into `/lost+found`. Returns its path.
    pub(super) fn keep(&mut self, node: Node, suffix: &str) -> NodeResult<String> {
        let ino = node.ino;
        self.nodes.insert(ino, node);
        self.changed.insert(ino);
        self.find_place(ino, &format!("#{ino}{suffix}"))
    }

    fn find_place(&mut self, ino: i64, name: &str) -> NodeResult<String> {
        let dir = self.lost_found()?;
        let name = self.free_name(dir, name);
        let path = self.path(dir, &name);
        self.link(ino, dir, name)?;
        Ok(path)
    }

    fn lost_found(&mut self) -> NodeResult<i64> {
        if let Some(dir) = self.lost_found {
            return Ok(dir);
        }
        let wanted = Name::new(LOST_FOUND)?;
        let is_it = |ino: &&i64| {
            self.names[ino].contains(&(ROOT, wanted.clone())) && self.nodes.get(ino).is_some_and(Node::is_dir)
        };
        let dir = match self.names.keys().find(is_it) {
            Some(dir) => *dir,
            None => {
                let (dir, name) = (self.tx.new_ino(), self.free_name(ROOT, LOST_FOUND));
                self.new_directory(dir, ROOT)?;
                self.link(dir, ROOT, name)?;
                dir
            }
        };
        self.lost_found = Some(dir);
        Ok(dir)
    }

    fn free_name(&self, dir: i64, wanted: &str) -> Name {
        let numbered = (1..).map(|n| format!("{wanted}~{n}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names
            .find_map(|name| Name::new(&name).ok().filter(|name| !self.taken.contains(&(dir, name.clone()))))
            .expect("there are more numbers than names")
    }

    fn new_directory(&mut self, ino: i64, parent: i64) -> NodeResult<()> {
        let now = self.tx.now;
        let mut node = Node {
            ino,
            from: 0,
            kind: FileType::Directory,
            mode: 0o700,
            uid: 1000,
            gid: 1000,
            rdev: 0,
            nlink: 2,
            size: 0,
            space: 0,
            counted: 0,
            mtime: now,
            ctime: now,
            btime: now,
            version: 1,
            content: None,
            parent: Some(parent),
            target: None,
            xattrs: None,
        };
        self.tx.insert(&mut node)?;
        self.nodes.insert(ino, node);
        Ok(())
    }

    fn link(&mut self, ino: i64, parent: i64, name: Name) -> NodeResult<()> {
        let old = self.tx.view().entry(parent, &name)?;
        self.tx.set_entry(parent, &name, old.as_ref(), Some(ino))?;
        self.taken.insert((parent, name.clone()));
        self.names.entry(ino).or_default().push((parent, name));
        Ok(())
    }

    fn forget_name(&mut self, ino: i64, parent: i64, name: &Name) -> NodeResult<()> {
        if let Some(names) = self.names.get_mut(&ino) {
            names.retain(|(dir, known)| (*dir, known) != (parent, name));
        }
        self.unlink(parent, name)
    }

    fn unlink(&mut self, parent: i64, name: &Name) -> NodeResult<()> {
        self.taken.remove(&(parent, name.clone()));
        let old = self.tx.view().entry(parent, name)?;
        self.tx.set_entry(parent, name, old.as_ref(), None)
    }
}

fn what(kind: FileType) -> &'static str {
    match kind {
        FileType::Regular => "a file",
        FileType::Symlink => "a symbolic link",
        _ => "a node",
    }
}
