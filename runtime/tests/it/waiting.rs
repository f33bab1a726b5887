//! A file whose bytes do not come, as those of a bucket that does not answer: whoever waits for them can be ended, and
//! the sandbox goes on.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cowry_runtime::{Event, Job, Limits, Mount, Outcome, Program, Sandbox, SandboxSpec, TimeLimit};
use cowry_vfs::{Features, Ino, Layer, MemoryLayer, NodeResult, Vfs, VfsOptions};

use crate::support::{Case, Done, plenty, run, tree, zygote};

pub const CASES: &[Case] = &[
    ("waiting::time_that_is_over_ends_the_wait", time_that_is_over_ends_the_wait),
    ("waiting::a_missing_answer_is_not_what_ended_it", a_missing_answer_is_not_what_ended_it),
    ("waiting::an_interrupt_ends_the_wait_and_not_the_sandbox", an_interrupt_ends_the_wait),
    ("waiting::an_answer_that_takes_its_time_is_given", an_answer_that_takes_its_time_is_given),
];

/// A file `stuck`, the reading of which waits for a word, and a file `free`.
#[derive(Debug)]
struct Stuck {
    inner: Arc<MemoryLayer>,
    stuck: Ino,
    word: Mutex<bool>,
    said: Condvar,
}

impl Stuck {
    fn new() -> Arc<Stuck> {
        let inner = Arc::new(MemoryLayer::new());
        let vfs = Vfs::new(inner.clone(), VfsOptions::default());
        for name in ["/stuck", "/free"] {
            vfs.write(name, name.as_bytes()).expect("an empty tree");
        }
        let stuck = vfs.stat("/stuck").expect("just written").ino;
        Arc::new(Stuck { inner, stuck, word: Mutex::new(false), said: Condvar::new() })
    }

    fn let_go(&self) {
        *self.word.lock().expect("no test panics with it") = true;
        self.said.notify_all();
    }

    fn wait(&self) {
        let word = self.word.lock().expect("no test panics with it");
        drop(self.said.wait_while(word, |word| !*word).expect("no test panics with it"));
    }
}

impl Layer for Stuck {
    cowry_vfs::refuse_changes!();
    cowry_vfs::pass_on!(inner: root, lookup, getattr, readdir, readlink, seek, open, release, getxattr, listxattr, fsync, statfs);

    fn name(&self) -> &str {
        "stuck"
    }

    fn features(&self) -> Features {
        Features { writable: false, remote: true, waits: true, ..self.inner.features() }
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        if ino == self.stuck {
            self.wait();
        }
        self.inner.read(ino, offset, len)
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}

fn sandbox(stuck: &Arc<Stuck>, limits: Limits) -> Sandbox {
    let mount = Mount { at: "/data".into(), layer: stuck.clone(), writable: false, written: None };
    let mut spec = SandboxSpec { limits, ..SandboxSpec::new(tree()) };
    spec.mounts.push(mount);
    zygote().spawn(spec).expect("a sandbox can be forked")
}

fn entry(code: &str) -> Job {
    Job::new(Program::Entry { code: code.into() })
}

/// That it goes on, with what was written, though nobody has answered the earlier question.
fn goes_on(sandbox: &mut Sandbox) {
    let done =
        run(sandbox, &entry("[fs.readFileSync('/data/free', 'utf8'), fs.readFileSync('/own', 'utf8')]"));
    assert_eq!(done.json(), r#"["/free","1"]"#);
}

const READS: &str =
    "fs.writeFileSync('/own', '1'); console.log('begins'); fs.readFileSync('/data/stuck', 'utf8')";

/// Little time for a job that waits.
fn little() -> Limits {
    Limits { wall: Duration::from_millis(300), ..plenty() }
}

fn time_that_is_over_ends_the_wait() {
    let stuck = Stuck::new();
    // It has to come to the reading.
    let mut sandbox = sandbox(&stuck, Limits { wall: Duration::from_secs(5), ..plenty() });
    let done = run(&mut sandbox, &entry(READS));
    assert_eq!(*done.outcome(), Outcome::TimedOut(TimeLimit::Wall));
    assert!(
        sandbox.overlays()[0].as_ref().is_some_and(|own| own.usage().nodes > 0),
        "what it wrote is there"
    );
    stuck.let_go();
}

/// Whoever catches the error of a read that nobody waits for any more has not come to its end by that.
fn a_missing_answer_is_not_what_ended_it() {
    let stuck = Stuck::new();
    for code in ["try { fs.readFileSync('/data/stuck') } catch {} 'done'", "fs.readFileSync('/data/stuck')"] {
        let done = run(&mut sandbox(&stuck, little()), &entry(code));
        assert_eq!(*done.outcome(), Outcome::TimedOut(TimeLimit::Wall), "{code}");
    }
    stuck.let_go();
}

fn an_interrupt_ends_the_wait() {
    let stuck = Stuck::new();
    let mut sandbox = sandbox(&stuck, plenty());
    let interrupter = sandbox.interrupter();
    let job = entry(READS);
    let mut interrupt = |event| {
        if matches!(event, Event::Console { .. }) {
            interrupter.interrupt();
        }
    };
    let report = sandbox.run(&job, &mut interrupt).expect("the sandbox takes a job");
    assert_eq!(report.result.outcome, Outcome::Interrupted);
    goes_on(&mut sandbox);
    stuck.let_go();
}

fn an_answer_that_takes_its_time_is_given() {
    let stuck = Stuck::new();
    let mut sandbox = sandbox(&stuck, plenty());
    let say = stuck.clone();
    let job = entry(READS);
    let mut events = Vec::new();
    let report = sandbox.run(&job, &mut |event| {
        say.let_go();
        events.push(event);
    });
    let done = Done { report: report.expect("the sandbox takes a job"), events };
    assert_eq!(done.json(), r#""/stuck""#);
    goes_on(&mut sandbox);
}
