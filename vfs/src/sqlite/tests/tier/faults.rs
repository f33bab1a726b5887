//! Random schedules of faults: two who write one workspace and one who writes another below the same prefix, while
//! requests fail, replies are lost, and what comes is short or damaged. Most of them fail in a store in memory, some on the
//! wire to a server (`wire.rs`).
//!
//! Then: nothing that was acknowledged is lost, nothing was ever read that is not what was written, every object
//! that a row names is sound, and once the sweep has been over it nothing else is left. `COWRY_FAULT_SEED` runs one
//! schedule, `COWRY_FAULT_SCHEDULES` another number of them.

use std::collections::HashMap;

use cowry_s3_server::{Fault, Faults, Faulty};

use super::*;

/// Schedules of each of the tests below.
const SCHEDULES: u64 = 130;
/// Things done by each writer.
const STEPS: u64 = 10;

/// Numbers from a seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// What a schedule is about.
pub(super) struct Bench<'a> {
    pub seed: u64,
    pub faults: &'a Faults,
    /// How buckets are met while requests fail, and afterwards, when everybody waits as long as it takes.
    pub shaky: OpenBucket,
    pub steady: OpenBucket,
    /// Where the content of both workspaces goes.
    pub address: String,
}

/// How much fails in a schedule, and what: stalls cost a deadline each, so few schedules have them.
pub(super) fn faults(seed: u64) -> (Arc<Faults>, Duration) {
    let faults = Faults::new(seed, [50, 150, 400][(seed % 3) as usize]);
    if seed.is_multiple_of(37) {
        (Arc::new(faults), Duration::from_secs(1))
    } else {
        (Arc::new(faults.without(&[Fault::Stall])), Duration::from_secs(60))
    }
}

/// One who writes files of its own, and knows what is in them.
struct Writer<'a> {
    layer: &'a SqliteLayer,
    id: usize,
    chance: Chance,
    files: HashMap<String, Vec<u8>>,
    seed: u64,
}

impl Writer<'_> {
    fn work(mut self) -> HashMap<String, Vec<u8>> {
        for step in 0..STEPS {
            match self.chance.next(10) {
                0..3 => self.commit(step),
                3..5 => self.write(step),
                5..7 => self.write_ahead(step),
                7..9 => self.read(),
                _ => self.tidy(),
            }
        }
        self.files
    }

    fn draw(&mut self, step: u64) -> (String, Vec<u8>) {
        let name = format!("{}-{}", self.id, self.chance.next(4));
        let len = 1 + self.chance.next(40_000) as usize;
        (name, noise(self.seed ^ (self.id as u64) << 40 ^ step << 20, len))
    }

    /// Puts a file there as a run does.
    fn commit(&mut self, step: u64) {
        let (file, content) = self.draw(step);
        let Ok((base, tree)) = self.layer.latest() else { return };
        let overlay = Overlay::new(tree, OverlayOptions::default());
        if put(&overlay, &file, &content).is_err() {
            return;
        }
        let done = self.layer.commit(CommitRequest {
            base,
            own: &[],
            before: None,
            after: &overlay,
            committed: &mut crate::commit::InoMap::new(),
            judge: &crate::commit::PersistAll,
            info: &SealInfo::of(RevisionKind::Run),
        });
        if done.is_ok() {
            self.files.insert(file, content);
        }
    }

    /// The same as a direct write, sealed if the bucket takes it.
    fn write(&mut self, step: u64) {
        let (file, content) = self.draw(step);
        if self.layer.batch(&mut |layer| put(layer, &file, &content)).is_ok() {
            self.files.insert(file, content);
        }
        let _ = self.layer.seal(&SealInfo::of(RevisionKind::Edit));
    }

    /// The same as a file that is put: uploaded first, named then.
    fn write_ahead(&mut self, step: u64) {
        let (file, content) = self.draw(step);
        let send = || {
            let mut ahead = self.layer.ahead()?.expect("content goes to a bucket");
            let mut pieces = ahead.push(&content)?;
            pieces.extend(ahead.cut_off()?);
            Ok::<_, NodeError>((pieces, ahead.finish()?))
        };
        let Ok((pieces, _sent)) = send() else { return };
        let named = self.layer.batch(&mut |layer| {
            put(layer, &file, b"")?;
            let (ino, mut at) = (layer.lookup(layer.root(), &name(&file))?.ino, 0);
            pieces.iter().try_for_each(|(piece, bytes)| {
                self.layer.write_piece(ino, at, piece, &mut || Ok(bytes.clone()))?;
                at += bytes.len() as u64;
                Ok(())
            })
        });
        if named.is_ok() {
            self.files.insert(file, content);
        }
        let _ = self.layer.seal(&SealInfo::of(RevisionKind::Edit));
    }

    fn read(&mut self) {
        for (file, content) in &self.files {
            let stat = self.layer.lookup(ROOT_INO, &name(file)).expect("it was acknowledged");
            match self.layer.read(stat.ino, 0, usize::MAX) {
                Ok(read) => {
                    assert!(read == content[..], "seed {}: {file} is not what was written", self.seed)
                }
                Err(error) => assert!(
                    matches!(error.errno(), Errno::EIO | Errno::ETIMEDOUT),
                    "seed {}: {file}: {error}",
                    self.seed
                ),
            }
        }
    }

    fn tidy(&mut self) {
        let _ = self.layer.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() });
        let _ = self.layer.gc();
        let _ = self.layer.sweep_content(Duration::ZERO);
    }
}

