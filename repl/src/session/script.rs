//! Entries in files of the host, and entries that are made up here.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::editor::{Editor, PipeEditor, Reading};
use crate::failure::{Failure, Outcome};

/// The entries in a file, as a pipe would bring them.
pub fn load(file: &Path) -> Outcome<Vec<String>> {
    let text = fs::read(file).map_err(|error| Failure::host("read", file, &error))?;
    let mut reader = PipeEditor::of(text.as_slice());
    let mut entries = Vec::new();
    loop {
        match reader.read() {
            Reading::Entry(entry) => entries.push(entry),
            Reading::Failed(_) | Reading::Garbled => {
                return Err(Failure::new(format!("{} is no text in UTF-8", file.display())));
            }
            Reading::End | Reading::Interrupted => return Ok(entries),
        }
    }
}

/// Writes entries into a file that `load` reads. One that is there is only replaced if `force` says so.
pub fn save(entries: &[String], file: &Path, force: bool) -> Outcome<()> {
    let text: String = entries.iter().map(|entry| format!("{}\n", entry.trim_end_matches('\n'))).collect();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(force).truncate(force).create_new(!force);
    let opened = options.open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(format!("{} is there already: --force replaces it", file.display()))
        }
        _ => Failure::host("write", file, &error),
    });
    opened?.write_all(text.as_bytes()).map_err(|error| Failure::host("write", file, &error))
}

/// The entry that writes text to a file of the session.
pub fn writing(path: &str, text: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    format!("require('node:fs').writeFileSync({}, {})", quoted(path), quoted(text))
}

#[cfg(test)]
mod tests {
    use super::{load, save, writing};

    #[test]
    fn what_is_saved_can_be_loaded() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("entries.ts");
        let entries =
            ["const a = 1".to_owned(), "function f() {\n  return a\n}".to_owned(), ".diff".to_owned()];
        save(&entries, &file, false).expect("saved");
        assert_eq!(load(&file).expect("loaded"), entries);
        let refused = save(&entries[..1], &file, false).expect_err("it is there").to_string();
        assert!(refused.ends_with("is there already: --force replaces it"), "{refused}");
        save(&entries[..1], &file, true).expect("replaced");
        assert_eq!(load(&file).expect("loaded"), entries[..1]);
    }

    #[test]
    fn a_file_that_cannot_be_loaded_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("entries.ts");
        assert!(load(&file).expect_err("it is missing").to_string().starts_with("no such file: "));
        std::fs::write(&file, b"1\n\xff\n").expect("written");
        assert!(load(&file).expect_err("it is no text").to_string().ends_with("is no text in UTF-8"));
    }

    #[test]
    fn text_is_quoted_in_an_entry() {
        assert_eq!(writing("/a'b", "\"x\"\n"), r#"require('node:fs').writeFileSync("/a'b", "\"x\"\n")"#);
    }
}
