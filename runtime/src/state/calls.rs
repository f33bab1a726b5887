//! Operations on content as the table calls them.

use serde::Deserialize;
use serde_json::Value;

use super::plan::Write;
use super::{Args, Reply, State, StateResult, path};

pub(super) fn search_text(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.search_text(&args.path(0)?, args.text(1)?, &args.options(2)?)?)
}

pub(super) fn search_files(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.search_files(args.text(0)?, args.text(1)?, &args.options(2)?)?)
}

pub(super) fn replace_in_file(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.replace_in_file(&args.path(0)?, args.text(1)?, args.text(2)?, &args.options(3)?)?)
}

pub(super) fn replace_in_files(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.replace_in_files(args.text(0)?, args.text(1)?, args.text(2)?, &args.options(3)?)?)
}

pub(super) fn glob(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.glob(args.text(0)?)?)
}

pub(super) fn diff(state: &State<'_>, args: &Args) -> StateResult {
    Ok(Reply::Text(state.diff(&args.path(0)?, &args.path(1)?)?))
}

pub(super) fn diff_content(state: &State<'_>, args: &Args) -> StateResult {
    Ok(Reply::Text(state.diff_content(&args.path(0)?, args.text(1)?)?))
}

pub(super) fn create_archive(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.create_archive(&args.path(0)?, &args.parse::<Vec<String>>(1)?)?)
}

pub(super) fn list_archive(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.list_archive(&args.path(0)?)?)
}

pub(super) fn extract_archive(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.extract_archive(&args.path(0)?, &args.path(1)?)?)
}

pub(super) fn compress_file(state: &State<'_>, args: &Args) -> StateResult {
    let destination = args.text_if_any(1)?.map(path::normal).transpose()?;
    Reply::of(&state.compress_file(&args.path(0)?, destination)?)
}

pub(super) fn decompress_file(state: &State<'_>, args: &Args) -> StateResult {
    let destination = args.text_if_any(1)?.map(path::normal).transpose()?;
    Reply::of(&state.decompress_file(&args.path(0)?, destination)?)
}

pub(super) fn hash_file(state: &State<'_>, args: &Args) -> StateResult {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Options {
        algorithm: Option<String>,
    }
    let options: Options = args.options(1)?;
    let algorithm = options.algorithm.as_deref().unwrap_or("sha256");
    Ok(Reply::Text(state.hash_file(&args.path(0)?, algorithm)?))
}

pub(super) fn detect_file(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.detect_file(&args.path(0)?)?)
}

pub(super) fn plan_edits(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.plan_edits(&args.parse::<Vec<Value>>(0)?)?)
}

pub(super) fn apply_edit_plan(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.apply_edit_plan(&args.parse(0)?, &args.options(1)?)?)
}

pub(super) fn apply_edits(state: &State<'_>, args: &Args) -> StateResult {
    Reply::of(&state.apply_edits(&args.parse::<Vec<Write>>(0)?, &args.options(1)?)?)
}
