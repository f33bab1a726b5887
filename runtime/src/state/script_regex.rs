//! JavaScript's regular expressions, said in the language of the crates that run them.
//!
//! What JavaScript means stays meant: `\d`, `\w` and `\b` are ASCII, `\s` and `.` have its sets of spaces and line ends,
//! a backreference to a group that took no part matches nothing, `[]` and `[^]` are classes. Of both its dialects
//! everything is read that one of them has: `\p{…}` and `\u{…}` as with the flag `u`, identity escapes, octal escapes
//! and lone braces as without it. Text is compared by code points.

use std::collections::HashMap;

/// The longest pattern, in bytes: far more than anybody writes.
const LENGTH_MAX: usize = 64 << 10;
/// The deepest groups: what compiles patterns recurses.
const DEPTH_MAX: usize = 100;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str =
    r"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
const DOT: &str = r"[^\n\r\x{2028}\x{2029}]";
const NEVER: &str = r"[^\s\S]";
const ANY: &str = r"[\s\S]";

/// A pattern in another language.
#[derive(Debug, PartialEq)]
pub(super) struct Translated {
    /// For one text, whose ends `^` and `$` are.
    pub(super) text: String,
    /// Finds the lines of a text in which there may be a match, as if each were a text: it matches no line feed and
    /// takes lines for texts. `None` for what backtracks.
    pub(super) lines: Option<String>,
    /// Whether it has lookaround or backreferences, so that no automaton runs it.
    pub(super) backtracks: bool,
}

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// As if it stood between `\b(?:` and `)\b`.
    pub(super) whole_word: bool,
    /// As with the flag `i`, which whoever compiles it sets too. Without `u`, no letter of ASCII is the same as one
    /// beyond: `k` is not the Kelvin sign, `s` is not the long s.
    pub(super) caseless: bool,
}

/// Translates a pattern.
///
/// # Errors
/// What is wrong with it, as engines of JavaScript put it.
pub(super) fn translate(source: &str, manner: Manner) -> Result<Translated, String> {
    if source.len() > LENGTH_MAX {
        return Err(format!("it is longer than {LENGTH_MAX} bytes"));
    }
    let chars: Vec<char> = source.chars().collect();
    let groups = Groups::of(&chars);
    let backtracks = groups.backtracks;
    let run = |lines| Translator::new(&chars, &groups, lines, manner).run();
    let text = run(false)?;
    let lines = if backtracks { None } else { Some(run(true)?) };
    Ok(Translated { text, lines, backtracks })
}

/// A pattern for a text that stands for itself.
pub(super) fn of_text(text: &str, manner: Manner) -> Translated {
    let groups = Groups::default();
    let run = |lines| {
        let mut translator = Translator::new(&[], &groups, lines, manner);
        text.chars().for_each(|c| translator.one(c));
        translator.finish()
    };
    Translated { text: run(false), lines: Some(run(true)), backtracks: false }
}

fn literal(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && c.is_alphanumeric()) {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", c as u32));
    }
}

/// What has to be known of all groups before the first is read.
#[derive(Default)]
struct Groups {
    count: usize,
    names: HashMap<String, usize>,
    backtracks: bool,
}

impl Groups {
    fn of(chars: &[char]) -> Groups {
        let mut groups = Groups::default();
        let (mut at, mut in_class, mut references) = (0, false, Vec::new());
        while at < chars.len() {
            let rest = &chars[at..];
            at += 1;
            match rest {
                ['\\', digit @ '1'..='9', ..] if !in_class => {
                    references.push(*digit as usize - '0' as usize);
                    at += 1;
                }
                ['\\', 'k', '<', ..] if !in_class => references.push(0),
                ['\\', ..] => at += 1,
                ['[', ..] => in_class = true,
                [']', ..] => in_class = false,
                ['(', '?', '=' | '!', ..] | ['(', '?', '<', '=' | '!', ..] if !in_class => {
                    groups.backtracks = true;
                }
                ['(', '?', '<', name @ ..] if !in_class => {
                    groups.count += 1;
                    let name: String = name.iter().take_while(|c| **c != '>').collect();
                    groups.names.insert(name, groups.count);
                }
                ['(', '?', ..] if !in_class => {}
                ['(', ..] if !in_class => groups.count += 1,
                _ => {}
            }
        }
        let known =
            |number: usize| if number == 0 { !groups.names.is_empty() } else { number <= groups.count };
        let referred = references.into_iter().any(known);
        groups.backtracks |= referred;
        groups
    }
}

/// What a quantifier would apply to.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Atom,
}

struct Translator<'a> {
    chars: &'a [char],
    at: usize,
    groups: &'a Groups,
    lines: bool,
    manner: Manner,
    out: String,
    /// What each open group is when it is closed.
    open: Vec<Last>,
    last: Last,
}

