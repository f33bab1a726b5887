//! Values within a big document by their paths, without holding what is around them.

use super::super::error::{DataError, DataResult};
use super::super::source::Source;
use super::cursor::Cursor;
use super::members::{unescaped, value_of};
use super::scan::{Scan, is_space, scan, string};

/// How long a value that is wanted can be.
const VALUE_MAX: usize = 256 << 20;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member with this name.
    Key(String),
    /// The element with this index; from the end if it is negative.
    Index(i64),
}

/// Reads a path such as `a.b[0]["c.d"][-1]`. `$` before it means nothing; alone, as `.` alone, it is the whole value.
///
/// # Errors
/// [`DataError::Option`] that says where it is wrong.
pub(crate) fn parse(path: &str) -> DataResult<Vec<Step>> {
    let wrong = |at: usize, what: &str| {
        DataError::Option(format!("path '{path}': {what} at {}; paths are like a.b[0][\"c d\"][-1]", at + 1))
    };
    let mut steps = Vec::new();
    if path == "." {
        return Ok(steps);
    }
    let mut at = usize::from(path == "$" || path.starts_with("$.") || path.starts_with("$["));
    while at < path.len() {
        let rest = &path[at..];
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, length) = bracket(inner).ok_or_else(|| wrong(at, "no index and no quoted name"))?;
            steps.push(step);
            at += 1 + length;
            continue;
        }
        let dot = usize::from(rest.starts_with('.'));
        if dot == 0 && at > 0 {
            return Err(wrong(at, "no dot and no bracket"));
        }
        let name = rest[dot..].split(['.', '[']).next().unwrap_or_default();
        if name.is_empty() {
            return Err(wrong(at + dot, "a name is missing"));
        }
        steps.push(Step::Key(name.to_owned()));
        at += dot + name.len();
    }
    Ok(steps)
}

/// What stands after an opening bracket, and how long that is with the closing one.
fn bracket(inner: &str) -> Option<(Step, usize)> {
    if let Some(quote) = inner.chars().next().filter(|it| matches!(it, '"' | '\'')) {
        let mut name = String::new();
        let mut chars = inner.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => name.push(chars.next()?.1),
                _ if char == quote => {
                    return inner[at + 1..].starts_with(']').then_some((Step::Key(name), at + 2));
                }
                _ => name.push(char),
            }
        }
        return None;
    }
    let end = inner.find(']')?;
    Some((Step::Index(inner[..end].trim().parse().ok()?), end + 1))
}

/// The text of the value that `path` leads to; `None` if there is none. `open` begins the document anew, which
/// an index from the end asks for. Of members with one name the first counts.
///
/// # Errors
/// [`DataError::Broken`] for what is not JSON, as far as it was read; what reading fails with.
pub(crate) fn get(open: impl Fn() -> DataResult<Source>, path: &[Step]) -> DataResult<Option<String>> {
    match seek(open, path)? {
        Some(mut walk) => walk.value().map(Some),
        None => Ok(None),
    }
}

/// A source that stands at the value that `path` leads to, and its line.
///
/// # Errors
/// As [`get`].
pub(crate) fn source_at(
    open: impl Fn() -> DataResult<Source>,
    path: &[Step],
) -> DataResult<Option<(Source, u64)>> {
    Ok(seek(open, path)?.map(|walk| (walk.cursor.source, walk.cursor.line)))
}

fn seek(open: impl Fn() -> DataResult<Source>, path: &[Step]) -> DataResult<Option<Walk>> {
    let mut path = path.to_vec();
    for at in 0..path.len() {
        let Step::Index(index @ ..0) = path[at] else { continue };
        let mut walk = Walk::new(open()?);
        if !walk.down(&path[..at])? {
            return Ok(None);
        }
        match walk.count()?.checked_add_signed(index) {
            Some(index) => path[at] = Step::Index(index as i64),
            None => {
                walk.close(&path[..at])?;
                return Ok(None);
            }
        }
    }
    let mut walk = Walk::new(open()?);
    Ok(if walk.down(&path)? { Some(walk) } else { None })
}

/// A walk through a document.
struct Walk {
    cursor: Cursor,
}

impl Walk {
    fn new(source: Source) -> Walk {
        Walk { cursor: Cursor::new(source, 1) }
    }

    /// Goes to where the path leads; `false` if it leads nowhere in a document that was looked through to its end.
    fn down(&mut self, path: &[Step]) -> DataResult<bool> {
        for (depth, step) in path.iter().enumerate() {
            let found = match step {
                Step::Key(name) => self.member(name)?,
                Step::Index(index) => self.element(u64::try_from(*index).unwrap_or(u64::MAX))?,
            };
            if !found {
                self.close(&path[..depth])?;
                return Ok(false);
            }
        }
        match self.cursor.peek()? {
            Some(_) => Ok(true),
            None => Err(self.ended()),
        }
    }

    fn ended(&self) -> DataError {
        self.cursor.broken("the document ends where a value should be")
    }

    /// Whether the value here begins with this bracket, which is then behind; a value of another kind is behind, too.
    fn enter(&mut self, bracket: u8) -> DataResult<bool> {
        match self.cursor.peek()? {
            Some(byte) if byte == bracket => {
                self.cursor.skip(1);
                return Ok(true);
            }
            Some(b'{' | b'[' | b'"') => self.skip_value()?,
            Some(_) => {
                let text = self.value()?;
                if value_of(&text).is_none() {
                    return Err(self.cursor.broken("not a JSON value"));
                }
                self.cursor.skip(text.len());
            }
            None => return Err(self.ended()),
        }
        Ok(false)
    }

