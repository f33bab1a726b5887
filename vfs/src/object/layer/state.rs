//! What is known at the moment, under one lock that is never held during a request.

use std::collections::HashMap;

use super::kept::Stroll;
use super::nodes::{Node, Object, Seen, Table, join, split};
use super::window::Window;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{DirEntry, Ino, Stat};
use crate::object::bucket::{From, Page};
use crate::path::Name;

/// Folders whose listings are kept.
const WINDOWS: usize = 256;
/// Names that are kept in all of them.
const ENTRIES: usize = 65_536;

/// How long after the beginning of one operation another may ask, in nanoseconds.
const LATER: i64 = 600 * 1_000_000_000;

#[derive(Debug)]
pub(super) struct State {
    pub table: Table,
    windows: HashMap<String, Window>,
    /// Names that are being changed from here, or were while a listing was under way: of these the listing is not believed.
    changing: HashMap<String, Changing>,
    /// Counts changes that ended.
    seq: u64,
    listings: usize,
    /// Keys that listings had and that cannot be names.
    pub hidden: u64,
    pub stroll: Stroll,
    /// Counts windows and their uses.
    ticks: u64,
    lifetime: i64,
}

#[derive(Default, Debug)]
struct Changing {
    open: u32,
    ended: u64,
}

/// A page to be asked for.
#[derive(Debug)]
pub(super) struct Fetch {
    pub dir: String,
    pub from: From,
    window: u64,
    start: u64,
}

/// What a list or a search has to do next.
pub(super) enum Step<T> {
    Done(T),
    Fetch(Fetch),
    /// To ask for the name itself.
    Ask(Asked),
}

/// A name to be asked for.
pub(super) struct Asked {
    pub key: String,
    start: u64,
}

/// How far a list has come.
pub(super) struct Progress {
    pub after: Option<Name>,
    pub limit: usize,
    pub entries: Vec<DirEntry>,
}

impl State {
    pub fn new(table: Table, lifetime: i64) -> State {
        State {
            table,
            windows: HashMap::new(),
            changing: HashMap::new(),
            seq: 0,
            listings: 0,
            hidden: 0,
            stroll: Stroll::default(),
            ticks: 0,
            lifetime,
        }
    }

    /// The directory with this number, and its key.
    ///
    /// # Errors
    /// `ENOTDIR`, `ESTALE`.
    pub fn dir(&mut self, ino: Ino) -> NodeResult<&mut Node> {
        let node = self.table.get(ino)?;
        node.need_dir()?;
        Ok(node)
    }

    /// Whether what was asked for at `since` is believed by who began at `now`. Others may have asked later than that; what
    /// seems to be much later was asked for before the clock was put back.
    pub fn is_fresh(&self, since: Timestamp, now: Timestamp) -> bool {
        (-LATER..self.lifetime).contains(&now.0.saturating_sub(since.0))
    }

    /// The listing of a folder, if it is not too old.
    pub fn window(&mut self, dir: &str, now: Timestamp) -> Option<&mut Window> {
        let since = self.windows.get(dir)?.since;
        if !self.is_fresh(since, now) {
            self.windows.remove(dir);
            return None;
        }
        self.ticks += 1;
        let window = self.windows.get_mut(dir)?;
        window.used = self.ticks;
        Some(window)
    }

    /// The files of a folder that are known by its listing, in order, old or not.
    pub fn listed(&self, dir: &str, after: Option<&Name>) -> impl Iterator<Item = (Name, &Object)> {
        let entries = self.windows.get(dir).into_iter().flat_map(move |window| window.after(after));
        entries.filter_map(|(name, seen)| match seen {
            Seen::Object(object) => Some((name.clone(), object)),
            Seen::Folder => None,
        })
    }

    /// Begins to list a folder anew.
    pub fn open_window(&mut self, dir: &str, after: Option<Name>, now: Timestamp) -> Fetch {
        self.ticks += 1;
        let mut window = Window::new(after, now, self.ticks);
        window.used = self.ticks;
        self.windows.insert(dir.to_owned(), window);
        self.evict(dir);
        self.fetch(dir)
    }

    fn fetch(&mut self, dir: &str) -> Fetch {
        let window = &self.windows[dir];
        let fetch =
            Fetch { dir: dir.to_owned(), from: window.next.clone(), window: window.id, start: self.seq };
        self.listings += 1;
        fetch
    }

