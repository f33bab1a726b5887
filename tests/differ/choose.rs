//! How the operations of a list are chosen: a few names that meet often, and the odd forms of paths.

use cowry_vfs::{Access, Allocate, FileType, Follow, OpenOptions, RenameMode, SetTime, Timestamp, XattrMode};

use super::op::{Op, SLOTS, Step, Who};
use crate::chance::Chance;

/// What lists may have in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Likes {
    /// Other users than root, and changes of owner.
    pub users: bool,
    /// FIFOs, sockets and devices.
    pub special: bool,
    /// Extended attributes.
    pub xattrs: bool,
    /// Sticky directories that others may write. The kernel can be told to treat links and files in them
    /// in ways of its own (`fs.protected_*`); then there are none.
    pub shared_sticky: bool,
}

impl Likes {
    /// Everything that the kernel of this machine lets one compare.
    pub fn all() -> Likes {
        let off = |name: &str| {
            let text = std::fs::read_to_string(format!("/proc/sys/fs/{name}")).unwrap_or_default();
            text.trim() == "0" || text.is_empty()
        };
        let shared_sticky =
            ["protected_symlinks", "protected_regular", "protected_fifos"].into_iter().all(off);
        Likes { users: true, special: true, xattrs: true, shared_sticky }
    }
}

/// A list of operations.
pub fn steps(chance: &mut Chance, likes: Likes, len: usize) -> Vec<Step> {
    (0..len)
        .map(|_| {
            let who = chance.pick(&[Who::Root, Who::Ann, Who::Ann, Who::Ben, Who::Cid]);
            let op = op(chance, likes);
            // What belongs to the comparison is done by root.
            let as_root = !likes.users || op == Op::Age;
            Step { who: if as_root { Who::Root } else { who }, op }
        })
        .collect()
}

fn op(chance: &mut Chance, likes: Likes) -> Op {
    loop {
        let op = match chance.below(120) {
            0..12 => Op::Mkdir { path: path(chance), mode: mode(chance, likes) },
            12..16 if likes.special => mknod(chance),
            16..22 => Op::Symlink { target: target(chance), path: path(chance) },
            22..29 => Op::Link { from: path(chance), to: path(chance) },
            29..34 => Op::Unlink { path: path(chance) },
            34..38 => Op::Rmdir { path: path(chance) },
            38..50 => rename(chance),
            50..56 => Op::Chmod { path: path(chance), mode: mode(chance, likes) },
            56..62 if likes.users => chown(chance),
            62..66 => Op::Utimes {
                path: path(chance),
                follow: follow(chance),
                atime: time(chance),
                mtime: time(chance),
            },
            66..69 => Op::Truncate { path: path(chance), size: chance.below(9_000) },
            69..82 => put(chance, likes),
            82..85 => Op::Get { path: path(chance) },
            85..88 => Op::Stat { path: path(chance), follow: follow(chance) },
            88 => Op::Access { path: path(chance), access: access(chance) },
            89 => Op::Readlink { path: path(chance) },
            90 => Op::List { path: path(chance) },
            91..97 if likes.xattrs => xattr(chance),
            97..101 => open(chance, likes),
            101..116 => on_handle(chance, likes),
            116 => Op::Age,
            _ => continue,
        };
        return op;
    }
}

const NAMES: &[&str] = &["a", "b", "c"];

/// A path of one to three names, now and then in an odd form.
fn path(chance: &mut Chance) -> String {
    let depth = chance.pick(&[1, 1, 2, 2, 2, 3]);
    let names: Vec<&str> = (0..depth).map(|_| chance.pick(NAMES)).collect();
    let plain = format!("/{}", names.join("/"));
    match chance.below(40) {
        0..3 => format!("{plain}/"),
        3 => format!("{plain}/."),
        4 => format!("{plain}/.."),
        5 => plain[1..].to_owned(),
        6 => plain.replace('/', "//"),
        7 => format!("{plain}/../{}", chance.pick(NAMES)),
        8 => format!("/./{}", names.join("/./")),
        9 => odd(chance),
        _ => plain,
    }
}

fn odd(chance: &mut Chance) -> String {
    let long = |len: usize| "n".repeat(len);
    match chance.below(9) {
        0 => String::new(),
        1 => "/".into(),
        2 => ".".into(),
        3 => "..".into(),
        4 => format!("/{}", long(255)),
        5 => format!("/{}", long(256)),
        6 => format!("/a/{}/b", long(256)),
        7 => format!("{}b", "./".repeat(2047)),
        _ => format!("{}bbb", "./".repeat(2047)),
    }
}

fn target(chance: &mut Chance) -> String {
    match chance.below(10) {
        0 => ".".into(),
        1 => "..".into(),
        2 => format!("../{}", chance.pick(NAMES)),
        3..6 => chance.pick(NAMES).into(),
        _ => path(chance),
    }
}

