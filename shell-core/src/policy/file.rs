//! The format of `cowry.toml`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{Glob, Keep, LimitSettings, Policy, PolicyError, Rule, When};
use crate::address::Address;
use crate::mount::{Mount, MountMode};
use crate::units::{Size, Span};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PolicyFile {
    limits: LimitsTable,
    files: FilesTable,
    mounts: BTreeMap<Spanned<String>, MountTable>,
    sandbox: SandboxTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    memory: Option<Size>,
    cpu: Option<Span>,
    wall: Option<Span>,
    scratch: Option<Size>,
    scratch_memory: Option<Size>,
    files: Option<u64>,
    log: Option<Size>,
    result: Option<Size>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FilesTable {
    default: DefaultKeep,
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum DefaultKeep {
    #[default]
    Persist,
    Discard,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    glob: Spanned<String>,
    keep: Spanned<KeepWord>,
    #[serde(default)]
    when: WhenWord,
    ttl: Option<Spanned<Span>>,
    to: Option<Spanned<String>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum KeepWord {
    Persist,
    Discard,
    Expire,
    Promote,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum WhenWord {
    #[default]
    Success,
    Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MountTable {
    source: Spanned<String>,
    #[serde(default)]
    mode: ModeWord,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum ModeWord {
    #[default]
    Ro,
    Rw,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SandboxTable {
    strict: bool,
}

/// The text and its name, to say where something is wrong.
struct Source<'a> {
    text: &'a str,
    name: &'a str,
}

impl Source<'_> {
    fn error(&self, span: Option<Range<usize>>, problem: impl Into<String>) -> PolicyError {
        let place = match span {
            Some(span) => format!("{}:{}", self.name, self.line(span.start)),
            None => self.name.to_owned(),
        };
        PolicyError::Invalid { place, problem: problem.into() }
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }
}

pub(super) fn parse(text: &str, name: &str, folder: &Path) -> Result<Policy, PolicyError> {
    let source = Source { text, name };
    let file: PolicyFile =
        toml::from_str(text).map_err(|error| source.error(error.span(), plain(error.message())))?;
    let mut policy =
        Policy { strict: file.sandbox.strict, limits: limits(&file.limits), ..Policy::default() };
    policy.files.persist_by_default = matches!(file.files.default, DefaultKeep::Persist);
    for table in file.files.rule {
        policy.files.push(rule(&source, &table)?);
    }
    for (at, table) in &file.mounts {
        policy.mounts.push(mount(&source, at, table, folder)?);
    }
    Ok(policy)
}

/// Says "key" where serde says "field", and names the place of nothing else.
fn plain(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    message
        .replace("unknown field", "unknown key")
        .replace("missing field", "missing key")
        .replace("unknown variant", "unknown value")
}

fn limits(table: &LimitsTable) -> LimitSettings {
    LimitSettings {
        memory: table.memory.map(|size| size.0),
        cpu: table.cpu.map(|span| span.0),
        wall: table.wall.map(|span| span.0),
        scratch: table.scratch.map(|size| size.0),
        scratch_memory: table.scratch_memory.map(|size| size.0),
        files: table.files,
        log: table.log.map(|size| size.0),
        result: table.result.map(|size| size.0),
    }
}

fn rule(source: &Source<'_>, table: &Spanned<RuleTable>) -> Result<Rule, PolicyError> {
    let rule = table.get_ref();
    let glob = Glob::new(rule.glob.get_ref())
        .map_err(|error| source.error(Some(rule.glob.span()), error.to_string()))?;
    let when = match rule.when {
        WhenWord::Success => When::Success,
        WhenWord::Always => When::Always,
    };
    Ok(Rule { glob, keep: keep(source, rule)?, when })
}

fn keep(source: &Source<'_>, rule: &RuleTable) -> Result<Keep, PolicyError> {
    let word = *rule.keep.get_ref();
    if let (Some(ttl), false) = (&rule.ttl, matches!(word, KeepWord::Expire)) {
        return Err(source.error(Some(ttl.span()), "ttl belongs to keep = \"expire\" only; remove it"));
    }
    if let (Some(to), false) = (&rule.to, matches!(word, KeepWord::Promote)) {
        return Err(source.error(Some(to.span()), "to belongs to keep = \"promote\" only; remove it"));
    }
    match word {
        KeepWord::Persist => Ok(Keep::Persist),
        KeepWord::Discard => Ok(Keep::Discard),
        KeepWord::Expire => match &rule.ttl {
            Some(ttl) => Ok(Keep::Expire(ttl.get_ref().0)),
            None => {
                Err(source.error(Some(rule.keep.span()), "keep = \"expire\" needs ttl = \"2h\" or the like"))
            }
        },
        KeepWord::Promote => match &rule.to {
            Some(to) => Address::parse(to.get_ref())
                .map(Keep::Promote)
                .map_err(|problem| source.error(Some(to.span()), problem)),
            None => Err(source.error(
                Some(rule.keep.span()),
                "keep = \"promote\" needs to = \"s3://bucket/prefix\" or the like",
            )),
        },
    }
}

fn mount(
    source: &Source<'_>,
    at: &Spanned<String>,
    table: &MountTable,
    folder: &Path,
) -> Result<Mount, PolicyError> {
    let mode = match table.mode {
        ModeWord::Ro => MountMode::ReadOnly,
        ModeWord::Rw => MountMode::ReadWrite,
    };
    Mount::new(at.get_ref(), table.source.get_ref(), mode, folder)
        .map_err(|error| source.error(Some(table.source.span()), error.to_string()))
}
