//! Colour, where there is a terminal to show it.

/// Whether to colour, decided once per stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Colour on a terminal, unless `NO_COLOR` is set to anything or the terminal is dumb.
    pub fn of_stream(is_terminal: bool) -> Style {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        Style { colour: is_terminal && set("NO_COLOR").is_none() && !dumb }
    }

    /// No colour at all.
    pub const PLAIN: Style = Style { colour: false };

    /// Colour whatever the stream is, for tests.
    #[cfg(test)]
    pub const ALWAYS: Style = Style { colour: true };

    /// Whether escapes are written.
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What was added.
    pub fn added(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What was removed, and errors.
    pub fn removed(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What was modified, and warnings.
    pub fn modified(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Where something is: hunk headers, directories, ids.
    pub fn place(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// Words of a language.
    pub fn keyword(self, text: &str) -> String {
        self.paint("35", text)
    }

    /// What matters most on its line.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters least on its line.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}
