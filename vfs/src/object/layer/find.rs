//! Finding names and listing folders.

use super::ObjectLayer;
use super::nodes::{Object, Seen, join};
use super::state::{Fetch, Progress, Step};
use crate::errno::{Errno, NodeResult};
use crate::node::{DirEntry, Ino, Stat};
use crate::object::bucket::{Found, From, Page};
use crate::object::trouble::{Trouble, TroubleKind};
use crate::path::Name;

impl ObjectLayer {
    pub(super) fn find(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        // What is asked for now is good enough for whoever asked, however long the answer takes.
        let now = self.now();
        loop {
            let step = self.state.lock().find(parent, name, now)?;
            match step {
                Step::Done(stat) => return stat.ok_or_else(|| Errno::ENOENT.into()),
                Step::Fetch(fetch) => self.fetch(&fetch)?,
                Step::Ask(asked) => {
                    let answer = self.look(&asked.key);
                    let mut state = self.state.lock();
                    let stat = answer.map(|(seen, found)| {
                        let stat = state.learn(&asked, seen, self.now());
                        stat.zip(found.filter(|_| self.metadata)).map_or(stat, |(stat, found)| {
                            state.learn_kept(stat.ino, &found);
                            state.table.get(stat.ino).ok().map(|node| node.stat)
                        })
                    });
                    state.end_listing();
                    return stat?.ok_or_else(|| Errno::ENOENT.into());
                }
            }
        }
    }

    /// What the bucket has under a name, asked for it alone; with all that is said of an object.
    fn look(&self, key: &str) -> Result<(Option<Seen>, Option<Found>), Trouble> {
        if !is_key(key) {
            return Ok((None, None));
        }
        if self.has_folder(key)? {
            return Ok((Some(Seen::Folder), None));
        }
        let found = self.bucket.head(key)?;
        Ok((found.as_ref().map(|found| Seen::Object(Object::of(found))), found))
    }

    fn has_folder(&self, key: &str) -> Result<bool, Trouble> {
        let page = self.page(key, From::Start, 1)?;
        Ok(page.marker || page.hidden > 0 || !page.objects.is_empty() || !page.folders.is_empty())
    }

    /// A page of a folder; one that is not there is empty.
    fn page(&self, dir: &str, from: From, limit: usize) -> Result<Page, Trouble> {
        match self.bucket.list_from(dir, from, limit) {
            Err(trouble) if trouble.kind() == TroubleKind::Missing => Ok(Page::default()),
            page => page,
        }
    }

    /// Asks for a page of a listing, and for what must be known to put it in order.
    pub(super) fn fetch(&self, fetch: &Fetch) -> NodeResult<()> {
        let page = self.page_in_order(fetch);
        let mut state = self.state.lock();
        let taken = match page {
            Ok((page, answers)) => state.take(fetch, page, answers),
            Err(trouble) => {
                state.drop_window(&fetch.dir);
                Err(trouble.into())
            }
        };
        state.end_listing();
        taken
    }

    pub(super) fn page_in_order(&self, fetch: &Fetch) -> Result<(Page, Vec<(String, bool)>), Trouble> {
        let page = self.page(&fetch.dir, fetch.from.clone(), self.page_names)?;
        let questions = self.state.lock().questions(fetch, &page);
        let mut answers = Vec::with_capacity(questions.len());
        for name in questions {
            let there = self.has_folder(&join(&fetch.dir, &name))?;
            answers.push((name, there));
        }
        Ok((page, answers))
    }

    pub(super) fn list(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let mut progress = Progress { after: after.cloned(), limit, entries: Vec::new() };
        let now = self.now();
        loop {
            let step = self.state.lock().gather(dir, &mut progress, now)?;
            match step {
                Step::Done(()) | Step::Ask(_) => return Ok(progress.entries),
                Step::Fetch(fetch) => self.fetch(&fetch)?,
            }
        }
    }
}

/// Whether a name can be a key: no control characters.
pub(super) fn is_key(key: &str) -> bool {
    !key.chars().any(|c| c.is_ascii_control())
}
