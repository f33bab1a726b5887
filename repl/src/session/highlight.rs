//! Entries in colour while they are typed.

use super::editor::is_command;
use super::lex::{Kind, tokens};
use crate::style::Style;

/// The text with colours; it is as wide as before. Lines for bash stay as they are.
pub fn highlight(text: &str, style: Style) -> String {
    if text.starts_with("$ ") {
        return text.to_owned();
    }
    if is_command(text) {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return style.place(&text[..end]) + &text[end..];
    }
    tokens(text)
        .iter()
        .map(|token| {
            let part = &text[token.start..token.end];
            match token.kind {
                Kind::Keyword => style.keyword(part),
                Kind::String => style.added(part),
                Kind::Number => style.modified(part),
                Kind::Regex => style.removed(part),
                Kind::Comment => style.faint(part),
                Kind::Word | Kind::Punctuation | Kind::Space => part.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Style, highlight};

    /// The text with a letter in front of each stretch that is coloured and a bar behind it.
    fn told(text: &str) -> String {
        let painted = highlight(text, Style::ALWAYS);
        [("35", "k"), ("32", "s"), ("33", "n"), ("31", "r"), ("2", "c"), ("36", "d")]
            .iter()
            .fold(painted, |text, (code, letter)| text.replace(&format!("\x1b[{code}m"), letter))
            .replace("\x1b[0m", "|")
    }

    #[test]
    fn tokens_have_their_colours() {
        assert_eq!(told("const a = 'x' // y"), "kconst| a = s'x'| c// y|");
        assert_eq!(told("/a/.test(1)"), "r/a/|.test(n1|)");
    }

    #[test]
    fn commands_are_told_from_code_and_bash_is_plain() {
        assert_eq!(told(".diff --stat"), "d.diff| --stat");
        assert_eq!(told("$ ls 'a' 1"), "$ ls 'a' 1");
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(highlight("const a = 'x'", Style::PLAIN), "const a = 'x'");
    }
}
