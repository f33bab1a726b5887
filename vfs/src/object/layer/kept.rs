//! What is kept with an object of its file's attributes, as s3fs and rclone write it, and when it is asked for.
//!
//! A listing does not tell it, so that a file has the listing's time and the layer's mode until somebody asks for its
//! attributes: then its object is looked at, once for each content. Who goes through a folder that way has the files that
//! come next looked at along with it.

use std::collections::BTreeMap;

use super::ObjectLayer;
use super::nodes::{Object, Seen, join, split};
use super::state::State;
use crate::clock::Timestamp;
use crate::errno::NodeResult;
use crate::node::{FileType, Ino, Stat};
use crate::object::bucket::Found;
use crate::object::trouble::TroubleKind;
use crate::path::Name;

/// Bits of a mode that are taken over. Not those that make a program run as somebody else: a bucket may be anybody's.
pub(super) const MODE_BITS: u32 = 0o777;
/// After so many in a row those that come next are asked for as well.
const STROLL: u32 = 3;
/// How many of them.
const NEXT: usize = 31;
/// Requests under way at once.
const PARALLEL: usize = 16;

/// Attributes that were kept with an object; nothing of one that is not there or makes no sense.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    mtime: Option<Timestamp>,
}

impl Kept {
    pub fn of(metadata: &BTreeMap<String, String>) -> Kept {
        let get = |name: &str| metadata.get(name).map(String::as_str);
        Kept {
            mode: get("mode").and_then(mode),
            uid: get("uid").and_then(number),
            gid: get("gid").and_then(number),
            mtime: get("mtime").and_then(time),
        }
    }

    pub fn apply(&self, stat: &mut Stat) {
        stat.mode = self.mode.unwrap_or(stat.mode);
        stat.uid = self.uid.unwrap_or(stat.uid);
        stat.gid = self.gid.unwrap_or(stat.gid);
        stat.mtime = self.mtime.unwrap_or(stat.mtime);
    }
}

/// A decimal number without a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The permissions of a regular file: in decimal as s3fs has them (`33188`), or in octal as rclone has them (`100644`) or
/// with a zero before it (`0644`).
fn mode(text: &str) -> Option<u32> {
    let regular = FileType::Regular.mode_bits();
    let is_file = |mode: &u32| mode & !0o7777 == regular;
    let octal = || number(text).and_then(|_| u32::from_str_radix(text, 8).ok());
    let found = match text.strip_prefix('0') {
        Some(_) => octal().filter(|mode| is_file(mode) || *mode <= 0o7777),
        None => number(text).filter(is_file).or_else(|| octal().filter(is_file)),
    };
    found.map(|mode| mode & MODE_BITS)
}

/// Seconds since the Unix epoch, with a fraction or without.
fn time(text: &str) -> Option<Timestamp> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty()
        || seconds.len() > 12
        || fraction.len() > 32
        || !digits(seconds)
        || !digits(fraction)
    {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}")[..9].parse().ok()?;
    let whole = seconds.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    Some(Timestamp(sign * whole))
}

/// Whether files of a folder are looked at one after another.
#[derive(Default, Debug)]
pub(super) struct Stroll {
    last: String,
    steps: u32,
}

impl ObjectLayer {
    /// The attributes of a node, with what its object keeps of them. Those of the files that come next are asked for along
    /// with it where that is likely to be of use.
    pub(super) fn whole_stat(&self, ino: Ino) -> NodeResult<Stat> {
        let mut state = self.state.lock();
        match self.to_ask(&mut state, ino)? {
            Some(key) => {
                let next = state.stroll(&key);
                drop(state);
                self.ask(ino, std::iter::once((key, ino)).chain(next).collect())
            }
            None => Ok(state.table.get(ino)?.stat),
        }
    }

    /// The same of a node alone.
    pub(super) fn own_stat(&self, ino: Ino) -> NodeResult<Stat> {
        let mut state = self.state.lock();
        match self.to_ask(&mut state, ino)? {
            Some(key) => {
                drop(state);
                self.ask(ino, vec![(key, ino)])
            }
            None => Ok(state.table.get(ino)?.stat),
        }
    }

    /// The key of a node whose object keeps attributes that are not known yet.
    fn to_ask(&self, state: &mut State, ino: Ino) -> NodeResult<Option<String>> {
        let node = state.table.get(ino)?;
        let is_known = node.asked || node.gone || node.object.is_none() || !self.metadata;
        Ok((!is_known).then(|| node.key.clone()))
    }

