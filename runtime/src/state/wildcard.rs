//! The patterns of `find`: `*` and `?` stay within a component, `**` does not, everything else is itself.

/// One piece of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece {
    /// This character.
    Char(char),
    /// Any character but a slash.
    Any,
    /// Any number of characters other than slashes.
    Star,
    /// Any number of characters.
    Stars,
    /// `**/`: nothing, or anything that ends with a slash.
    Dirs,
}

/// A pattern, ready to be matched.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<Piece>);

impl Pattern {
    /// Reads a pattern; every text is one.
    pub(crate) fn new(text: &str) -> Pattern {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (piece, len) = match first {
                '*' if rest.starts_with("**/") => (Piece::Dirs, 3),
                '*' if rest.starts_with("**") => (Piece::Stars, 2),
                '*' => (Piece::Star, 1),
                '?' => (Piece::Any, 1),
                other => (Piece::Char(other), other.len_utf8()),
            };
            pieces.push(piece);
            rest = &rest[len..];
        }
        Pattern(pieces)
    }

    /// Whether it matches all of a text. All ways are tried at once, so that the work is bounded by the product of the
    /// lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let pieces = &self.0;
        let mut at = vec![false; pieces.len() + 1];
        let mut next = at.clone();
        self.enter(&mut at, 0);
        for c in text.chars() {
            next.fill(false);
            for (i, piece) in pieces.iter().enumerate().filter(|(i, _)| at[*i]) {
                match piece {
                    Piece::Char(wanted) if *wanted == c => self.enter(&mut next, i + 1),
                    Piece::Any if c != '/' => self.enter(&mut next, i + 1),
                    Piece::Star if c != '/' => self.enter(&mut next, i),
                    Piece::Stars => self.enter(&mut next, i),
                    // Within a component there is no way out but its slash.
                    Piece::Dirs => {
                        next[i] = true;
                        if c == '/' {
                            self.enter(&mut next, i + 1);
                        }
                    }
                    _ => {}
                }
            }
            std::mem::swap(&mut at, &mut next);
        }
        at[pieces.len()]
    }

    /// Comes to a piece, and to those behind it if it may stand for nothing.
    fn enter(&self, at: &mut [bool], from: usize) {
        for (i, here) in at.iter_mut().enumerate().skip(from) {
            *here = true;
            if !matches!(self.0.get(i), Some(Piece::Star | Piece::Stars | Piece::Dirs)) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matching<'a>(pattern: &str, texts: &[&'a str]) -> Vec<&'a str> {
        let pattern = Pattern::new(pattern);
        texts.iter().copied().filter(|text| pattern.matches(text)).collect()
    }

    #[test]
    fn a_star_stays_within_a_component() {
        assert_eq!(
            matching("/a/*.txt", &["/a/b.txt", "/a/.txt", "/a/b/c.txt", "/a/b.txt2"]),
            ["/a/b.txt", "/a/.txt"]
        );
    }

    #[test]
    fn two_stars_and_a_slash_stand_for_any_directories() {
        let paths = ["/a/x", "/a/b/x", "/a/b/c/x", "/ax", "/a/bx"];
        assert_eq!(matching("/a/**/x", &paths), ["/a/x", "/a/b/x", "/a/b/c/x"]);
        assert_eq!(matching("**/x", &["x", "/x", "/a/x", "ax"]), ["x", "/x", "/a/x"]);
    }

    #[test]
    fn two_stars_alone_match_everything() {
        assert_eq!(matching("/a/**", &["/a/", "/a/b", "/a/b/c", "/b"]), ["/a/", "/a/b", "/a/b/c"]);
    }

    #[test]
    fn a_question_mark_is_one_character_and_brackets_are_themselves() {
        assert_eq!(matching("?[x]", &["ä[x]", "ax", "/[x]"]), ["ä[x]"]);
    }

    #[test]
    fn many_stars_are_no_trap() {
        let pattern = "*a".repeat(200);
        assert!(!Pattern::new(&pattern).matches(&"a".repeat(199)));
    }
}
