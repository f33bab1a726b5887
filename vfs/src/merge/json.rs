//! JSON by structure: objects key by key, everything else as a value. What stays keeps the text it has.
//!
//! This is no JSON library: it finds where values begin and end, in one pass and without recursion deeper than
//! [`DEPTH_MAX`], and leaves their text alone. What it does not take for JSON, or where a key is there twice, is
//! merged by lines.

use std::collections::HashMap;
use std::ops::Range;

use super::content::{Clash, Three};

/// Values nested deeper are not looked into: such a file is merged by lines.
const DEPTH_MAX: usize = 100;

/// Merges three documents; `None` if one is no JSON, or the root of one is no object.
pub(super) fn merge(files: Three<&[u8]>) -> Option<Result<Vec<u8>, Clash>> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let texts = Three { base: text(files.base)?, ours: text(files.ours)?, theirs: text(files.theirs)? };
    let base = Parser::document(texts.base)?;
    let ours = Parser::document(texts.ours)?;
    let theirs = Parser::document(texts.theirs)?;
    let merger = Merger { texts };
    let nodes = Three { base: base.object()?, ours: ours.object()?, theirs: theirs.object()? };
    let merged = merger.object(Some(nodes.base), nodes.ours, nodes.theirs, "");
    Some(merged.map(|object| {
        let (head, tail) = (&texts.ours[..ours.span.start], &texts.ours[ours.span.end..]);
        format!("{head}{object}{tail}").into_bytes()
    }))
}

/// A value and where its text is.
#[derive(Debug)]
struct Node {
    span: Range<usize>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Object(Object),
    /// Its text without what makes no difference, so that equal means equal.
    Other(String),
}

#[derive(Debug, Default)]
struct Object {
    members: Vec<Member>,
    by_key: HashMap<String, usize>,
    /// What stands between the braces of an empty one.
    inside: Range<usize>,
}

#[derive(Debug)]
struct Member {
    key: String,
    /// From the key to the end of the value.
    span: Range<usize>,
    value: Node,
    /// Where the text before it begins: after the brace or comma.
    from: usize,
    /// Where the text after it ends: before the comma or brace.
    to: usize,
}

impl Node {
    fn object(&self) -> Option<&Object> {
        match &self.kind {
            Kind::Object(object) => Some(object),
            Kind::Other(_) => None,
        }
    }
}

/// Equal as values: white space and the order of keys make no difference.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Other(a), Kind::Other(b)) => a == b,
            (Kind::Object(a), Kind::Object(b)) => {
                a.members.len() == b.members.len()
                    && a.members.iter().all(|member| b.get(&member.key) == Some(&member.value))
            }
            _ => false,
        }
    }
}

impl Object {
    fn member(&self, key: &str) -> Option<&Member> {
        self.by_key.get(key).map(|at| &self.members[*at])
    }

    fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn document(text: &str) -> Option<Node> {
        let mut parser = Parser { text: text.as_bytes(), at: 0, depth: 0 };
        parser.space();
        let root = parser.value()?;
        parser.space();
        (parser.at == text.len()).then_some(root)
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.text.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn value(&mut self) -> Option<Node> {
        let start = self.at;
        let kind = match self.text.get(start)? {
            b'{' => Kind::Object(self.nested(Parser::object)?),
            _ => {
                let mut plain = Vec::new();
                self.plain(&mut plain)?;
                Kind::Other(String::from_utf8(plain).ok()?)
            }
        };
        Some(Node { span: start..self.at, kind })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn object(&mut self) -> Option<Object> {
        self.take(b'{')?;
        let mut object = Object { inside: self.at..self.at, ..Object::default() };
        loop {
            let from = self.at;
            self.space();
            if object.members.is_empty() && self.take(b'}').is_some() {
                object.inside.end = self.at - 1;
                return Some(object);
            }
            let member = self.member(from)?;
            if object.by_key.insert(member.key.clone(), object.members.len()).is_some() {
                return None;
            }
            object.members.push(member);
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(object);
            }
        }
    }

    fn member(&mut self, from: usize) -> Option<Member> {
        let start = self.at;
        let key = self.string()?;
        self.space();
        self.take(b':')?;
        self.space();
        let value = self.value()?;
        let span = start..self.at;
        self.space();
        Some(Member { key, span, value, from, to: self.at })
    }

    /// Reads any value and writes it without white space between its parts.
    fn plain(&mut self, out: &mut Vec<u8>) -> Option<()> {
        match self.text.get(self.at)? {
            b'"' => {
                let start = self.at;
                self.string()?;
                out.extend_from_slice(&self.text[start..self.at]);
                Some(())
            }
            b'[' => self.nested(|parser| parser.list(b"[]", out, Parser::plain)),
            b'{' => self.nested(|parser| parser.list(b"{}", out, Parser::plain_member)),
            _ => self.word(out),
        }
    }

    fn list(
        &mut self,
        braces: &[u8; 2],
        out: &mut Vec<u8>,
        part: fn(&mut Self, &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        self.take(braces[0])?;
        out.push(braces[0]);
        self.space();
        if self.take(braces[1]).is_none() {
            loop {
                self.space();
                part(self, out)?;
                self.space();
                if self.take(b',').is_none() {
                    break;
                }
                out.push(b',');
            }
            self.take(braces[1])?;
        }
        out.push(braces[1]);
        Some(())
    }

    fn plain_member(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let start = self.at;
        self.string()?;
        out.extend_from_slice(&self.text[start..self.at]);
        self.space();
        self.take(b':')?;
        out.push(b':');
        self.space();
        self.plain(out)
    }

    /// A number or one of the three words, as it is written: `1.0` and `1` are not the same.
    fn word(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let start = self.at;
        while matches!(self.text.get(self.at), Some(b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E')) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let is_number = word.iter().any(u8::is_ascii_digit)
            && word.iter().all(|byte| matches!(byte, b'+' | b'-' | b'.' | b'0'..=b'9' | b'e' | b'E'));
        (is_number || matches!(word, b"true" | b"false" | b"null")).then(|| out.extend_from_slice(word))
    }

    /// Reads a string and returns what it says.
    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut said = Vec::new();
        loop {
            let byte = *self.text.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(said).ok(),
                b'\\' => self.escape(&mut said)?,
                0..0x20 => return None,
                byte => said.push(byte),
            }
        }
    }

    fn escape(&mut self, said: &mut Vec<u8>) -> Option<()> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        said.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(said),
            _ => return None,
        });
        Some(())
    }

    /// Half of a surrogate pair says nothing by itself; a key with one keeps it as it is written.
    fn unicode(&mut self, said: &mut Vec<u8>) -> Option<()> {
        let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        match char::from_u32(code) {
            Some(letter) => said.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            None => said.extend_from_slice(format!("\\u{code:04x}").as_bytes()),
        }
        Some(())
    }
}

struct Merger<'a> {
    texts: Three<&'a str>,
}

/// A member of the result.
struct Part<'a> {
    key: &'a str,
    before: &'a str,
    text: String,
    after: &'a str,
}

/// What becomes of a value.
enum Pick {
    Ours,
    Theirs,
    Gone,
    Text(String),
}