    fn ask(&self, ino: Ino, wanted: Vec<(String, Ino)>) -> NodeResult<Stat> {
        let keys: Vec<String> = wanted.iter().map(|(key, _)| key.clone()).collect();
        let answers = self.bucket.head_many(&keys, PARALLEL);
        let mut state = self.state.lock();
        for ((_, other), answer) in wanted.into_iter().zip(answers) {
            match answer {
                Ok(Some(found)) => state.learn_kept(other, &found),
                // Who may list and not look has what the listing says.
                Err(trouble) if matches!(trouble.kind(), TroubleKind::Denied | TroubleKind::Unsupported) => {
                    if let Ok(node) = state.table.get(other) {
                        node.asked = true;
                    }
                }
                Err(trouble) if other == ino => return Err(trouble.into()),
                // What is gone is seen as it was until the listing is old.
                Ok(None) | Err(_) => {}
            }
        }
        Ok(state.table.get(ino)?.stat)
    }
}

impl State {
    /// The files that come next in the folder of one that is about to be asked for, if those before it were.
    fn stroll(&mut self, key: &str) -> Vec<(String, Ino)> {
        let (dir, name) = split(key);
        let last = std::mem::replace(&mut self.stroll.last, key.to_owned());
        let (Ok(before), Ok(name)) = (Name::new(split(&last).1), Name::new(name)) else { return Vec::new() };
        let goes_on = split(&last).0 == dir
            && self.listed(dir, Some(&before)).next().is_some_and(|(next, _)| next == name);
        self.stroll.steps = if goes_on { self.stroll.steps + 1 } else { 0 };
        if self.stroll.steps < STROLL {
            return Vec::new();
        }
        let files = self.listed(dir, Some(&name)).take(NEXT);
        let files: Vec<(String, Object)> =
            files.map(|(name, object)| (join(dir, &name), object.clone())).collect();
        if let Some((last, _)) = files.last() {
            self.stroll.last.clone_from(last);
        }
        let note = |(key, object): (String, Object)| {
            let ino = self.table.note(&key, &Seen::Object(object)).ino;
            self.table.get(ino).is_ok_and(|node| !node.asked && node.spool.is_none()).then_some((key, ino))
        };
        files.into_iter().filter_map(note).collect()
    }

    /// Takes what an answer about an object says of its file's attributes.
    pub(super) fn learn_kept(&mut self, ino: Ino, found: &Found) {
        let Ok(node) = self.table.get(ino) else { return };
        let dirty = node.spool.is_some();
        let Some(object) = node.object.as_mut().filter(|object| object.is_same(&Object::of(found))) else {
            return;
        };
        if std::mem::replace(&mut node.asked, true) {
            return;
        }
        object.learn(&Object::of(found));
        let mtime = node.stat.mtime;
        Kept::of(&found.metadata).apply(&mut node.stat);
        if dirty {
            node.stat.mtime = mtime;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expected: Kept) {
        let metadata = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(Kept::of(&metadata), expected, "{name} {value}");
    }

    #[test]
    fn modes_are_read_as_tools_write_them() {
        for (text, mode) in [
            ("33188", Some(0o644)),
            ("33261", Some(0o755)),
            ("0100640", Some(0o640)),
            ("100640", Some(0o640)),
            ("0640", Some(0o640)),
            ("35309", Some(0o755)), // a program that would run as its owner
            ("41471", None),        // a link of s3fs
            ("644", None),
            ("-33188", None),
            ("+33188", None),
            ("99999999999", None),
            ("", None),
            ("0", Some(0)),
        ] {
            check("mode", text, Kept { mode, ..Kept::default() });
        }
    }

    #[test]
    fn times_and_owners_are_bounded() {
        for (text, mtime) in [
            ("1500000000.000000007", Some(1_500_000_000_000_000_007)),
            ("1500000000", Some(1_500_000_000_000_000_000)),
            ("1.5", Some(1_500_000_000)),
            ("-1.5", Some(-1_500_000_000)),
            ("1.12345678999999", Some(1_123_456_789)),
            ("9999999999", None), // past 2262
            ("9999999999999", None),
            ("1e9", None),
            (".5", None),
            ("1.+5", None),
            ("2026-11-27T00:00:00Z", None),
        ] {
            check("mtime", text, Kept { mtime: mtime.map(Timestamp), ..Kept::default() });
        }
        check("uid", "1000", Kept { uid: Some(1000), ..Kept::default() });
        check("gid", "4294967296", Kept::default());
        check("gid", "+1", Kept::default());
    }
}