    /// Looks through the rest of what the path went into, to the end of the document.
    fn close(&mut self, path: &[Step]) -> DataResult<()> {
        for step in path.iter().rev() {
            let (end, reason) = match step {
                Step::Key(_) => (b'}', "an object is not closed"),
                Step::Index(_) => (b']', "an array is not closed"),
            };
            while self.cursor.take(b',')? {
                if end == b'}' {
                    self.key()?;
                }
                self.skip_value()?;
            }
            if !self.cursor.take(end)? {
                return Err(self.cursor.broken(reason));
            }
        }
        match self.cursor.peek()? {
            None => Ok(()),
            Some(_) => Err(self.cursor.broken("text after the end of the JSON value")),
        }
    }

    fn member(&mut self, name: &str) -> DataResult<bool> {
        if !self.enter(b'{')? || self.cursor.take(b'}')? {
            return Ok(false);
        }
        loop {
            if self.key()? == name {
                return Ok(true);
            }
            self.skip_value()?;
            if !self.cursor.take(b',')? {
                return if self.cursor.take(b'}')? {
                    Ok(false)
                } else {
                    Err(self.cursor.broken("an object is not closed"))
                };
            }
        }
    }

    /// The name of the member here, which is behind then with its colon.
    fn key(&mut self) -> DataResult<String> {
        if self.cursor.peek()? != Some(b'"') {
            return Err(self.cursor.broken("a member has no name in double quotes"));
        }
        let name = self.name()?;
        if !self.cursor.take(b':')? {
            return Err(self.cursor.broken("a colon is missing"));
        }
        Ok(name)
    }

    fn element(&mut self, index: u64) -> DataResult<bool> {
        if !self.enter(b'[')? || self.cursor.take(b']')? {
            return Ok(false);
        }
        for _ in 0..index {
            self.skip_value()?;
            if !self.cursor.take(b',')? {
                return if self.cursor.take(b']')? {
                    Ok(false)
                } else {
                    Err(self.cursor.broken("an array is not closed"))
                };
            }
        }
        Ok(true)
    }

    /// How many elements the array has that is here, and behind then; none if it is something else.
    fn count(&mut self) -> DataResult<u64> {
        if !self.enter(b'[')? || self.cursor.take(b']')? {
            return Ok(0);
        }
        for count in 1.. {
            self.skip_value()?;
            if !self.cursor.take(b',')? {
                let closed = self.cursor.take(b']')?;
                return if closed { Ok(count) } else { Err(self.cursor.broken("an array is not closed")) };
            }
        }
        unreachable!("an array has an end")
    }

    fn name(&mut self) -> DataResult<String> {
        loop {
            if let Some(length) = string(self.cursor.window()) {
                let text = std::str::from_utf8(&self.cursor.window()[..length]);
                let name = text.ok().and_then(unescaped).map(std::borrow::Cow::into_owned);
                let name = name.ok_or_else(|| self.cursor.broken("the name of a member is no string"))?;
                self.cursor.skip(length);
                return Ok(name);
            }
            self.more("a string is not closed")?;
        }
    }

    /// The text of the value here.
    fn value(&mut self) -> DataResult<String> {
        loop {
            match scan(self.cursor.window(), self.cursor.is_ended()) {
                Scan::Value(length) => {
                    let text = std::str::from_utf8(&self.cursor.window()[..length]);
                    let text = text.map_err(|_| self.cursor.broken("not valid UTF-8"))?;
                    return Ok(text.to_owned());
                }
                Scan::Not(_) => return Err(self.cursor.broken("a JSON value is missing or not complete")),
                Scan::More => self.more("a JSON value is not complete")?,
            }
        }
    }

    fn more(&mut self, reason: &str) -> DataResult<()> {
        if self.cursor.is_ended() {
            return Err(self.cursor.broken(reason));
        }
        self.cursor.more(VALUE_MAX, "ask for a part of it")
    }

    /// Leaves a value behind, however long it is, keeping no more of it than a window.
    fn skip_value(&mut self) -> DataResult<()> {
        self.cursor.peek()?;
        let mut skip = Skip::default();
        loop {
            let (length, done) = skip.over(self.cursor.window());
            self.cursor.skip(length);
            if done || (self.cursor.is_ended() && skip.is_scalar) {
                return Ok(());
            }
            if skip.is_wrong || self.cursor.is_ended() {
                return Err(self.cursor.broken("a JSON value is missing or not complete"));
            }
            self.cursor.source.fill()?;
        }
    }
}

/// Where one is within a value that is passed over.
#[derive(Default)]
struct Skip {
    depth: usize,
    in_string: bool,
    escaped: bool,
    is_scalar: bool,
    is_wrong: bool,
}

impl Skip {
    /// How much of `window` belongs to the value, and whether it ends there.
    fn over(&mut self, window: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < window.len() {
            if self.in_string {
                at += self.string(&window[at..]);
                if !self.in_string && self.depth == 0 {
                    return (at, true);
                }
                continue;
            }
            match window[at] {
                byte if self.is_scalar && (is_space(byte) || matches!(byte, b',' | b']' | b'}')) => {
                    return (at, true);
                }
                _ if self.is_scalar => {}
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                byte if self.depth == 0 && byte.is_ascii_alphanumeric() || byte == b'-' => {
                    self.is_scalar = self.depth == 0;
                }
                _ if self.depth == 0 => {
                    self.is_wrong = true;
                    return (at, false);
                }
                _ => {}
            }
            at += 1;
        }
        (at, false)
    }

    /// How much of `window` belongs to the string.
    fn string(&mut self, window: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        match memchr::memchr2(b'"', b'\\', window) {
            None => window.len(),
            Some(at) => {
                (self.escaped, self.in_string) = (window[at] == b'\\', window[at] == b'\\');
                at + 1
            }
        }
    }
}
