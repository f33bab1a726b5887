//! Changing source text in places, with a source map that leads back.

use deno_core::sourcemap::{SourceMap, SourceMapBuilder};

/// One place to change: the bytes `start..end` become `text`.
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
}

impl Edit {
    pub(super) fn replace(start: u32, end: u32, text: impl Into<String>) -> Edit {
        Edit { start: start as usize, end: end as usize, text: text.into() }
    }

    pub(super) fn insert(at: u32, text: impl Into<String>) -> Edit {
        Edit::replace(at, at, text)
    }
}

/// Text after its edits.
pub(super) struct Edited {
    pub(super) code: String,
    /// Runs of text that were kept: where in `code`, where in the source, how long.
    kept: Vec<(usize, usize, usize)>,
}

/// Applies edits, which must not overlap; those at the same place keep their order.
pub(super) fn apply(source: &str, mut edits: Vec<Edit>) -> Edited {
    edits.sort_by_key(|edit| edit.start);
    let mut edited = Edited { code: String::with_capacity(source.len() + 128), kept: Vec::new() };
    let mut at = 0;
    for edit in edits {
        edited.keep(source, at, edit.start);
        edited.code.push_str(&edit.text);
        at = edit.end;
    }
    edited.keep(source, at, source.len());
    edited
}

impl Edited {
    fn keep(&mut self, source: &str, from: usize, to: usize) {
        if from < to {
            self.kept.push((self.code.len(), from, to - from));
            self.code.push_str(&source[from..to]);
        }
    }

    /// A map from positions in the code to those in `source`, one token per word; `before`, if the source was
    /// itself made from something, leads on to that.
    pub(super) fn source_map(&self, source: &str, file: &str, before: Option<&SourceMap>) -> Option<String> {
        let mut builder = SourceMapBuilder::new(None);
        let mut written = Position::default();
        let mut read = Position::default();
        let (mut written_to, mut read_to) = (0, 0);
        for &(code_at, source_at, len) in &self.kept {
            written.advance(&self.code[written_to..code_at]);
            read.advance(&source[read_to..source_at]);
            let mut in_word = false;
            for c in source[source_at..source_at + len].chars() {
                let is_word = c.is_alphanumeric() || c == '_' || c == '$';
                if !is_word || !in_word {
                    add_token(&mut builder, written, read, file, before);
                }
                in_word = is_word;
                written.step(c);
                read.step(c);
            }
            (written_to, read_to) = (code_at + len, source_at + len);
        }
        to_json(builder)
    }
}

fn add_token(
    b: &mut SourceMapBuilder,
    out: Position,
    original: Position,
    file: &str,
    before: Option<&SourceMap>,
) {
    let Some(before) = before else {
        b.add(out.line, out.column, original.line, original.column, Some(file), None, false);
        return;
    };
    if let Some(token) = before.lookup_token(original.line, original.column) {
        b.add(out.line, out.column, token.get_src_line(), token.get_src_col(), Some(file), None, false);
    }
}

fn to_json(builder: SourceMapBuilder) -> Option<String> {
    let mut json = Vec::new();
    builder.into_sourcemap().to_writer(&mut json).ok()?;
    String::from_utf8(json).ok()
}

/// A place in text, both from 0; columns are UTF-16 units, as in source maps.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
    /// The place of a byte offset.
    pub(super) fn of(text: &str, offset: usize) -> Position {
        let mut position = Position::default();
        position.advance(text.get(..offset).unwrap_or(text));
        position
    }

    fn advance(&mut self, text: &str) {
        text.chars().for_each(|c| self.step(c));
    }

    fn step(&mut self, c: char) {
        if c == '\n' {
            *self = Position { line: self.line + 1, column: 0 };
        } else {
            self.column += c.len_utf16() as u32;
        }
    }
}