impl<'a> Translator<'a> {
    fn new(chars: &'a [char], groups: &'a Groups, lines: bool, manner: Manner) -> Translator<'a> {
        Translator {
            chars,
            at: 0,
            groups,
            lines,
            manner,
            out: String::new(),
            open: Vec::new(),
            last: Last::Nothing,
        }
    }

    fn run(mut self) -> Result<String, String> {
        while let Some(c) = self.next() {
            self.term(c)?;
        }
        if !self.open.is_empty() {
            return Err("Unterminated group".into());
        }
        Ok(self.finish())
    }

    fn finish(self) -> String {
        let edge = self.boundary(true);
        if self.manner.whole_word { format!("{edge}(?:{}){edge}", self.out) } else { self.out }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn rest(&self) -> &'a [char] {
        &self.chars[self.at..]
    }

    fn term(&mut self, c: char) -> Result<(), String> {
        match c {
            '^' => self.assertion(if self.lines { "(?mR:^)" } else { "^" }),
            '$' => self.assertion(if self.lines { "(?mR:$)" } else { "$" }),
            '|' => self.assertion("|"),
            '(' => return self.group(),
            ')' => return self.close(),
            '.' => self.atom(DOT),
            '[' => return self.class(),
            '*' | '+' | '?' => return self.quantifier(&c.to_string()),
            '{' => return self.braces(),
            '\\' => return self.escape(),
            c => self.one(c),
        }
        Ok(())
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    fn assertion(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Nothing;
    }

    fn one(&mut self, c: char) {
        if self.lines && c == '\n' {
            return self.atom(NEVER);
        }
        if self.manner.caseless && c.is_ascii_alphabetic() {
            let (lower, upper) = (c.to_ascii_lowercase(), c.to_ascii_uppercase());
            return self.atom(&format!("(?-i:[{lower}{upper}])"));
        }
        literal(c, &mut self.out);
        self.last = Last::Atom;
    }

    /// A set of characters: what stands between brackets, and whether that holds both cases of its letters already.
    fn set(&mut self, inside: &str, negated: bool, folds: bool) {
        let class = if negated { format!("[^{inside}]") } else { format!("[{inside}]") };
        let class = if self.lines { format!("[{class}&&[^\\n]]") } else { class };
        if folds { self.atom(&format!("(?-i:{class})")) } else { self.atom(&class) }
    }

    /// `\b` by JavaScript's idea of a word. The crate that backtracks knows only that of Unicode.
    fn boundary(&self, is: bool) -> String {
        match (self.groups.backtracks, is) {
            (false, true) => "(?-u:\\b)".into(),
            (false, false) => "(?-u:\\B)".into(),
            (true, true) => format!("(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"),
            (true, false) => format!("(?:(?<=[{WORD}])(?=[{WORD}])|(?<![{WORD}])(?![{WORD}]))"),
        }
    }

    fn group(&mut self) -> Result<(), String> {
        let (opening, skip, closed) = match self.rest() {
            ['?', ':', ..] => ("(?:", 2, Last::Atom),
            ['?', '=', ..] => ("(?=", 2, Last::Atom),
            ['?', '!', ..] => ("(?!", 2, Last::Atom),
            ['?', '<', '=', ..] => ("(?<=", 3, Last::Nothing),
            ['?', '<', '!', ..] => ("(?<!", 3, Last::Nothing),
            ['?', '<', name @ ..] => (self.capture(), 2 + name_length(name)?, Last::Atom),
            ['?', ..] => return Err("Invalid group".into()),
            _ => (self.capture(), 0, Last::Atom),
        };
        if self.open.len() == DEPTH_MAX {
            return Err(format!("its groups are nested more than {DEPTH_MAX} deep"));
        }
        self.at += skip;
        self.open.push(closed);
        self.assertion(opening);
        Ok(())
    }

    /// Nobody asks what a group matched but backreferences.
    fn capture(&self) -> &'static str {
        if self.groups.backtracks { "(" } else { "(?:" }
    }

    fn close(&mut self) -> Result<(), String> {
        let closed = self.open.pop().ok_or("Unmatched ')'")?;
        self.out.push(')');
        self.last = closed;
        Ok(())
    }

    fn quantifier(&mut self, text: &str) -> Result<(), String> {
        if self.last == Last::Nothing {
            return Err("Nothing to repeat".into());
        }
        self.assertion(text);
        if self.rest().first() == Some(&'?') {
            self.at += 1;
            self.out.push('?');
        }
        Ok(())
    }

    /// `{2,3}`; braces around anything else stand for themselves.
    fn braces(&mut self) -> Result<(), String> {
        let inside: String = self.rest().iter().take_while(|c| **c != '}').collect();
        let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let closed = self.rest().get(inside.len()) == Some(&'}');
        if !closed || !is_number(least) || !(most.is_empty() && inside.contains(',') || is_number(most)) {
            self.one('{');
            return Ok(());
        }
        let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        if !most.is_empty() && number(least) > number(most) {
            return Err("numbers out of order in {} quantifier".into());
        }
        self.at += inside.len() + 1;
        self.quantifier(&format!("{{{inside}}}"))
    }

    fn escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or("\\ at end of pattern")?;
        match c {
            'b' => self.assertion(&self.boundary(true)),
            'B' => self.assertion(&self.boundary(false)),
            '1'..='9' => self.numbered(c),
            'k' if !self.groups.names.is_empty() => return self.named(),
            c => match self.escaped(c)? {
                Item::One(c) => self.one(c),
                Item::Set { inside, negated } => {
                    let folds = self.manner.caseless && !inside.starts_with("\\p");
                    self.set(&inside, negated, folds);
                }
                Item::Nothing => self.atom(NEVER),
            },
        }
        Ok(())
    }

    /// `\1`: a backreference if there is such a group, else an octal escape or a digit.
    fn numbered(&mut self, first: char) {
        let mut number = first as usize - '0' as usize;
        let mut length = 0;
        for c in self.rest().iter().take(3) {
            let Some(digit) = c.to_digit(10) else { break };
            if number * 10 + digit as usize > self.groups.count {
                break;
            }
            number = number * 10 + digit as usize;
            length += 1;
        }
        if number <= self.groups.count {
            self.at += length;
            self.backreference(number);
        } else {
            let c = self.octal(first);
            self.one(c);
        }
    }

    /// One to a group that took no part matches, unlike elsewhere.
    fn backreference(&mut self, number: usize) {
        self.atom(&format!("(?:(?({number})\\{number}|))"));
    }

    fn named(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let ['<', name @ ..] = rest else { return Err("Invalid named reference".into()) };
        let length = name_length(name)?;
        let name: String = name[..length - 1].iter().collect();
        let number = *self.groups.names.get(&name).ok_or("Invalid named capture referenced")?;
        self.at += 1 + length;
        self.backreference(number);
        Ok(())
    }

    fn octal(&mut self, first: char) -> char {
        let Some(mut value) = first.to_digit(8) else { return first };
        for _ in 0..2 {
            match self.rest().first().and_then(|c| c.to_digit(8)) {
                Some(digit) if value * 8 + digit <= 0o377 => value = value * 8 + digit,
                _ => break,
            }
            self.at += 1;
        }
        char::from_u32(value).unwrap_or('\0')
    }

    /// What is the same within a class and outside.
    fn escaped(&mut self, c: char) -> Result<Item, String> {
        let set = |inside: &str, negated| Ok(Item::Set { inside: inside.into(), negated });
        Ok(Item::One(match c {
            'd' | 'D' => return set(DIGIT, c == 'D'),
            'w' | 'W' => return set(WORD, c == 'W'),
            's' | 'S' => return set(SPACE, c == 'S'),
            'p' | 'P' if self.rest().first() == Some(&'{') => return self.property(c == 'P'),
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'f' => '\u{c}',
            '0'..='7' => self.octal(c),
            'c' => return Ok(self.control()),
            'x' => self.hex(2).and_then(char::from_u32).unwrap_or('x'),
            'u' => return Ok(self.unicode()),
            c => c,
        }))
    }

    fn property(&mut self, negated: bool) -> Result<Item, String> {
        let inside: String = self.rest()[1..].iter().take_while(|c| **c != '}').collect();
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '=' | ' ' | '-');
        if inside.is_empty() || !inside.chars().all(fine) || self.rest().get(inside.len() + 1) != Some(&'}') {
            return Err("Invalid property name".into());
        }
        self.at += inside.len() + 2;
        Ok(Item::Set { inside: format!("\\p{{{inside}}}"), negated })
    }

    /// `\cA`; without a letter the backslash stands for itself.
    fn control(&mut self) -> Item {
        match self.rest().first() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                self.at += 1;
                Item::One(char::from(*letter as u8 & 31))
            }
            _ => {
                self.at -= 1;
                Item::One('\\')
            }
        }
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text: String = self.rest().get(..digits)?.iter().collect();
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        u32::from_str_radix(&text, 16).ok()
    }

    /// `\u0041`, `\ud83d\ude00`, `\u{1f600}`.
    fn unicode(&mut self) -> Item {
        if self.rest().first() == Some(&'{') {
            let digits: String = self.rest()[1..].iter().take_while(|c| c.is_ascii_hexdigit()).collect();
            let closed = self.rest().get(digits.len() + 1) == Some(&'}');
            let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            if let (true, Some(c)) = (closed, c) {
                self.at += digits.len() + 2;
                return Item::One(c);
            }
        }
        let Some(high) = self.hex(4) else { return Item::One('u') };
        let start = self.at;
        if (0xd800..0xdc00).contains(&high) && self.rest().starts_with(&['\\', 'u']) {
            self.at += 2;
            match self.hex(4) {
                Some(low @ 0xdc00..0xe000) => {
                    let c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    return char::from_u32(c).map_or(Item::Nothing, Item::One);
                }
                _ => self.at = start,
            }
        }
        // Half a surrogate pair is in no text that was bytes.
        char::from_u32(high).map_or(Item::Nothing, Item::One)
    }

    fn class(&mut self) -> Result<(), String> {
        let negated = self.rest().first() == Some(&'^');
        self.at += usize::from(negated);
        let (mut inside, mut folded) = (String::new(), Some(String::new()));
        loop {
            let first = match self.next().ok_or("Unterminated character class")? {
                ']' => break,
                c => self.class_item(c)?,
            };
            let range = matches!(self.rest(), ['-', after, ..] if *after != ']');
            if !range {
                first.write(&mut inside);
                folded = folded.and_then(|folded| first.fold(folded));
                continue;
            }
            self.at += 1;
            let c = self.next().ok_or("Unterminated character class")?;
            let second = self.class_item(c)?;
            folded = folded.and_then(|folded| Item::fold_range(&first, &second, folded));
            Item::write_range(first, second, &mut inside)?;
        }
        let folded = folded.filter(|_| self.manner.caseless);
        match (inside.is_empty(), negated) {
            (true, false) => self.atom(NEVER),
            (true, true) if self.lines => self.atom("[^\\n]"),
            (true, true) => self.atom(ANY),
            (false, negated) => match folded {
                Some(folded) => self.set(&folded, negated, true),
                None => self.set(&inside, negated, false),
            },
        }
        Ok(())
    }

    fn class_item(&mut self, c: char) -> Result<Item, String> {
        if c != '\\' {
            return Ok(Item::One(c));
        }
        match self.next().ok_or("\\ at end of pattern")? {
            'b' => Ok(Item::One('\u{8}')),
            c => self.escaped(c),
        }
    }
}

