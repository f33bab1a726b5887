//! What was listed of a folder: a stretch of its names in order, for a while.
//!
//! A listing is in the order of keys, where the folder `a` is `a/` and comes behind `a-b` and `a.csv`. Names here are in
//! their own order. A page can be put into it as soon as it is known of every name that is a beginning of
//! the page's last key whether it is a folder that comes later: [`beginnings`] are few, and asked for.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::nodes::{Object, Seen};
use crate::clock::Timestamp;
use crate::object::bucket::{From, Page};
use crate::path::Name;

/// The most names of one folder that are kept; those already told go first.
const KEPT: usize = 8192;
/// How many pages may bring nothing new before the server is not believed.
const IDLE: u32 = 100;
/// How many answers to "is there such a folder" are kept.
const ASKED: usize = 1024;

#[derive(Debug)]
pub(super) struct Window {
    pub since: Timestamp,
    /// Tells whether it is still as it was when a page was asked for.
    pub id: u64,
    /// Where it begins: names past this.
    from: Option<Name>,
    /// Known up to this name, unless `done`.
    upto: Option<Name>,
    pub done: bool,
    pub next: From,
    pub entries: BTreeMap<Name, Seen>,
    /// Whether the folder has a marker.
    pub marker: bool,
    /// How many keys in it were seen that cannot be names.
    pub hidden: u64,
    /// Whether there are folders of these names, asked before their turn came.
    asked: BTreeMap<String, bool>,
    idle: u32,
    /// When it was last used, for eviction.
    pub used: u64,
}

impl Window {
    pub fn new(after: Option<Name>, now: Timestamp, id: u64) -> Window {
        let next = after.as_ref().map_or(From::Start, |name| From::Name(name.to_string()));
        Window {
            since: now,
            id,
            from: after.clone(),
            upto: after,
            done: false,
            next,
            entries: BTreeMap::new(),
            marker: false,
            hidden: 0,
            asked: BTreeMap::new(),
            idle: 0,
            used: 0,
        }
    }

    /// Whether it says of a name what it is, or that there is none.
    pub fn covers(&self, name: &Name) -> bool {
        self.from.as_ref().is_none_or(|from| from < name) && (self.done || self.upto.as_ref() >= Some(name))
    }

    /// Whether a list of the names past `after` can begin here.
    pub fn reaches(&self, after: Option<&Name>) -> bool {
        self.from.as_ref() <= after && (self.done || after <= self.upto.as_ref())
    }

    pub fn begins_at_start(&self) -> bool {
        self.from.is_none()
    }

    pub fn after(&self, after: Option<&Name>) -> impl Iterator<Item = (&Name, &Seen)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.entries.range::<Name, _>((start, Bound::Unbounded))
    }

    /// Whether the folder surely stays when `but` has gone from it.
    pub fn keeps(&self, but: Option<&str>) -> bool {
        let objects = self
            .entries
            .iter()
            .filter(|(_, seen)| !matches!(seen, Seen::Object(Object { modified: None, .. })));
        self.marker || self.hidden > 0 || objects.into_iter().any(|(name, _)| Some(name.as_str()) != but)
    }

    /// Notes what a name has become.
    pub fn patch(&mut self, name: &Name, seen: Option<Seen>) {
        if !self.covers(name) {
            return;
        }
        match seen {
            Some(seen) => self.entries.insert(name.clone(), seen),
            None => self.entries.remove(name),
        };
    }

    /// The folders to ask for before a page is taken: is there one of that name?
    pub fn questions(&self, page: &Page) -> Vec<String> {
        if page.next.is_none() {
            return Vec::new();
        }
        let mut names =
            last_key(page).map(|(name, is_folder)| beginnings(name, is_folder)).unwrap_or_default();
        names.retain(|name| !self.asked.contains_key(name));
        names
    }

    /// Takes a page and the answers to its questions. Names that cannot be are left out. Says whether to go on: not
    /// if page after page brings nothing.
    pub fn take(&mut self, page: Page, answers: Vec<(String, bool)>) -> bool {
        let last = last_key(&page).map(|(name, is_folder)| beginnings(name, is_folder)).unwrap_or_default();
        if self.asked.len() > ASKED {
            self.asked.clear();
        }
        self.asked.extend(answers);
        self.marker |= page.marker;
        self.hidden = self.hidden.saturating_add(page.hidden);
        let mut found = BTreeMap::new();
        for object in &page.objects {
            let name = object.name.rsplit('/').next().unwrap_or_default();
            match Name::new(name) {
                Ok(name) => drop(found.insert(name, Seen::Object(Object::of(object)))),
                Err(_) => self.hidden += 1,
            }
        }
        let early = last.iter().filter(|name| self.asked.get(*name) == Some(&true));
        for folder in page.folders.iter().chain(early) {
            // A folder hides the object of its name: what is in it could not be reached otherwise.
            match Name::new(folder) {
                Ok(name) => drop(found.insert(name, Seen::Folder)),
                Err(_) => self.hidden += 1,
            }
        }
        found.retain(|name, _| self.upto.as_ref().is_none_or(|upto| name > upto));
        self.idle = if found.is_empty() { self.idle + 1 } else { 0 };
        if let Some((last, _)) = found.last_key_value() {
            self.upto = Some(last.clone());
        }
        self.entries.append(&mut found);
        match page.next {
            Some(token) => self.next = From::Page(token),
            None => self.done = true,
        }
        self.idle <= IDLE
    }

    /// Lets go of names that were told, if there are many.
    pub fn trim(&mut self, told: Option<&Name>) {
        while self.entries.len() > KEPT {
            match self.entries.first_key_value() {
                Some((name, _)) if Some(name) <= told => self.from = Some(name.clone()),
                _ => return,
            }
            self.entries.pop_first();
        }
    }
}

/// The last key of a page by its name in the folder, and whether it is a folder's.
fn last_key(page: &Page) -> Option<(&str, bool)> {
    let objects = page.objects.iter().map(|object| object.name.rsplit('/').next().unwrap_or_default());
    let object = objects.max();
    let folder = page.folders.iter().map(String::as_str).max_by_key(|folder| format!("{folder}/"));
    match (object, folder) {
        (Some(object), Some(folder)) if *format!("{folder}/") > *object => Some((folder, true)),
        (Some(object), _) => Some((object, false)),
        (None, folder) => folder.map(|folder| (folder, true)),
    }
}

/// The names of folders whose keys come after the key of `name` although the names come before it, or are it.
fn beginnings(name: &str, is_folder: bool) -> Vec<String> {
    let cuts = name.char_indices().skip(1).filter(|(at, _)| name.as_bytes()[*at] < b'/').map(|(at, _)| at);
    let whole = (!is_folder).then_some(name.len());
    cuts.chain(whole).map(|at| name[..at].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_what_sorts_before_and_is_listed_behind() {
        assert_eq!(beginnings("data-1.csv", false), ["data", "data-1", "data-1.csv"]);
        assert_eq!(beginnings("a-b", true), ["a"]);
        assert!(beginnings("plain", true).is_empty());
        assert_eq!(beginnings("é-x", false), ["é", "é-x"]);
    }
}
