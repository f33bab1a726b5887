//! The same random operations on a workspace and on a layer in memory: results, errors and trees agree, whatever is
//! sealed, batched, undone or reopened in between.

use super::*;
use crate::memory::MemoryLayer;

struct Dice(std::vec::IntoIter<u8>);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        let bytes: [u8; 2] = [self.0.next().expect("enough"), self.0.next().expect("enough")];
        usize::from(u16::from_le_bytes(bytes)) % n
    }

    fn name(&mut self) -> Name {
        name(["a", "b", "c", "d", "long-name"][self.roll(5)])
    }
}

/// Two layers and which inode of one is which of the other.
struct Pair<'a> {
    ours: &'a dyn Layer,
    model: &'a dyn Layer,
    nodes: Vec<(Ino, Ino)>,
}

impl Pair<'_> {
    fn pick(&self, dice: &mut Dice) -> (Ino, Ino) {
        self.nodes[dice.roll(self.nodes.len())]
    }

    fn agree<T: PartialEq + std::fmt::Debug>(&self, what: &str, ours: NodeResult<T>, model: NodeResult<T>) {
        let (ours, model) = (ours.map_err(|e| e.errno()), model.map_err(|e| e.errno()));
        assert_eq!(ours, model, "{what}");
    }

    fn step(&mut self, dice: &mut Dice, step: usize) {
        let ((a, x), (b, y)) = (self.pick(dice), self.pick(dice));
        let (n, m) = (dice.name(), dice.name());
        let (o, q) = (self.ours, self.model);
        match dice.roll(14) {
            0 | 1 => {
                let data = noise(step as u64, [0, 10, 5000, 70_000, 300_000][dice.roll(5)]);
                let new =
                    [NewNode::File(&data), NewNode::Directory, NewNode::Directory, NewNode::Symlink("a/b")];
                let (new, attr) = (new[dice.roll(4)], NewAttr::with_mode(0o644));
                let (made, same) = (o.create(a, &n, new, &attr), q.create(x, &n, new, &attr));
                if let (Ok(made), Ok(same)) = (&made, &same) {
                    self.nodes.push((made.ino, same.ino));
                }
                self.agree("create", made.map(shape), same.map(shape));
            }
            2 => self.agree("unlink", o.unlink(a, &n), q.unlink(x, &n)),
            3 => self.agree("rmdir", o.rmdir(a, &n), q.rmdir(x, &n)),
            4 | 5 => {
                let mode = [RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange][dice.roll(3)];
                self.agree("rename", o.rename((a, &n), (b, &m), mode), q.rename((x, &n), (y, &m), mode));
            }
            6 => self.agree("link", o.link(a, b, &n).map(shape), q.link(x, y, &n).map(shape)),
            7 | 8 => {
                let data = noise(step as u64, [1, 100, 9000, 80_000][dice.roll(4)]);
                let at = dice.roll(200) as u64 * 1000;
                self.agree("write", o.write(a, at, &data), q.write(x, at, &data));
            }
            9 => self.agree("append", o.append(a, b"more"), q.append(x, b"more")),
            10 => {
                let size = [0, 5, 4096, 65_536, 200_000][dice.roll(5)];
                let change = SetAttr { mode: Some(dice.roll(512) as u32), ..SetAttr::size(size) };
                let change = if dice.roll(2) == 0 { change } else { SetAttr { size: None, ..change } };
                self.agree("setattr", o.setattr(a, &change).map(shape), q.setattr(x, &change).map(shape));
            }
            11 => {
                let how =
                    [Allocate::Punch, Allocate::Zero, Allocate::Reserve, Allocate::KeepSize][dice.roll(4)];
                let (at, len) = (dice.roll(100) as u64 * 1000, dice.roll(90_000) as u64);
                self.agree("allocate", o.allocate(a, how, at, len), q.allocate(x, how, at, len));
            }
            12 => {
                let (key, mode) =
                    (["user.a", "user.b"][dice.roll(2)], [XattrMode::Any, XattrMode::Create][dice.roll(2)]);
                self.agree("setxattr", o.setxattr(a, key, b"v", mode), q.setxattr(x, key, b"v", mode));
                self.agree("removexattr", o.removexattr(b, key), q.removexattr(y, key));
            }
            _ => {
                self.agree("lookup", o.lookup(a, &n).map(shape), q.lookup(x, &n).map(shape));
                self.agree("getattr", o.getattr(a).map(shape), q.getattr(x).map(shape));
                self.agree("listxattr", o.listxattr(a), q.listxattr(x));
                self.agree("readlink", o.readlink(a), q.readlink(x));
                let at = dice.roll(100) as u64 * 1000;
                self.agree("read", o.read(a, at, 70_000), q.read(x, at, 70_000));
            }
        }
    }
}