impl Merger<'_> {
    /// The merged object as text: ours in order, and theirs that are new, each after what it follows there.
    fn object(
        &self,
        base: Option<&Object>,
        ours: &Object,
        theirs: &Object,
        place: &str,
    ) -> Result<String, Clash> {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for member in &ours.members {
            let pick = self.pick(base, ours, theirs, &member.key, place)?;
            let text = match pick {
                Pick::Gone => continue,
                Pick::Ours => self.texts.ours[member.span.clone()].to_owned(),
                Pick::Theirs => self.with_value(member, self.their_value(theirs, &member.key)),
                Pick::Text(text) => self.with_value(member, &text),
            };
            let before = &self.texts.ours[member.from..member.span.start];
            let after = &self.texts.ours[member.span.end..member.to];
            parts.push(Part { key: &member.key, before, text, after });
        }
        let mut new = Vec::new();
        for (at, member) in theirs.members.iter().enumerate() {
            if ours.get(&member.key).is_none()
                && matches!(self.pick(base, ours, theirs, &member.key, place)?, Pick::Theirs)
            {
                new.push(at);
            }
        }
        Ok(self.written(ours, theirs, parts, &new))
    }

    fn with_value(&self, member: &Member, value: &str) -> String {
        format!("{}{value}", &self.texts.ours[member.span.start..member.value.span.start])
    }

    fn their_value(&self, theirs: &Object, key: &str) -> &str {
        theirs.get(key).map_or("", |value| &self.texts.theirs[value.span.clone()])
    }

    fn pick(
        &self,
        base: Option<&Object>,
        ours: &Object,
        theirs: &Object,
        key: &str,
        place: &str,
    ) -> Result<Pick, Clash> {
        let (base, ours, theirs) = (base.and_then(|base| base.get(key)), ours.get(key), theirs.get(key));
        if ours == theirs || theirs == base {
            return Ok(Pick::Ours);
        }
        if ours == base {
            return Ok(theirs.map_or(Pick::Gone, |_| Pick::Theirs));
        }
        let place = format!("{place}.{key}");
        let place = place.trim_start_matches('.');
        match (ours.and_then(Node::object), theirs.and_then(Node::object)) {
            (Some(ours), Some(theirs)) => {
                Ok(Pick::Text(self.object(base.and_then(Node::object), ours, theirs, place)?))
            }
            _ => Err(Clash::new(format!("both changed the key {place:?}"))),
        }
    }

    fn written(&self, ours: &Object, theirs: &Object, parts: Vec<Part<'_>>, new: &[usize]) -> String {
        let mut after: HashMap<Option<&str>, Vec<usize>> = HashMap::new();
        let there: std::collections::HashSet<&str> = parts.iter().map(|part| part.key).collect();
        let mut follows = None;
        let mut is_new = new.iter().copied().peekable();
        for (at, member) in theirs.members.iter().enumerate() {
            if is_new.next_if_eq(&at).is_some() {
                after.entry(follows).or_default().push(at);
            } else if there.contains(member.key.as_str()) {
                follows = Some(&member.key);
            }
        }
        // What comes is laid out as what is there: its own lay-out is that of another file.
        let style = ours.members.last().map(|member| &self.texts.ours[member.from..member.span.start]);
        let text = |at: &usize| {
            let member = &theirs.members[*at];
            let before = style.unwrap_or(&self.texts.theirs[member.from..member.span.start]);
            format!("{before}{}", &self.texts.theirs[member.span.clone()])
        };
        let mut written: Vec<String> = after.get(&None).into_iter().flatten().map(text).collect();
        let last = parts.len().checked_sub(1);
        let comes_last = last.is_some_and(|last| !after.contains_key(&Some(parts[last].key)));
        for (at, part) in parts.iter().enumerate() {
            // What stands before the brace stays there, whoever is last.
            let tail = ours.members.last().is_some_and(|member| member.key == part.key);
            let after_it = if tail || (Some(at) == last && comes_last) { "" } else { part.after };
            written.push(format!("{}{}{after_it}", part.before, part.text));
            written.extend(after.get(&Some(part.key)).into_iter().flatten().map(text));
        }
        format!("{{{}{}}}", written.join(","), self.tail(ours, theirs, written.is_empty()))
    }

    /// What stands before the closing brace.
    fn tail(&self, ours: &Object, theirs: &Object, is_empty: bool) -> &str {
        match (ours.members.last(), theirs.members.last()) {
            _ if is_empty => "",
            (Some(last), _) => &self.texts.ours[last.span.end..last.to],
            (None, Some(last)) => &self.texts.theirs[last.span.end..last.to],
            (None, None) => &self.texts.ours[ours.inside.clone()],
        }
    }
}