fn put(layer: &dyn Layer, file: &str, content: &[u8]) -> NodeResult<()> {
    match layer.lookup(layer.root(), &name(file)) {
        Ok(stat) => {
            layer.setattr(stat.ino, &SetAttr::size(0))?;
            layer.write(stat.ino, 0, content)
        }
        Err(error) if error == Errno::ENOENT => layer
            .create(layer.root(), &name(file), NewNode::File(content), &NewAttr::with_mode(0o644))
            .map(|_| ()),
        Err(error) => Err(error),
    }
}

fn in_memory(seed: u64) {
    let (faults, deadline) = faults(seed);
    let failing = faults.clone();
    let shaky = OpenBucket::new(move |location| {
        let bucket = Bucket::open(location, Connect { deadline, ..Connect::default() })?;
        Ok(bucket.wrapped(|inner| Arc::new(Faulty::new(inner, failing.clone()))))
    });
    let address = format!("memory://faults-{seed}/content");
    run(&Bench { seed, faults: &faults, shaky, steady: OpenBucket::default(), address });
}

/// Runs a schedule and says what is not as it must be.
pub(super) fn run(bench: &Bench<'_>) {
    let (seed, faults) = (bench.seed, bench.faults);
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::new(Timestamp(START));
    let options = SqliteOptions {
        buckets: bench.shaky.clone(),
        busy_timeout: Duration::from_secs(120),
        ..alone(options(&clock))
    };
    let tier = tier(&bench.address);
    let make = |file: &str| {
        let layer = SqliteLayer::create(folder.path().join(file), &options).expect("a new workspace");
        layer.set_content_tier(Some(&tier)).expect("set");
        layer
    };
    let (first, other) = (make("first.cowry"), make("other.cowry"));
    let second = SqliteLayer::open(folder.path().join("first.cowry"), &options).expect("the same");
    let written: Vec<HashMap<String, Vec<u8>>> = std::thread::scope(|scope| {
        let writers = [&first, &second, &other].into_iter().enumerate().map(|(id, layer)| {
            let chance = Chance(seed.wrapping_mul(31).wrapping_add(id as u64));
            let writer = Writer { layer, id, chance, files: HashMap::new(), seed };
            scope.spawn(move || writer.work())
        });
        let writers: Vec<_> = writers.collect();
        writers.into_iter().map(|writer| writer.join().expect("it ends")).collect()
    });
    drop(second);
    faults.turn(false);
    // An upload that began before a sweep without grace and arrived after it: nobody names that object, and the listing
    // finds it once it is not too young.
    let options = SqliteOptions { buckets: bench.steady.clone(), ..options };
    clock.advance(100 * 365 * 86_400_000_000_000);
    for (layer, own) in [(first, &written[..2]), (other, &written[2..])] {
        let path = layer.path().clone();
        drop(layer);
        let layer = SqliteLayer::open(&path, &options).expect("it opens");
        layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        settled(&layer, own, seed);
    }
}

/// What must hold when nothing fails any more.
fn settled(layer: &SqliteLayer, written: &[HashMap<String, Vec<u8>>], seed: u64) {
    let all_there = |when: &str| {
        for (file, content) in written.iter().flatten() {
            let found = read(layer, &format!("/{file}"));
            assert!(found == *content, "seed {seed}: {file} is not what was acknowledged {when}");
        }
    };
    all_there("before the sweep");
    let found = layer.check().expect("checked");
    assert!(found.is_sound(), "seed {seed}: {found:?}");
    let deep = layer.check_buckets(&mut |_| {}).expect("checked");
    assert!(deep.is_sound(), "seed {seed}: {deep:?}");
    layer.gc().expect("collected");
    layer.sweep_content(Duration::ZERO).expect("swept");
    let deep = layer.check_buckets(&mut |_| {}).expect("checked");
    assert!(deep.is_sound() && deep.unreferenced == 0, "seed {seed}: {deep:?}");
    all_there("after the sweep");
}

/// Some of the schedules that there are, or as many as the environment asks for, of which this one has every
/// `every`-th from `which` on.
pub(super) fn schedules(which: u64, every: u64, count: u64, run: impl Fn(u64)) {
    let asked = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (asked("COWRY_FAULT_SEED"), asked("COWRY_FAULT_SCHEDULES")) {
        (Some(seed), _) if seed % every == which => vec![seed],
        (Some(_), _) => Vec::new(),
        (None, all) => (0..all.map_or(count, |all| all.div_ceil(every))).map(|n| every * n + which).collect(),
    };
    for seed in seeds {
        // The last one told is the one that fails.
        eprintln!("seed {seed}");
        run(seed);
    }
}

#[test]
fn nothing_acknowledged_is_lost_first_quarter() {
    schedules(0, 4, SCHEDULES, in_memory);
}

#[test]
fn nothing_acknowledged_is_lost_second_quarter() {
    schedules(1, 4, SCHEDULES, in_memory);
}

#[test]
fn nothing_acknowledged_is_lost_third_quarter() {
    schedules(2, 4, SCHEDULES, in_memory);
}

#[test]
fn nothing_acknowledged_is_lost_fourth_quarter() {
    schedules(3, 4, SCHEDULES, in_memory);
}
