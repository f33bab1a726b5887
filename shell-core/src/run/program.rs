//! Where the code of a run comes from.

use std::path::Path;
use std::sync::Arc;

use cowry_runtime::{Program as JobProgram, SourceKind};
use cowry_vfs::{HostLayer, HostOptions, Layer, Name, Vfs};

use super::Program;
use super::modules::Modules;
use crate::error::{Error, Result};
use crate::record::ProgramRecord;

/// A program that is ready to be handed to a sandbox.
pub(super) struct Prepared {
    pub job: JobProgram,
    /// The program's own folder, for its modules.
    pub folder: Option<Arc<dyn Layer>>,
    pub record: ProgramRecord,
}

/// Finds the program, in the tree that the run will see or on the host.
pub(super) fn prepare(program: &Program, tree: &Vfs) -> Result<Prepared> {
    match program {
        Program::HostFile(path) => host_file(path),
        Program::File(path) => {
            let text = tree.read(path).map_err(|error| {
                Error::Usage(format!(
                    "no program in the workspace: {error}; name a file of it, or one of the host"
                ))
            })?;
            let job = JobProgram::File { path: path.to_string() };
            Ok(Prepared { job, folder: None, record: record(path, &text) })
        }
        Program::Expression(code) => {
            let code = strip_fences(code);
            let record = record("[eval]", code.as_bytes());
            let job =
                JobProgram::Source { name: "[eval]".into(), code: code.into(), kind: SourceKind::Expression };
            Ok(Prepared { job, folder: None, record })
        }
        Program::Source { name, code, kind } => {
            let job = JobProgram::Source { name: name.clone(), code: code.clone(), kind: *kind };
            Ok(Prepared { job, folder: None, record: record(name, code.as_bytes()) })
        }
    }
}

fn host_file(path: &Path) -> Result<Prepared> {
    let text = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Usage(format!("no such program: {}; name a file, or give code with -e", path.display()))
        }
        std::io::ErrorKind::IsADirectory => {
            Error::Usage(format!("{} is a directory: name the file in it to run", path.display()))
        }
        _ => Error::host("read", path, error),
    })?;
    let unusable = || Error::Usage(format!("the name of {} is not UTF-8: rename it", path.display()));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(unusable)?;
    let main = Name::new(name).map_err(|_| unusable())?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let layer = HostLayer::open(folder, HostOptions { read_only: true }).map_err(|error| {
        Error::Usage(format!("cannot open the program's folder {}: {error}", folder.display()))
    })?;
    Ok(Prepared {
        job: JobProgram::File { path: format!("/program/{name}") },
        folder: Some(Arc::new(Modules::new(Arc::new(layer), main))),
        record: record(&path.display().to_string(), &text),
    })
}

fn record(name: &str, text: &[u8]) -> ProgramRecord {
    ProgramRecord { name: name.into(), hash: blake3::hash(text).to_hex().to_string() }
}

/// Takes off a Markdown fence round the whole of the code, which language models like to add.
fn strip_fences(code: &str) -> &str {
    let trimmed = code.trim();
    let inner = trimmed.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inner.and_then(|inner| inner.split_once('\n')) {
        Some((language, body)) if language.trim().chars().all(|c| c.is_ascii_alphanumeric()) => body,
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::strip_fences;

    #[test]
    fn fences_round_the_whole_code_go() {
        assert_eq!(strip_fences("```js\n1 + 1\n```"), "1 + 1\n");
        assert_eq!(strip_fences("\n```\nlet a = `x`\n```\n"), "let a = `x`\n");
        assert_eq!(strip_fences("1 + 1"), "1 + 1");
        assert_eq!(strip_fences("`a`"), "`a`");
        assert_eq!(strip_fences("```a```"), "```a```");
    }
}
