//! Changed paths: a letter, the path, what it was before.

use cowry_shell_core::{Change, ChangeKind, DiffSummary};

use crate::style::Style;

/// Text that came from a program, fit for a terminal: a name may hold escape sequences, and shall not be
/// obeyed.
pub fn shown(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    text.chars().map(show).collect()
}

/// The same for text of several lines: line breaks and tabs stay.
pub fn legible(text: &str) -> String {
    let tabbed = |line: &str| line.split('\t').map(shown).collect::<Vec<_>>().join("\t");
    text.split('\n').map(tabbed).collect::<Vec<_>>().join("\n")
}

/// One line per change: `M /out/a.json`, `R /old -> /new`.
pub fn change_lines(changes: &[Change], style: Style) -> Vec<String> {
    let line = |change: &Change| {
        let is_dir = change.after.or(change.before).is_some_and(|stat| stat.is_dir());
        change_line(
            change.kind,
            change.path.as_str(),
            change.from.as_ref().map(|p| p.as_str()),
            is_dir,
            style,
        )
    };
    changes.iter().map(line).collect()
}

/// The line of one change.
pub fn change_line(kind: ChangeKind, path: &str, from: Option<&str>, is_dir: bool, style: Style) -> String {
    let slash = if is_dir { "/" } else { "" };
    let path = format!("{}{slash}", shown(path));
    match kind {
        ChangeKind::Added => style.added(&format!("A {path}")),
        ChangeKind::Removed => style.removed(&format!("D {path}")),
        ChangeKind::Modified => style.modified(&format!("M {path}")),
        ChangeKind::Renamed => {
            let from = shown(from.unwrap_or_default());
            style.place(&format!("R {from}{slash} -> {path}"))
        }
    }
}

/// The sums in words: `2 added, 1 modified`; `no changes` where there are none.
pub fn summary(sums: DiffSummary) -> String {
    let parts = [
        (sums.added, "added"),
        (sums.modified, "modified"),
        (sums.renamed, "renamed"),
        (sums.removed, "removed"),
    ];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if told.is_empty() { "no changes".into() } else { told.join(", ") }
}

/// `1 file`, `2 files`.
pub fn counted(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::{ChangeKind, DiffSummary, Style, change_line, shown, summary};

    #[test]
    fn a_change_is_a_letter_and_a_path() {
        let line = |kind, from, is_dir| change_line(kind, "/a", from, is_dir, Style::PLAIN);
        assert_eq!(line(ChangeKind::Added, None, false), "A /a");
        assert_eq!(line(ChangeKind::Removed, None, true), "D /a/");
        assert_eq!(line(ChangeKind::Renamed, Some("/b"), false), "R /b -> /a");
        assert_eq!(change_line(ChangeKind::Added, "/a", None, false, Style::ALWAYS), "\x1b[32mA /a\x1b[0m");
    }

    #[test]
    fn sums_name_what_there_is() {
        assert_eq!(summary(DiffSummary::default()), "no changes");
        assert_eq!(
            summary(DiffSummary { added: 2, modified: 1, ..DiffSummary::default() }),
            "2 added, 1 modified"
        );
    }

    #[test]
    fn escape_sequences_in_names_are_shown_and_not_obeyed() {
        assert_eq!(shown("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown("größe 表"), "größe 表");
    }
}
