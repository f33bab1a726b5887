//! The kernel: a directory of the host, used through system calls by a thread that sees nothing else.
//!
//! The thread unshares its view of the filesystem and makes the directory its root, so that absolute links and
//! `..` stay inside, and no folder on the way to it needs to be open to other users. It acts as another user by
//! changing its own effective ids, which on Linux belong to the thread.

mod call;
mod tree;

use std::any::Any;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::fs::{Gid, Mode, Uid};
use rustix::thread as sys;

use super::op::Step;
use super::subject::{Answer, Subject, Tree};
use call::Calls;

/// A directory that the kernel serves.
#[derive(Debug)]
pub struct Kernel {
    name: String,
    jobs: Option<Sender<Job>>,
    results: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
    /// What the directory is in; goes after the thread.
    keeps: Option<Box<dyn Any>>,
}

enum Job {
    Run(Step),
    Tree,
}

enum Outcome {
    Ready(Result<(), String>),
    Answer(Answer),
    Tree(Tree),
}

impl Kernel {
    /// A new directory on a filesystem of this machine that can do what is compared.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of_this_machine() -> Result<Kernel, String> {
        let mut reason = "there is no temporary directory".to_owned();
        for place in [std::env::temp_dir(), PathBuf::from("/var/tmp"), PathBuf::from("/dev/shm")] {
            let Ok(dir) = tempfile::Builder::new().prefix("cowry-differ-").tempdir_in(&place) else {
                continue;
            };
            match able(dir.path()).and_then(|()| Kernel::start("the kernel", dir.path())) {
                Ok(mut kernel) => {
                    kernel.keeps = Some(Box::new(dir));
                    return Ok(kernel);
                }
                Err(why) => reason = format!("{}: {why}", place.display()),
            }
        }
        Err(reason)
    }

    /// An empty directory that is there already, such as a mount, which is kept as long.
    ///
    /// # Errors
    /// If a thread cannot shut itself in there, as only root can.
    pub fn in_dir(name: &str, dir: &Path, keeps: impl Any) -> Result<Kernel, String> {
        let mut kernel = Kernel::start(name, dir)?;
        kernel.keeps = Some(Box::new(keeps));
        Ok(kernel)
    }

    fn start(name: &str, dir: &Path) -> Result<Kernel, String> {
        let (jobs, todo) = channel();
        let (tell, results) = channel();
        let root = dir.to_owned();
        let thread = std::thread::spawn(move || work(&root, &todo, &tell));
        let kernel =
            Kernel { name: name.to_owned(), jobs: Some(jobs), results, thread: Some(thread), keeps: None };
        match kernel.results.recv() {
            Ok(Outcome::Ready(ready)) => ready.map(|()| kernel),
            _ => Err("the thread ended".into()),
        }
    }

    fn ask(&self, job: Job) -> Outcome {
        let jobs = self.jobs.as_ref().expect("it lives until it is dropped");
        jobs.send(job).expect("the thread lives as long");
        self.results.recv().expect("the thread answers, or says on standard error why not")
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.keeps = None;
    }
}

impl Subject for Kernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, step: &Step) -> Answer {
        match self.ask(Job::Run(step.clone())) {
            Outcome::Answer(answer) => answer,
            _ => panic!("an answer follows an operation"),
        }
    }

    fn tree(&mut self) -> Tree {
        match self.ask(Job::Tree) {
            Outcome::Tree(tree) => tree,
            _ => panic!("a tree was asked for"),
        }
    }
}

fn work(root: &Path, todo: &Receiver<Job>, tell: &Sender<Outcome>) {
    let ready = shut_in(root);
    let failed = ready.is_err();
    let _ = tell.send(Outcome::Ready(ready));
    if failed {
        return;
    }
    let mut calls = Calls::default();
    while let Ok(job) = todo.recv() {
        let outcome = match job {
            Job::Tree => Outcome::Tree(tree::whole()),
            Job::Run(step) => {
                become_user(step.who.ids()).expect("root can become anyone");
                let answer = calls.run(&step.op);
                become_user((0, 0)).expect("and root again");
                Outcome::Answer(answer)
            }
        };
        if tell.send(outcome).is_err() {
            return;
        }
    }
}

/// Makes `root` the root directory of this thread, and of no other.
fn shut_in(root: &Path) -> Result<(), String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: rustix::io::Errno| format!("needs root: cannot {what}: {error}")
    };
    // SAFETY: CLONE_FS gives this thread a root, a working directory and a umask of its own. Nothing that runs in
    // it relies on sharing them with the other threads.
    unsafe { sys::unshare_unsafe(sys::UnshareFlags::FS) }.map_err(failed("unshare"))?;
    rustix::process::chroot(root).map_err(failed("change the root directory"))?;
    rustix::process::chdir("/").map_err(failed("change the directory"))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    sys::set_thread_groups(&[]).map_err(failed("leave all groups"))?;
    become_user((4001, 4001)).map_err(failed("become another user"))?;
    become_user((0, 0)).map_err(failed("become root again"))?;
    rustix::fs::chown("/", Some(Uid::ROOT), Some(Gid::ROOT)).map_err(failed("take the directory"))?;
    rustix::fs::chmod("/", Mode::from_raw_mode(0o777)).map_err(failed("open the directory"))
}

/// The kernel takes the rights over files off an effective user that is not root, and gives them back.
fn become_user((uid, gid): (u32, u32)) -> rustix::io::Result<()> {
    if uid == 0 {
        sys::set_thread_res_uid(None, Uid::ROOT, None)?;
        return sys::set_thread_res_gid(None, Gid::ROOT, None);
    }
    sys::set_thread_res_gid(None, Gid::from_raw(gid), None)?;
    sys::set_thread_res_uid(None, Uid::from_raw(uid), None)
}

/// Whether a filesystem of the host can do what is compared.
fn able(dir: &Path) -> Result<(), String> {
    let needs = |what: &str| format!("needs {what}");
    let (a, b) = (dir.join("a"), dir.join("b"));
    fs::create_dir(&a).and_then(|()| fs::create_dir(a.join("below"))).map_err(|_| needs("writing"))?;
    fs::create_dir(&b).map_err(|_| needs("writing"))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).map_err(|_| needs("modes"))?;
    if rustix::fs::stat(&a).map_err(|_| needs("stat"))?.st_nlink != 3 {
        return Err("needs directories that count their subdirectories".into());
    }
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&a, "user.a", b"1", flags).map_err(|_| needs("extended attributes"))?;
    let cwd = rustix::fs::CWD;
    rustix::fs::renameat_with(cwd, &a, cwd, &b, rustix::fs::RenameFlags::EXCHANGE)
        .map_err(|_| needs("exchanging renames"))?;
    fs::remove_dir_all(&a).and_then(|()| fs::remove_dir_all(&b)).map_err(|_| needs("removing"))
}
