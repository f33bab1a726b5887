//! Rules: which paths persist, and the judge they make for one run.

use std::time::Duration;

use cowry_vfs::VPathBuf;
use cowry_vfs::commit::{Judge, Verdict};

use super::glob::{Coverage, Glob, GlobError};
use crate::address::Address;

/// What becomes of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keep {
    /// It is committed.
    Persist,
    /// It is forgotten.
    Discard,
    /// It is committed, and removed once this much time has passed.
    Expire(Duration),
    /// It is committed, and files are copied to this bucket afterwards. A removal changes nothing there.
    Promote(Address),
}

/// After which runs a rule persists something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum When {
    /// Only if the run succeeded.
    #[default]
    Success,
    /// After failures too.
    Always,
}

/// One rule: what matches the glob is kept so.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which paths.
    pub glob: Glob,
    /// What becomes of them.
    pub keep: Keep,
    /// After which runs.
    pub when: When,
}

impl Rule {
    /// A rule that persists what a successful run wrote, as `--persist` makes.
    ///
    /// # Errors
    /// If the glob is bad.
    pub fn persist(glob: &str) -> Result<Rule, GlobError> {
        Ok(Rule { glob: Glob::new(glob)?, keep: Keep::Persist, when: When::Success })
    }

    /// A rule that discards, as `--discard` makes.
    ///
    /// # Errors
    /// If the glob is bad.
    pub fn discard(glob: &str) -> Result<Rule, GlobError> {
        Ok(Rule { glob: Glob::new(glob)?, keep: Keep::Discard, when: When::Success })
    }

    /// The same rule for failed runs too.
    #[must_use]
    pub fn always(self) -> Rule {
        Rule { when: When::Always, ..self }
    }

    fn verdict(&self, success: bool) -> Verdict {
        match self.keep {
            _ if !success && self.when == When::Success => Verdict::Discard,
            Keep::Persist | Keep::Promote(_) => Verdict::Persist,
            Keep::Discard => Verdict::Discard,
            Keep::Expire(ttl) => Verdict::Expire(ttl),
        }
    }
}

/// An ordered list of rules and what holds where none matches.
#[derive(Clone, Debug)]
pub struct FileRules {
    rules: Vec<Rule>,
    scratch: Rule,
    /// Whether a path that no rule matches persists.
    pub persist_by_default: bool,
}

impl Default for FileRules {
    fn default() -> FileRules {
        let scratch = Rule::discard("/tmp/**").expect("the built-in glob is well formed");
        FileRules { rules: Vec::new(), scratch, persist_by_default: true }
    }
}

impl FileRules {
    /// Rules that are none yet but the built-in one.
    pub fn with_default(persist: bool) -> FileRules {
        FileRules { persist_by_default: persist, ..FileRules::default() }
    }

    /// Adds a rule after those there are (the built-in one for `/tmp` stays last).
    pub fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Puts rules before those there are, in the order given, as the command line does.
    pub fn prepend(&mut self, rules: impl IntoIterator<Item = Rule>) {
        self.rules.splice(0..0, rules);
    }

    /// All rules in the order in which they are asked, the built-in one included.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().chain([&self.scratch])
    }

    /// The judge of what a run that succeeded or failed has written.
    pub fn judge(&self, success: bool) -> RuleJudge<'_> {
        RuleJudge { rules: self, success }
    }

    /// The buckets that rules promote to, each once.
    pub fn promoted_to(&self) -> Vec<&Address> {
        let mut found: Vec<&Address> = Vec::new();
        for rule in &self.rules {
            if let Keep::Promote(to) = &rule.keep
                && !found.contains(&to)
            {
                found.push(to);
            }
        }
        found
    }

    fn default_verdict(&self, success: bool) -> Verdict {
        if success && self.persist_by_default { Verdict::Persist } else { Verdict::Discard }
    }
}

/// Rules applied to the outcome of one run.
///
/// The first rule whose glob matches decides. If the run failed and that rule holds for successful runs only, the
/// path is discarded; later rules are not asked.
#[derive(Clone, Copy, Debug)]
pub struct RuleJudge<'a> {
    rules: &'a FileRules,
    success: bool,
}

impl RuleJudge<'_> {
    /// The rules that it applies.
    pub fn rules(&self) -> &FileRules {
        self.rules
    }

    /// The bucket that a file at `path` is copied to, and its name there: its path below the directory that the glob
    /// names, so that `/out/**` to `s3://b/p` makes `s3://b/p/a/b.csv` of `/out/a/b.csv`.
    pub fn promotion(&self, path: &VPathBuf) -> Option<(&Address, String)> {
        let rule = self.rules.rules().find(|rule| rule.glob.matches(path))?;
        let Keep::Promote(to) = &rule.keep else { return None };
        if !rule.verdict(self.success).persists() {
            return None;
        }
        let base = rule.glob.base();
        let name = path.as_str().strip_prefix(&base).unwrap_or(path.as_str());
        Some((to, name.trim_start_matches('/').to_owned()))
    }
}

impl Judge for RuleJudge<'_> {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        match self.rules.rules().find(|rule| rule.glob.matches(path)) {
            Some(rule) => rule.verdict(self.success),
            None => self.rules.default_verdict(self.success),
        }
    }

    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        let mut possible = None;
        let mut agrees = |verdict: Verdict| *possible.get_or_insert(verdict) == verdict;
        for rule in self.rules.rules() {
            let coverage = rule.glob.coverage(path);
            let verdict = rule.verdict(self.success);
            match coverage {
                Coverage::None => {}
                Coverage::Some if agrees(verdict) => {}
                Coverage::All if agrees(verdict) => return Some(verdict),
                Coverage::Some | Coverage::All => return None,
            }
        }
        let default = self.rules.default_verdict(self.success);
        agrees(default).then_some(default)
    }
}
