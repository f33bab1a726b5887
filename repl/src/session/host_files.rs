//! Files of the host, for commands that name them.

use std::fs;
use std::path::Path;

/// Paths that begin so, at most so many, by name; those of folders end in a slash. Hidden ones only where they are
/// asked for.
pub fn beginning(word: &str, most: usize) -> Vec<String> {
    let (folder, prefix) = match word.rfind('/') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    };
    let place = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let wanted = |name: &String| {
        name.starts_with(prefix)
            && !name.contains(char::is_control)
            && (prefix.starts_with('.') || !name.starts_with('.'))
    };
    let mut found: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(wanted)?;
            let slash = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{folder}{name}{slash}"))
        })
        .collect();
    found.sort();
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn paths_are_found_by_their_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("sub")).expect("made");
        for name in ["some.js", "other.js", ".hidden"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        let place = folder.path().to_str().expect("a path in text");
        let names = |word: &str, most| -> Vec<String> {
            let found = beginning(&format!("{place}/{word}"), most);
            found.iter().map(|path| path[place.len() + 1..].to_owned()).collect()
        };
        assert_eq!(names("s", 10), ["some.js", "sub/"]);
        assert_eq!(names("s", 1), ["some.js"]);
        assert_eq!(names("", 10), ["other.js", "some.js", "sub/"]);
        assert_eq!(names(".h", 10), [".hidden"]);
        assert_eq!(names("missing/", 10), Vec::<String>::new());
    }
}
