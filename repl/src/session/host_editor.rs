//! The user's own editor, for what is long.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::interrupt;

/// Has text changed in the editor that `VISUAL` or `EDITOR` names. `like` is a path whose ending tells the editor
/// what kind of text it is.
pub fn edit(text: &str, like: &str) -> Outcome<String> {
    let set = |name: &str| env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    let editor = set("VISUAL")
        .or_else(|| set("EDITOR"))
        .ok_or_else(|| Failure::new("no editor: set VISUAL or EDITOR to the one you use"))?;
    edit_with(&editor, text, like)
}

fn edit_with(editor: &str, text: &str, like: &str) -> Outcome<String> {
    let name = Path::new(like).file_name().unwrap_or_else(|| "entry.ts".as_ref());
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(name);
    fs::write(&file, text)?;
    let _guard = interrupt::to_other();
    let ended =
        Command::new("/bin/sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(&file).status()?;
    if !ended.success() {
        return Err(Failure::new(format!("{editor} failed: nothing was entered")));
    }
    let edited = fs::read(&file)?;
    String::from_utf8(edited).map_err(|_| Failure::new("what was written is no text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::edit_with;

    #[test]
    fn what_the_editor_leaves_is_taken() {
        assert_eq!(edit_with("sed -i s/a/b/", "a\n", "/out/x.txt").expect("edited"), "b\n");
    }

    #[test]
    fn an_editor_that_fails_enters_nothing() {
        assert!(edit_with("false", "a", "entry.ts").is_err());
    }
}