/// One thing that a class can hold.
enum Item {
    One(char),
    Set {
        inside: String,
        negated: bool,
    },
    /// What no text has.
    Nothing,
}

impl Item {
    fn write(&self, out: &mut String) {
        match self {
            Item::One(c) => literal(*c, out),
            Item::Set { inside, negated: false } => out.push_str(&format!("[{inside}]")),
            Item::Set { inside, negated: true } => out.push_str(&format!("[^{inside}]")),
            Item::Nothing => {}
        }
    }

    /// With both cases of letters; `None` for what is beyond ASCII, whose cases the compiler knows.
    fn fold(&self, mut out: String) -> Option<String> {
        match self {
            Item::One(c) => return Item::fold_range(&Item::One(*c), &Item::One(*c), out),
            Item::Set { inside, .. } if inside.starts_with("\\p") => return None,
            set => set.write(&mut out),
        }
        Some(out)
    }

    /// The same for a range.
    fn fold_range(first: &Item, last: &Item, mut out: String) -> Option<String> {
        let (Item::One(first), Item::One(last)) = (first, last) else {
            return last.fold(Item::One('-').fold(first.fold(out)?)?);
        };
        if !last.is_ascii() {
            return None;
        }
        for c in *first..=*last {
            literal(c, &mut out);
            if c.is_ascii_alphabetic() {
                out.push(if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                });
            }
        }
        Some(out)
    }

    /// Between sets, a dash is a dash.
    fn write_range(first: Item, last: Item, out: &mut String) -> Result<(), String> {
        match (&first, &last) {
            (Item::One(first), Item::One(last)) if first > last => {
                return Err("Range out of order in character class".into());
            }
            (Item::One(first), Item::One(last)) => {
                literal(*first, out);
                out.push('-');
                literal(*last, out);
            }
            _ => {
                first.write(out);
                literal('-', out);
                last.write(out);
            }
        }
        Ok(())
    }
}

/// How long a name is, with the `>` after it.
fn name_length(name: &[char]) -> Result<usize, String> {
    let length = name.iter().position(|c| *c == '>').filter(|length| *length > 0);
    let fine = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
    match length {
        Some(length) if name[..length].iter().all(fine) => Ok(length + 1),
        _ => Err("Invalid capture group name".into()),
    }
}