fn mode(chance: &mut Chance, likes: Likes) -> u32 {
    let bits =
        chance.pick(&[0o777, 0o777, 0o755, 0o770, 0o700, 0o644, 0o666, 0o600, 0o555, 0o070, 0o007, 0o311, 0]);
    let special = chance.pick(&[0, 0, 0, 0, 0o1000, 0o2000, 0o4000, 0o6000, 0o7000]);
    if special & 0o1000 != 0 && bits & 0o022 != 0 && !likes.shared_sticky {
        return bits | special & !0o1000;
    }
    bits | special
}

fn follow(chance: &mut Chance) -> Follow {
    chance.pick(&[Follow::Yes, Follow::No])
}

fn mknod(chance: &mut Chance) -> Op {
    let kind = chance.pick(&[
        FileType::Fifo,
        FileType::Fifo,
        FileType::Socket,
        FileType::CharDevice,
        FileType::BlockDevice,
        FileType::Regular,
    ]);
    Op::Mknod { path: path(chance), kind, mode: chance.pick(&[0o666, 0o600, 0o4755]) }
}

fn rename(chance: &mut Chance) -> Op {
    use RenameMode::{Exchange, NoReplace, Replace};
    let mode = chance.pick(&[Replace, Replace, Replace, NoReplace, Exchange]);
    Op::Rename { from: path(chance), to: path(chance), mode }
}

fn owner(chance: &mut Chance) -> (Option<u32>, Option<u32>) {
    let uid = chance.pick(&[None, None, Some(0), Some(4001), Some(4002), Some(4003)]);
    let gid = chance.pick(&[None, Some(0), Some(4001), Some(4003)]);
    (uid, gid)
}

fn chown(chance: &mut Chance) -> Op {
    let (uid, gid) = owner(chance);
    Op::Chown { path: path(chance), follow: follow(chance), uid, gid }
}

fn time(chance: &mut Chance) -> SetTime {
    match chance.below(6) {
        0 => SetTime::Keep,
        1 | 2 => SetTime::Now,
        3 => SetTime::At(Timestamp(-1_500_000_000)),
        _ => SetTime::At(Timestamp(chance.below(1_000_000) as i64 * 1_000_000_007)),
    }
}

fn access(chance: &mut Chance) -> Access {
    Access { read: chance.one_in(2), write: chance.one_in(2), execute: chance.one_in(2) }
}

/// Options that both sides take: those that make no sense together mean different things.
fn options(chance: &mut Chance, likes: Likes) -> OpenOptions {
    let (read, write) = chance.pick(&[(true, false), (true, true), (false, true)]);
    let append = write && chance.one_in(4);
    let create = chance.one_in(2);
    OpenOptions {
        read,
        write,
        append,
        create,
        exclusive: create && chance.one_in(3),
        truncate: write && chance.one_in(4),
        directory: !create && chance.one_in(8),
        no_follow: chance.one_in(6),
        mode: mode(chance, likes),
    }
}

fn bytes(chance: &mut Chance) -> Vec<u8> {
    let len = chance.pick(&[0, 1, 40, 5_000]);
    let byte = b'a' + chance.below(26) as u8;
    vec![byte; len]
}

fn put(chance: &mut Chance, likes: Likes) -> Op {
    let mut options = OpenOptions { write: true, ..options(chance, likes) };
    if chance.one_in(2) {
        options = OpenOptions { mode: mode(chance, likes), ..OpenOptions::write() };
    }
    Op::Put { path: path(chance), options, data: bytes(chance) }
}

fn xattr(chance: &mut Chance) -> Op {
    use XattrMode::{Any, Create, Replace};
    let name = chance.pick(&["user.a", "user.a", "user.b", "user.", "other.a", "a"]).to_owned();
    match chance.below(6) {
        0..3 => {
            let (value, mode) =
                (bytes(chance).into_iter().take(40).collect(), chance.pick(&[Any, Create, Replace]));
            Op::Setxattr { path: path(chance), name, value, mode }
        }
        3 => Op::Getxattr { path: path(chance), name },
        4 => Op::Listxattr { path: path(chance) },
        _ => Op::Removexattr { path: path(chance), name },
    }
}

fn open(chance: &mut Chance, likes: Likes) -> Op {
    Op::Open { slot: chance.index(SLOTS), path: path(chance), options: options(chance, likes) }
}

fn on_handle(chance: &mut Chance, likes: Likes) -> Op {
    let slot = chance.index(SLOTS);
    let offset = chance.below(6_000);
    match chance.below(14) {
        0..4 => Op::Fwrite { slot, offset, data: bytes(chance) },
        4 => Op::Fread { slot, offset, len: chance.below(9_000) as usize },
        5 | 6 => Op::Ftruncate { slot, size: offset },
        7 | 8 => {
            let how = chance.pick(&[Allocate::Reserve, Allocate::KeepSize, Allocate::Punch, Allocate::Zero]);
            Op::Fallocate { slot, how, offset, len: chance.below(5_000) }
        }
        9 => Op::Fchmod { slot, mode: mode(chance, likes) },
        10 if likes.users => {
            let (uid, gid) = owner(chance);
            Op::Fchown { slot, uid, gid }
        }
        11 => Op::Futimes { slot, atime: time(chance), mtime: time(chance) },
        12 => Op::Close { slot },
        _ => Op::Fstat { slot },
    }
}
