//! What the two commands that merge have in common: decisions about conflicts, and showing what came of it.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use cowry_shell_core::{
    CsvKey, Error, Glob, MergeConflict, MergeOptions, MergeReport, MergeVersion, Side, VPathBuf,
    VersionContent,
};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::{change_lines, counted, json as object, legible, shown, summary};
use crate::status;

/// What is decided about conflicts.
#[derive(Args, Debug)]
#[command(next_help_heading = "Conflicts")]
pub struct Decisions {
    #[command(flatten)]
    pub sides: Sides,
    /// Puts this file of the host where there is a conflict
    #[arg(long, value_name = "PATH=FILE", value_parser = parse_resolve)]
    pub resolve: Vec<(VPathBuf, PathBuf)>,
    /// Merges CSV files by rows, told apart by these columns
    #[arg(long, value_name = "GLOB=COLUMN[,COLUMN]", value_parser = parse_csv_key)]
    pub csv_key: Vec<CsvKey>,
}

/// What to do instead of merging.
#[derive(Args, Debug)]
pub struct Look {
    /// Shows what would change, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Shows what base, ours and theirs have where there is a conflict, or one of them as it is
    #[arg(long, value_names = ["PATH", "SIDE"], num_args = 1..=2)]
    pub show: Option<Vec<String>>,
}

impl Look {
    /// Whether nothing is to change.
    pub fn is_dry(&self) -> bool {
        self.dry_run || self.show.is_some()
    }
}

/// `--ours` and `--theirs` in the order they were given, since the first match wins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sides(pub Vec<(Side, String)>);

/// What the options mean without a glob.
pub const ALL: &str = "/**";

const SIDES: [(&str, Side, &str); 2] = [
    ("ours", Side::Ours, "Settles conflicts as the workspace has it, at paths that match or everywhere"),
    ("theirs", Side::Theirs, "Settles conflicts as the other side has it; the first that matches wins"),
];