    fn evict(&mut self, but: &str) {
        let held =
            |windows: &HashMap<String, Window>| windows.values().map(|it| it.entries.len()).sum::<usize>();
        while self.windows.len() > 1 && (self.windows.len() > WINDOWS || held(&self.windows) > ENTRIES) {
            let others = self.windows.iter().filter(|(dir, _)| *dir != but);
            let Some(oldest) = others.min_by_key(|(_, window)| window.used).map(|(dir, _)| dir.clone())
            else {
                return;
            };
            self.windows.remove(&oldest);
        }
    }

    /// The questions that must be answered before a page can be taken.
    pub fn questions(&self, fetch: &Fetch, page: &Page) -> Vec<String> {
        let window = self.windows.get(&fetch.dir).filter(|window| window.id == fetch.window);
        window.map(|window| window.questions(page)).unwrap_or_default()
    }

    /// Takes a page, unless the listing has gone on without it.
    ///
    /// # Errors
    /// `EIO` for a listing that does not end.
    pub fn take(&mut self, fetch: &Fetch, page: Page, answers: Vec<(String, bool)>) -> NodeResult<()> {
        self.ticks += 1;
        let ticks = self.ticks;
        let Some(window) = self.windows.get_mut(&fetch.dir).filter(|window| window.id == fetch.window) else {
            return Ok(());
        };
        window.id = ticks;
        let before = window.hidden;
        let goes_on = window.take(page, answers);
        self.hidden = self.hidden.saturating_add(window.hidden - before);
        if !goes_on {
            self.windows.remove(&fetch.dir);
            return Err(NodeError::io(format!("the listing of \"{}\" does not end", fetch.dir)));
        }
        for key in self.changed_since(fetch.start, &fetch.dir) {
            let seen = self.table.current(&key);
            self.patch(&key, seen);
        }
        self.evict(&fetch.dir);
        Ok(())
    }

    /// A page came, or failed to.
    pub fn end_listing(&mut self) {
        self.listings -= 1;
        if self.listings == 0 {
            self.changing.retain(|_, change| change.open > 0);
        }
    }

    fn changed_since(&self, start: u64, dir: &str) -> Vec<String> {
        let changed = self.changing.iter().filter(|(key, change)| {
            split(key).0 == dir && !key.is_empty() && (change.open > 0 || change.ended > start)
        });
        changed.map(|(key, _)| key.clone()).collect()
    }

    fn is_changed_since(&self, start: u64, key: &str) -> bool {
        self.changing.get(key).is_some_and(|change| change.open > 0 || change.ended > start)
    }

    /// Notes in the listing of its folder what a name has become.
    pub fn patch(&mut self, key: &str, seen: Option<Seen>) {
        let (dir, name) = split(key);
        if let (Some(window), Ok(name)) = (self.windows.get_mut(dir), Name::new(name)) {
            window.patch(&name, seen);
        }
    }

    /// Forgets how a folder was listed.
    pub fn drop_window(&mut self, dir: &str) {
        self.windows.remove(dir);
    }

    /// Forgets how a folder and all below it were listed.
    pub fn drop_below(&mut self, dir: &str) {
        let inside =
            |key: &str| key.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.windows.retain(|key, _| !inside(key));
    }

    /// As many entries as are known past where the list is, and what is to be asked for if that is not enough.
    pub fn gather(&mut self, dir: Ino, progress: &mut Progress, now: Timestamp) -> NodeResult<Step<()>> {
        let node = self.dir(dir)?;
        if node.gone || progress.entries.len() >= progress.limit {
            return Ok(Step::Done(()));
        }
        let key = node.key.clone();
        let reaches = |window: &mut Window| window.reaches(progress.after.as_ref());
        if !self.window(&key, now).is_some_and(reaches) {
            return Ok(Step::Fetch(self.open_window(&key, progress.after.clone(), now)));
        }
        let window = self.windows.get_mut(&key).expect("it was just there");
        let room = progress.limit - progress.entries.len();
        let found: Vec<(Name, Seen)> = window
            .after(progress.after.as_ref())
            .take(room)
            .map(|(name, seen)| (name.clone(), seen.clone()))
            .collect();
        let enough = found.len() == room || window.done;
        for (name, seen) in found {
            let stat = self.stat_of(&join(&key, &name), &seen);
            progress.after = Some(name.clone());
            progress.entries.push(DirEntry { name, stat });
        }
        if enough {
            return Ok(Step::Done(()));
        }
        if let Some(window) = self.windows.get_mut(&key) {
            window.trim(progress.after.as_ref());
        }
        Ok(Step::Fetch(self.fetch(&key)))
    }

