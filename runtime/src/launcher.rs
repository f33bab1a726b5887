//! From the supervisor's program to a zygote: greets, leaves the host's namespaces, forks once.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::control::{self, BUILD_ID, HELLO};
use crate::spec::Lockdown;
use crate::{mounts, sys, zygote};

/// The argument that asks a program to become a zygote; the supervisor's build follows it.
pub(crate) const ARGUMENT: &str = "--cowry-become-zygote";
/// What follows where one sandbox is all that is wanted.
pub(crate) const ONE: &str = "one";
/// The user and group that a zygote is.
const NOBODY: u32 = 65534;
/// The stack an engine counts on.
const STACK: u64 = 8 << 20;

static INITIALISED: AtomicBool = AtomicBool::new(false);

/// Becomes the launcher and zygote if this process was executed to be that, and never returns then.
///
/// Call it first thing in `main`, before anything opens files or starts threads. Without the call,
/// [`Zygote::start`](crate::Zygote::start) refuses: its zygote would be one more run of `main`.
pub fn init() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) {
        launch(arguments.next(), arguments.next().is_some_and(|more| more == ONE));
    }
    INITIALISED.store(true, Ordering::Relaxed);
}

/// Whether this program calls [`init`].
pub(crate) fn is_initialised() -> bool {
    INITIALISED.load(Ordering::Relaxed)
}

fn launch(build: Option<OsString>, is_for_one: bool) -> ! {
    let Ok(control) = take_control() else { sys::exit_now(125) };
    if control::send_bytes(&control, format!("{HELLO}{BUILD_ID}").as_bytes(), &[]).is_err()
        || build.is_none_or(|theirs| theirs != BUILD_ID)
    {
        // Run by hand, or by a supervisor of another build, which has been told so.
        sys::exit_now(125);
    }
    let mut lockdown = Lockdown::default();
    settle(&control);
    leave_namespaces(&mut lockdown);
    match sys::fork() {
        Ok(sys::Fork::Child) => zygote::main(control, lockdown, is_for_one),
        Ok(sys::Fork::Parent(pid)) => {
            drop(control);
            wait(pid)
        }
        Err(_) => sys::exit_now(125),
    }
}

/// Takes the control socket, which comes as stdin, and puts nothing in its place.
fn take_control() -> io::Result<OwnedFd> {
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    sys::dup_onto(File::open("/dev/null")?.as_fd(), 0)?;
    Ok(control)
}

/// Leaves behind what a parent may have left: descriptors, a working directory, a small stack.
fn settle(control: &OwnedFd) {
    let _ = sys::close_all_but(&mut [control.as_raw_fd()]);
    let _ = std::env::set_current_dir("/");
    let _ = sys::limit(libc::RLIMIT_STACK, STACK, STACK);
    let _ = sys::limit(libc::RLIMIT_CORE, 0, 0);
    // First in line for the out-of-memory killer; raising one's own score needs no privilege.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// The launcher's whole life after the fork: holds no descriptor, and takes the zygote with it when it is killed.
fn wait(zygote: libc::pid_t) -> ! {
    let _ = sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0);
    let _ = sys::drop_capabilities();
    // There may be other processes of the same user.
    let _ = sys::prctl(libc::PR_SET_DUMPABLE, 0, 0);
    let status = sys::wait_for(zygote);
    sys::exit_now(if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        128 + libc::WTERMSIG(status)
    })
}

/// The namespaces to leave, besides the user namespace.
const NAMESPACES: &[(&str, libc::c_int)] = &[
    ("network namespace", libc::CLONE_NEWNET),
    ("ipc namespace", libc::CLONE_NEWIPC),
    ("mount namespace", libc::CLONE_NEWNS),
    ("pid namespace", libc::CLONE_NEWPID),
];

/// Where the mount namespace is among them.
const MOUNTS: usize = 2;

/// Enters new namespaces and becomes nobody, as root and as anybody else.
///
/// Root leaves the namespaces it may leave, drops to nobody, and only then makes the user namespace, so that no
/// capability in it reaches the other ones. An ordinary user needs the user namespace first.
fn leave_namespaces(lockdown: &mut Lockdown) {
    let privileged = rustix::process::geteuid().is_root();
    let mut left = vec![false; NAMESPACES.len()];
    let mut user = Ok(());
    if privileged {
        leave(&mut left);
        if left[MOUNTS] {
            mounts::let_go();
        }
        user = sys::become_user(NOBODY, NOBODY);
        // Changing users takes the right to write the maps below away; this gives it back for now.
        let _ = sys::prctl(libc::PR_SET_DUMPABLE, 1, 0);
    }
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    lockdown.note("user namespace", sys::unshare(libc::CLONE_NEWUSER));
    if !lockdown.missing.iter().any(|m| m.starts_with("user namespace")) {
        let mapped = map_user(uid, gid);
        user = if uid == NOBODY { user } else { mapped };
    }
    lockdown.note("unprivileged user", user);
    let errors = leave(&mut left);
    for ((name, _), error) in NAMESPACES.iter().zip(errors) {
        lockdown.note(name, error.map_or(Ok(()), Err));
    }
}

/// Tries each namespace not left yet, and says what is in the way of each.
fn leave(left: &mut [bool]) -> Vec<Option<io::Error>> {
    let wanted = NAMESPACES.iter().zip(left.iter()).filter(|(_, left)| !**left);
    let all = wanted.fold(0, |flags, ((_, flag), _)| flags | flag);
    if all != 0 && sys::unshare(all).is_ok() {
        left.fill(true);
    }
    let attempt = |(left, (_, flag)): (&mut bool, &(_, libc::c_int))| {
        if *left {
            return None;
        }
        let error = sys::unshare(*flag).err();
        *left = error.is_none();
        error
    };
    left.iter_mut().zip(NAMESPACES).map(attempt).collect()
}

/// Says that we are nobody in the new user namespace.
fn map_user(uid: u32, gid: u32) -> io::Result<()> {
    let write = |file: &str, text: String| {
        use std::io::Write;
        OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes())
    };
    // Required before a group may be mapped without privilege.
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/uid_map", format!("{NOBODY} {uid} 1"))?;
    write("/proc/self/gid_map", format!("{NOBODY} {gid} 1"))
}
