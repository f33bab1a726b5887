//! Completion from a session: its globals, its files.

use std::cell::RefCell;
use std::rc::Rc;

use cowry_shell_core::{Member, Session};

use super::complete::{MOST, Source};

/// The session that is at the prompt.
#[derive(Debug)]
pub struct SessionSource {
    session: Rc<RefCell<Session>>,
}

impl SessionSource {
    /// Completes from `session`, which runs nothing while there is a prompt.
    pub fn new(session: Rc<RefCell<Session>>) -> SessionSource {
        SessionSource { session }
    }
}

impl Source for SessionSource {
    fn members(&self, path: &[String], prefix: &str) -> Vec<Member> {
        // Completion that fails offers nothing; the entry itself will tell why.
        self.session.borrow_mut().members(path, prefix, MOST).unwrap_or_default()
    }

    fn files(&self, folder: &str, prefix: &str) -> Vec<String> {
        let found = self.session.borrow_mut().entries(folder, prefix, MOST).unwrap_or_default();
        let slash = |is_dir| if is_dir { "/" } else { "" };
        found.iter().map(|entry| format!("{}{}", entry.name, slash(entry.stat.is_dir()))).collect()
    }
}