    /// What is changed from here is as it is known here.
    fn stat_of(&mut self, key: &str, seen: &Seen) -> Stat {
        if self.changing.get(key).is_some_and(|change| change.open > 0)
            && let Some(node) = self.table.named(key)
        {
            return node.stat;
        }
        self.table.note(key, seen)
    }

    /// Finds a name, or says what to ask for. `paged` tells that a folder's names may be worth a request.
    pub fn find(&mut self, parent: Ino, name: &Name, now: Timestamp) -> NodeResult<Step<Option<Stat>>> {
        let dir = self.dir(parent)?;
        if dir.gone {
            return Ok(Step::Done(None));
        }
        let (big, dir) = (dir.big, dir.key.clone());
        let key = join(&dir, name);
        if self.changing.get(&key).is_some_and(|change| change.open > 0) {
            return Ok(Step::Done(self.table.named(&key).map(|node| node.stat)));
        }
        let listed = self.window(&dir, now).map(|window| {
            let seen = window.covers(name).then(|| window.entries.get(name).cloned());
            (seen, window.begins_at_start())
        });
        match listed {
            Some((Some(seen), _)) => return Ok(Step::Done(seen.map(|seen| self.stat_of(&key, &seen)))),
            None if !big => return Ok(Step::Fetch(self.open_window(&dir, None, now))),
            Some((None, true)) if !big => self.dir(parent)?.big = true,
            _ => {}
        }
        let known = self.table.named(&key).and_then(|node| node.checked.map(|at| (at, node.stat)));
        if let Some((at, stat)) = known
            && self.is_fresh(at, now)
        {
            return Ok(Step::Done(Some(stat)));
        }
        self.listings += 1;
        Ok(Step::Ask(Asked { key, start: self.seq }))
    }

    /// Takes the answer to a question for one name.
    pub fn learn(&mut self, asked: &Asked, seen: Option<Seen>, now: Timestamp) -> Option<Stat> {
        if self.is_changed_since(asked.start, &asked.key) {
            return self.table.named(&asked.key).map(|node| node.stat);
        }
        self.patch(&asked.key, seen.clone());
        let Some(seen) = seen else {
            let gone = self.table.named(&asked.key).map(|node| node.stat.ino);
            gone.into_iter().for_each(|ino| self.table.forget(ino));
            return None;
        };
        let stat = self.table.note(&asked.key, &seen);
        if let Some(node) = self.table.named(&asked.key) {
            node.checked = Some(now);
        }
        Some(stat)
    }

    /// The bucket has not what a node stands for any more.
    pub fn lose(&mut self, ino: Ino) {
        let Ok(node) = self.table.get(ino) else { return };
        let key = node.key.clone();
        self.drop_window(split(&key).0);
        self.table.forget(ino);
    }

    /// A node has lost its name. Who has it open still reads it.
    pub fn unname(&mut self, ino: Ino, now: Timestamp) {
        let Ok(node) = self.table.get(ino) else { return };
        let (key, dirty) = (node.key.clone(), node.spool.is_some());
        node.stat.ctime = now;
        node.stat.version += 1;
        self.patch(&key, None);
        self.table.forget(ino);
        self.table.touch(split(&key).0, now);
        if dirty {
            self.end(&key);
        }
    }

    /// A name begins to be changed from here.
    pub fn begin(&mut self, key: &str) {
        self.changing.entry(key.to_owned()).or_default().open += 1;
    }

    /// A change of a name has ended, one way or the other.
    pub fn end(&mut self, key: &str) {
        self.seq += 1;
        if let Some(change) = self.changing.get_mut(key) {
            change.open = change.open.saturating_sub(1);
            change.ended = self.seq;
        }
        if self.listings == 0 {
            self.changing.retain(|_, change| change.open > 0);
        }
    }
}

/// What a node of the layer cannot be used as any more.
pub(super) fn stale(what: impl std::fmt::Display) -> NodeError {
    NodeError::with_source(
        Errno::ESTALE,
        format!("{what}: somebody else changed or removed it meanwhile; open it again"),
    )
}