/// What must agree of attributes.
fn shape(stat: Stat) -> (FileType, u32, u32, u64, Timestamp, Timestamp) {
    (stat.kind, stat.mode, stat.nlink, stat.size, stat.mtime, stat.ctime)
}

/// With `forks`, the workspace is now and then replaced by a fork of it, whose parent goes on to change.
fn run(seed: u64, forks: bool) {
    let mut f = Fixture::new();
    let model = MemoryLayer::with_clock(f.clock.clone());
    model.setattr(model.root(), &SetAttr::mode(0o755)).unwrap();
    f.layer.setattr(ROOT_INO, &SetAttr::mode(0o755)).unwrap();
    let mut dice = Dice(noise(seed, 60_000).into_iter());
    let mut nodes = vec![(ROOT_INO, model.root())];
    let mut sealed: Vec<(Revision, Vec<String>)> = Vec::new();
    for step in 0..500 {
        f.clock.advance(1_000);
        match dice.roll(30) {
            0 => {
                if let Some(info) = f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap() {
                    sealed.push((info.id, tree(&f.layer)));
                }
            }
            1 => f = f.reopened(),
            4 if forks && f.layer.shared.lineage.ancestors().len() < 4 => {
                if let Some(info) = f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap() {
                    sealed.push((info.id, tree(&f.layer)));
                }
                let fork = f.fork(&format!("fork-{step}.cowry"));
                spoil(&f, step as u64);
                f = f.replaced_by(fork);
            }
            2 | 3 => {
                let fail = dice.roll(2) == 0;
                let before = nodes.len();
                let (ours, mut undone) = (&f.layer, false);
                let result = ours.batch(&mut |ours| {
                    model.batch(&mut |model| {
                        let mut pair = Pair { ours, model, nodes: std::mem::take(&mut nodes) };
                        for inner in 0..5 {
                            pair.step(&mut dice, 1000 * step + inner);
                        }
                        nodes = pair.nodes;
                        undone = fail;
                        if fail { Err(Errno::EINTR.into()) } else { Ok(()) }
                    })
                });
                assert_eq!(result.is_err(), undone);
                if undone {
                    nodes.truncate(before);
                }
            }
            _ => {
                let mut pair = Pair { ours: &f.layer, model: &model, nodes: std::mem::take(&mut nodes) };
                pair.step(&mut dice, step);
                nodes = pair.nodes;
            }
        }
        if step % 25 == 0 {
            assert_eq!(tree(&f.layer), tree(&model), "seed {seed} step {step}");
        }
    }
    assert_eq!(tree(&f.layer), tree(&model), "seed {seed}");
    assert_eq!(f.layer.check().unwrap(), CheckReport::default(), "seed {seed}");
    for (rev, then) in &sealed {
        assert_eq!(&tree(&*f.at(*rev)), then, "seed {seed} revision {rev}");
    }
    for (rev, then) in sealed.iter().rev().step_by(3) {
        f.layer.restore(*rev, &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
        assert_eq!(&tree(&f.layer), then, "seed {seed} restored {rev}");
        assert!(
            f.layer.diff(*rev, f.layer.head().unwrap()).unwrap().is_empty(),
            "seed {seed} restored {rev}"
        );
    }
    f.layer.gc().unwrap();
    assert_eq!(f.layer.check().unwrap(), CheckReport::default(), "seed {seed}");
}

#[test]
fn random_operations_agree_with_memory() {
    (0..12).for_each(|seed| run(seed, false));
}

#[test]
fn forks_of_forks_agree_with_memory() {
    (100..103).for_each(|seed| run(seed, true));
}

/// What a parent does once it was forked: none of it may show in the fork.
fn spoil(f: &Fixture, seed: u64) {
    let all = f.layer.readdir(ROOT_INO, None, usize::MAX).unwrap();
    for (i, entry) in all.into_iter().enumerate() {
        f.clock.advance(1000);
        match i % 3 {
            0 => f.rename(&format!("/{}", entry.name), &format!("/moved-{i}")),
            1 if entry.stat.is_file() => {
                f.layer.write(entry.stat.ino, 10, &noise(seed, 90_000)).unwrap();
            }
            1 => drop(f.layer.setattr(entry.stat.ino, &SetAttr::mode(0)).unwrap()),
            _ if !entry.stat.is_dir() => f.unlink(&format!("/{}", entry.name)),
            _ => {}
        }
    }
    f.put(&format!("/later-{seed}"), &noise(seed + 1, 200_000));
    f.seal();
    f.put("/a-file-of-the-parent", &noise(seed + 2, 70_000));
    f.layer.gc().unwrap();
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}