impl Args for Sides {
    fn augment_args(command: Command) -> Command {
        SIDES.iter().fold(command, |command, (name, _, help)| {
            let arg = Arg::new(*name).long(*name).value_name("GLOB").help(*help).action(ArgAction::Append);
            command.arg(arg.num_args(0..=1).require_equals(true).default_missing_value(ALL))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Sides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Sides, clap::Error> {
        let mut found: Vec<(usize, (Side, String))> = Vec::new();
        for (name, side, _) in SIDES {
            let globs = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            found.extend(places.zip(globs).map(|(at, glob)| (at, (side, glob.clone()))));
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(Sides(found.into_iter().map(|(_, rule)| rule).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Sides::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `/path=FILE` in its two parts.
fn parse_resolve(text: &str) -> Result<(VPathBuf, PathBuf), String> {
    match text.split_once('=') {
        Some((path, file)) if !path.is_empty() && !file.is_empty() => {
            Ok((path_of(path).map_err(|error| error.to_string())?, file.into()))
        }
        _ => Err("write PATH=FILE: a path with a conflict, and the file to put there".into()),
    }
}

fn path_of(text: &str) -> Outcome<VPathBuf> {
    VPathBuf::parse(&format!("/{text}")).map_err(|error| Failure::new(format!("{error}: {text}")))
}

fn parse_csv_key(text: &str) -> Result<CsvKey, String> {
    text.parse().map_err(|error: cowry_shell_core::CsvKeyError| error.to_string())
}

impl Decisions {
    /// The decisions as the library takes them; files are read here.
    pub fn options(&self, dry_run: bool) -> Outcome<MergeOptions> {
        let mut options = MergeOptions { dry_run, csv_keys: self.csv_key.clone(), ..MergeOptions::default() };
        for (side, glob) in &self.sides.0 {
            let place = if *side == Side::Ours { "--ours" } else { "--theirs" };
            let glob = Glob::new(glob).map_err(|error| Error::Glob { place: place.into(), error })?;
            options.sides.push((glob, *side));
        }
        for (path, file) in &self.resolve {
            options.contents.insert(path.clone(), read(file)?);
        }
        Ok(options)
    }
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(file).map_err(|error| Failure::host("read", file, &error))
}

/// Says what came of a merge of `what`, and returns the status.
pub fn outcome(
    context: &mut Context,
    report: &MergeReport,
    what: &str,
    (decisions, look): (&Decisions, &Look),
) -> Outcome {
    for glob in idle_keys(decisions, report) {
        context.out.note(&format!("--csv-key {glob}: no file that matches was changed on both sides"));
    }
    if let Some(words) = &look.show {
        return show(context, report, words);
    }
    if context.out.json {
        let mut object = as_object(report)?;
        object["idleCsvKeys"] = json!(idle_keys(decisions, report));
        context.out.object(&object)?;
    } else if look.dry_run {
        context.out.lines(change_lines(&report.diff.changes, context.out.style))?;
    }
    if report.has_conflicts() {
        return Ok(tell_conflicts(context, &report.conflicts));
    }
    let more = more(report);
    match &report.revision {
        Some(revision) => {
            context.out.note(&format!("committed revision {}: merged {what} ({more})", revision.id.0));
        }
        None if look.dry_run => context.out.note(&format!("would merge {what} ({more})")),
        None if report.resolved.is_empty() => context.out.note(&format!("nothing to merge from {what}")),
        None => context.out.note(&format!("merged {what}, which leaves everything as it is ({more})")),
    }
    Ok(0)
}

/// The globs of `--csv-key` that match nothing that was to be put together: a slip, most likely.
fn idle_keys<'a>(decisions: &'a Decisions, report: &MergeReport) -> Vec<&'a str> {
    let conflicts = report.conflicts.iter().chain(report.resolved.iter().map(|(conflict, _)| conflict));
    let combined = report.combined.iter().map(|(path, _)| path);
    let paths: Vec<&VPathBuf> = conflicts.map(|conflict| &conflict.path).chain(combined).collect();
    let idle = |key: &&CsvKey| !paths.iter().any(|path| key.glob.matches(path));
    decisions.csv_key.iter().filter(idle).map(|key| key.glob.as_str()).collect()
}

/// How much changed, how much of that was put together and how much decided.
fn more(report: &MergeReport) -> String {
    let mut parts = vec![summary(report.diff.summary())];
    if !report.combined.is_empty() {
        parts.push(format!("{} put together", counted(report.combined.len() as u64, "file")));
    }
    if !report.resolved.is_empty() {
        parts.push(format!("{} settled", counted(report.resolved.len() as u64, "conflict")));
    }
    parts.join("; ")
}

fn tell_conflicts(context: &mut Context, conflicts: &[MergeConflict]) -> u8 {
    if !context.out.json {
        for conflict in conflicts {
            context.out.say(&format!("conflict: {}", shown(&conflict.to_string())));
        }
        let count = counted(conflicts.len() as u64, "conflict");
        context.out.say(&format!(
            "cowry: {count}, nothing was changed: look with --show PATH, settle with --ours, --theirs or \
             --resolve PATH=FILE"
        ));
    }
    status::CONFLICT
}

fn show(context: &mut Context, report: &MergeReport, words: &[String]) -> Outcome {
    let path = path_of(&words[0])?;
    let conflict = report.conflict(&path).ok_or_else(|| {
        Failure::new(format!("there is no conflict at {path}: --dry-run lists what there is"))
    })?;
    if let Some(word) = words.get(1) {
        let (name, version) = VERSIONS.into_iter().find(|(name, _)| name == word).ok_or_else(|| {
            Failure::new(format!("{word} is no side: write base, ours or theirs behind the path"))
        })?;
        let content = report.content(conflict, version)?;
        if context.out.json {
            let side = content_object(content, usize::MAX);
            context.out.object(&json!({ "path": path.as_str(), "side": name, "content": side }))?;
            return Ok(0);
        }
        return raw(context, &path, name, &content).map(|()| 0);
    }
    if context.out.json {
        context.out.object(&conflict_object(report, conflict, usize::MAX)?)?;
        return Ok(0);
    }
    let mut lines = vec![conflict.to_string()];
    for (name, version) in VERSIONS {
        let content = report.content(conflict, version)?;
        lines.push(format!("--- {name}{}", headline(&content)));
        lines.extend(body(&content));
    }
    context.out.lines(lines)?;
    Ok(0)
}

const VERSIONS: [(&str, MergeVersion); 3] =
    [("base", MergeVersion::Base), ("ours", MergeVersion::Ours), ("theirs", MergeVersion::Theirs)];

/// One side as it is, for a pipe or a file.
fn raw(context: &mut Context, path: &VPathBuf, name: &str, content: &VersionContent) -> Outcome<()> {
    match content {
        VersionContent::File(bytes) => context.out.raw(bytes)?,
        VersionContent::Link(target) => context.out.text(target)?,
        VersionContent::Directory(names) => context.out.lines(names.clone())?,
        VersionContent::Missing => context.out.say(&format!("cowry: {path} is not there in {name}")),
        VersionContent::Other(_) => context.out.say(&format!("cowry: {path} has no content in {name}")),
    }
    Ok(())
}

fn headline(content: &VersionContent) -> String {
    match content {
        VersionContent::Missing => ": not there".into(),
        VersionContent::File(bytes) if std::str::from_utf8(bytes).is_err() => {
            format!(": {} bytes, no text", bytes.len())
        }
        VersionContent::File(_) => String::new(),
        VersionContent::Link(target) => format!(": a link to {}", shown(target)),
        VersionContent::Directory(_) => ": a directory".into(),
        VersionContent::Other(kind) => format!(": {}", object::node_word(*kind)),
    }
}

fn body(content: &VersionContent) -> Vec<String> {
    match content {
        VersionContent::File(bytes) => std::str::from_utf8(bytes)
            .map_or(Vec::new(), |text| legible(text).lines().map(Into::into).collect()),
        VersionContent::Directory(names) => names.iter().map(|name| shown(name)).collect(),
        _ => Vec::new(),
    }
}

fn as_object(report: &MergeReport) -> Outcome<Value> {
    let resolved: Vec<Value> = report
        .resolved
        .iter()
        .map(|(conflict, resolution)| {
            use cowry_shell_core::Resolution::{Content, Ours, Theirs};
            let by = match resolution {
                Ours => "ours",
                Theirs => "theirs",
                Content(_) => "content",
            };
            json!({ "path": conflict.path.as_str(), "kind": conflict.what.as_str(), "by": by })
        })
        .collect();
    let conflicts: Vec<Value> = report
        .conflicts
        .iter()
        .map(|conflict| conflict_object(report, conflict, SHOWN_BYTES))
        .collect::<Outcome<_>>()?;
    Ok(json!({
        "base": report.base.1.0,
        "ours": report.ours.0,
        "theirs": report.theirs.map(|revision| revision.0),
        "revision": report.revision.as_ref().map(|info| info.id.0),
        "changes": report.diff.changes.iter().map(object::change).collect::<Vec<_>>(),
        "combined": report.combined.iter().map(|(path, method)| {
            json!({ "path": path.as_str(), "by": method.as_str() })
        }).collect::<Vec<_>>(),
        "resolved": resolved,
        "conflicts": conflicts,
    }))
}

/// A conflict, and what each side has there: `null` where it has nothing.
fn conflict_object(report: &MergeReport, conflict: &MergeConflict, most: usize) -> Outcome<Value> {
    let mut told = json!({
        "path": conflict.path.as_str(),
        "kind": conflict.what.as_str(),
        "detail": conflict.detail,
    });
    for (name, version) in VERSIONS {
        told[name] = content_object(report.content(conflict, version)?, most);
    }
    Ok(told)
}

/// What one side has; a text of at most so many bytes is in it.
fn content_object(content: VersionContent, most: usize) -> Value {
    match content {
        VersionContent::Missing => Value::Null,
        VersionContent::File(bytes) => match String::from_utf8(bytes) {
            Ok(text) if text.len() <= most => json!({ "node": "file", "size": text.len(), "text": text }),
            Ok(text) => json!({ "node": "file", "size": text.len() }),
            Err(error) => json!({ "node": "file", "size": error.as_bytes().len() }),
        },
        VersionContent::Link(target) => json!({ "node": "symlink", "target": target }),
        VersionContent::Directory(names) => json!({ "node": "directory", "names": names }),
        VersionContent::Other(kind) => json!({ "node": object::node_word(kind) }),
    }
}

/// Longer texts are not in the object; `--show` has them.
const SHOWN_BYTES: usize = 64 << 10;
