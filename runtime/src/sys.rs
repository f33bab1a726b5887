//! The system calls that no crate wraps safely, each behind a function that is safe to call.

use std::ffi::CStr;
use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// What a call that returns -1 on failure returned.
fn checked(code: libc::c_int) -> io::Result<libc::c_int> {
    if code == -1 { Err(io::Error::last_os_error()) } else { Ok(code) }
}

/// Which side of a fork this is.
pub(crate) enum Fork {
    Parent(libc::pid_t),
    Child,
}

/// Forks. Only a process with a single thread may, so that the child finds no lock held by a thread it lacks.
pub(crate) fn fork() -> io::Result<Fork> {
    // SAFETY: the launcher and the zygote, the only callers, have one thread (the zygote checks at boot).
    match checked(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends the process at once: no destructors, no exit handlers, no engine torn down.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}

/// How many threads this process has.
pub(crate) fn thread_count() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// Closes every descriptor but the standard ones and those in `keep`.
pub(crate) fn close_all_but(keep: &mut [RawFd]) -> io::Result<()> {
    keep.sort_unstable();
    let mut from = 3;
    for &fd in keep.iter() {
        if fd > from {
            close_range(from, fd - 1)?;
        }
        from = from.max(fd + 1);
    }
    close_range(from, RawFd::MAX)
}

fn close_range(first: RawFd, last: RawFd) -> io::Result<()> {
    // SAFETY: the caller is a fresh process that uses none of these descriptors again; owners of them that
    // are still in memory are never dropped, because the process ends with `_exit`.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done == 0 {
        return Ok(());
    }
    for fd in first..=last.min(4096) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Makes descriptor `to` lead where `from` does.
pub(crate) fn dup_onto(from: BorrowedFd<'_>, to: RawFd) -> io::Result<()> {
    // SAFETY: both numbers are plain; `to` is a standard stream, which nobody owns.
    checked(unsafe { libc::dup2(from.as_raw_fd(), to) }).map(drop)
}

/// One call of `prctl` whose arguments are all plain numbers.
pub(crate) fn prctl(option: libc::c_int, arg: libc::c_ulong, arg2: libc::c_ulong) -> io::Result<libc::c_int> {
    // SAFETY: callers use only options that take numbers; none of them touches memory.
    checked(unsafe { libc::prctl(option, arg, arg2, 0, 0) })
}

/// Leaves namespaces for new ones.
pub(crate) fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: single-threaded callers; namespaces do not touch memory.
    checked(unsafe { libc::unshare(flags) }).map(drop)
}

/// Becomes this user and group for good, without supplementary groups.
pub(crate) fn become_user(uid: libc::uid_t, gid: libc::gid_t) -> io::Result<()> {
    // SAFETY: plain numbers and an empty list.
    unsafe {
        checked(libc::setgroups(0, std::ptr::null()))?;
        checked(libc::setresgid(gid, gid, gid))?;
        checked(libc::setresuid(uid, uid, uid))?;
    }
    Ok(())
}

/// Gives up every capability, those it could regain included.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    for cap in 0..64 {
        // Fails past the last capability the kernel knows, and without CAP_SETPCAP; the second is harmless
        // with no_new_privs, since nothing is executed any more.
        let _ = prctl(libc::PR_CAPBSET_DROP, cap, 0);
    }
    let _ = prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong, 0);
    // Version 3 of the interface, this process; three empty sets of 64 bits.
    let header = [0x2008_0522_u32, 0];
    let sets = [0_u32; 6];
    // SAFETY: both pointers lead to memory of the size that version 3 reads.
    let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Blocks these signals for this thread and those it starts.
pub(crate) fn block_signals(signals: &[libc::c_int]) -> io::Result<()> {
    let set = signal_set(signals);
    // SAFETY: the set is initialised; the old one is not asked for.
    let code = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

fn signal_set(signals: &[libc::c_int]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set before anything reads it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

/// Waits for one of these blocked signals, and says which number came with it; `None` once the timeout has passed.
pub(crate) fn wait_signal(signals: &[libc::c_int], timeout: Option<Duration>) -> Option<(libc::c_int, u32)> {
    let set = signal_set(signals);
    let limit = timeout.map(|t| libc::timespec {
        tv_sec: libc::time_t::try_from(t.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: t.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: all-zero bytes are a valid `siginfo_t`.
    let mut info: libc::siginfo_t = unsafe { zeroed() };
    // SAFETY: the set is initialised, the timeout is null or leads to a live value, `info` is live.
    match unsafe { libc::sigtimedwait(&set, &mut info, limit) } {
        -1 => None,
        // SAFETY: a queued signal carries a value; of any other these bytes were zeroed above or are numbers.
        signal => Some((signal, unsafe { info.si_value() }.sival_ptr.addr() as u32)),
    }
}

/// Sends a process a signal with a number.
pub(crate) fn queue_signal(process: &OwnedFd, signal: libc::c_int, number: u32) -> io::Result<()> {
    /// The head of `siginfo_t` for a queued signal, as the kernel reads it.
    #[repr(C)]
    struct Queued {
        signo: libc::c_int,
        errno: libc::c_int,
        code: libc::c_int,
        padding: libc::c_int,
        pid: libc::pid_t,
        uid: libc::uid_t,
        value: u64,
        rest: [u64; 12],
    }
    const { assert!(size_of::<Queued>() == size_of::<libc::siginfo_t>()) };
    let (code, value) = (libc::SI_QUEUE, number.into());
    let info = Queued { signo: signal, errno: 0, code, padding: 0, pid: 0, uid: 0, value, rest: [0; 12] };
    // SAFETY: `info` is live and as large as the kernel reads.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, &info, 0) };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A descriptor from which blocked signals are read.
pub(crate) fn signalfd(signals: &[libc::c_int]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);
    // SAFETY: the set is initialised; -1 asks for a new descriptor.
    let fd = checked(unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
    // SAFETY: the call succeeded, so the descriptor is new and ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A child that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub pid: libc::pid_t,
    /// As `wait` reports it.
    pub status: libc::c_int,
    pub cpu: Duration,
    /// The most it had resident.
    pub peak_memory_bytes: u64,
}

/// Reaps one child that has ended, if there is one.
pub(crate) fn reap() -> Option<Ended> {
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { zeroed() };
    // SAFETY: both pointers lead to live values.
    let pid = unsafe { libc::wait4(-1, &mut status, libc::WNOHANG, &mut usage) };
    (pid > 0).then(|| Ended {
        pid,
        status,
        cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak_memory_bytes: usage.ru_maxrss as u64 * 1024,
    })
}

/// Waits for a child to end, whichever it takes.
pub(crate) fn wait_for(pid: libc::pid_t) -> libc::c_int {
    let mut status = 0;
    // SAFETY: the pointer leads to a live value.
    while unsafe { libc::waitpid(pid, &mut status, 0) } == -1
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
    status
}

/// Processor time and peak resident bytes of this process.
pub(crate) fn own_usage() -> (Duration, u64) {
    // SAFETY: all-zero bytes are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { zeroed() };
    // SAFETY: the pointer leads to a live value.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    (duration(usage.ru_utime) + duration(usage.ru_stime), usage.ru_maxrss as u64 * 1024)
}

fn duration(time: libc::timeval) -> Duration {
    Duration::new(time.tv_sec.try_into().unwrap_or(0), (time.tv_usec * 1000).try_into().unwrap_or(0))
}

/// Processor time of this process, all threads.
pub(crate) fn cpu_time() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Processor time of another process, all threads; `None` if there is no such process.
pub(crate) fn cpu_time_of(pid: u32) -> Option<Duration> {
    let mut id = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both pointers lead to live values.
    let done = unsafe {
        libc::clock_getcpuclockid(pid.try_into().ok()?, &mut id) == 0
            && libc::clock_gettime(id, &mut time) == 0
    };
    done.then(|| Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0)))
}

/// Time since some moment in the past; never goes back.
pub(crate) fn monotonic() -> Duration {
    clock(libc::CLOCK_MONOTONIC)
}

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer leads to a live value.
    unsafe { libc::clock_gettime(id, &mut time) };
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The number of this process in its own namespace.
pub(crate) fn process_id() -> libc::pid_t {
    // SAFETY: no preconditions.
    unsafe { libc::getpid() }
}

/// Sets the soft and the hard limit of a resource, lowering either to the hard limit there is.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    // SAFETY: the pointers lead to live values.
    unsafe {
        let mut old: libc::rlimit = zeroed();
        checked(libc::getrlimit(resource, &mut old))?;
        let new = libc::rlimit { rlim_cur: soft.min(old.rlim_max), rlim_max: hard.min(old.rlim_max) };
        checked(libc::setrlimit(resource, &new)).map(drop)
    }
}

/// Makes a call with these arguments: the test of the walls.
#[cfg(cowry_probe)]
pub(crate) fn raw_syscall(number: i64, args: [u64; 6]) -> i64 {
    // SAFETY: there is none. A process that lets a test make this call is in a sandbox that is thrown away
    // afterwards; what happens to its memory does not matter.
    let code = unsafe { libc::syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]) };
    if code == -1 { -i64::from(io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { code }
}

/// Ignores a signal, here and in every fork.
pub(crate) fn ignore_signal(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: no handler is involved.
    if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Turns one kind of speculation off, so that it cannot be turned on again.
pub(crate) fn speculation_off(which: libc::c_ulong) -> io::Result<()> {
    prctl(libc::PR_SET_SPECULATION_CTRL, which, libc::PR_SPEC_FORCE_DISABLE as libc::c_ulong).map(drop)
}

/// Changes the root directory to one that is empty and stays so.
///
/// A child that shares its idea of the root with us makes one of its own directories in `/proc` the root, and ends:
/// what is left of it has no entries, and nothing can be made there.
pub(crate) fn chroot_into_nothing() -> io::Result<()> {
    let flags = libc::CLONE_FS | libc::SIGCHLD;
    // SAFETY: without CLONE_VM this is a fork, of a process with one thread; the child only makes system calls.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if pid == -1 {
        return Err(io::Error::last_os_error());
    }
    if pid == 0 {
        // SAFETY: the paths are terminated strings.
        let code = unsafe {
            let done = libc::chroot(c"/proc/self/fdinfo".as_ptr()) == 0 && libc::chdir(c"/".as_ptr()) == 0;
            if done { 0 } else { *libc::__errno_location() }
        };
        exit_now(code)
    }
    match libc::WEXITSTATUS(wait_for(pid as libc::pid_t)) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Lets nothing that is done to mounts here reach another mount namespace. What is done in the one we came from goes on
/// reaching ours, where it did.
pub(crate) fn keep_mounts_to_ourselves() -> io::Result<()> {
    let null = std::ptr::null();
    // SAFETY: the path is a terminated string; what is null is not looked at for these flags.
    checked(unsafe { libc::mount(null, c"/".as_ptr(), null, libc::MS_REC | libc::MS_SLAVE, null.cast()) })
        .map(drop)
}

/// Takes a mount out of this namespace, whoever still works in it.
pub(crate) fn detach_mount(dir: &CStr) -> io::Result<()> {
    // SAFETY: the path is a terminated string.
    checked(unsafe { libc::umount2(dir.as_ptr(), libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW) }).map(drop)
}

/// Fills a buffer with bytes nobody can guess.
pub(crate) fn random(into: &mut [u8]) -> io::Result<()> {
    let failed = |e: getrandom::Error| io::Error::from_raw_os_error(e.raw_os_error().unwrap_or(libc::EIO));
    getrandom::fill(into).map_err(failed)
}

/// Bytes in a page of memory.
pub(crate) fn page_bytes() -> u64 {
    // SAFETY: no preconditions.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// The number, in our own namespace, of the process behind a pidfd.
pub(crate) fn pid_of(process: &OwnedFd) -> Option<u32> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
}

/// Uses up the free memory between the blocks of the heap, for good, and returns the address behind all of it.
///
/// What a fork allocates would go into those gaps otherwise, and each gap is in another page that the fork shares:
/// writing to it copies the page. Behind the last block it goes into one fresh page after the other.
#[cfg(target_env = "gnu")]
pub(crate) fn fill_gaps() -> usize {
    // SAFETY: both only read counters of the allocator.
    let end = unsafe { libc::sbrk(0).addr() - libc::mallinfo2().keepcost };
    let halves = std::iter::successors(Some(64 << 10), |size| Some(size / 2)).take_while(|&size| size > 1024);
    let steps = (1..=64).rev().map(|n| n * 16);
    for size in halves.chain(steps) {
        // SAFETY: what is allocated is never used; the last one, past the end, is freed once.
        unsafe {
            let mut block = libc::malloc(size);
            while !block.is_null() && block.addr() < end {
                block = libc::malloc(size);
            }
            libc::free(block);
        }
    }
    end
}

/// Leaves what is free at the end of the heap alone for good, and begins a new piece behind it, in pages of the usual
/// size: what is written from here on is not in the large pages that the heap has been made of, which a write after a
/// fork breaks up.
#[cfg(target_env = "gnu")]
pub(crate) fn end_large_pages() -> io::Result<()> {
    prctl(libc::PR_SET_THP_DISABLE, 1, 0)?;
    // SAFETY: what is allocated first is never used, the other is freed once.
    unsafe {
        let rest = libc::mallinfo2().keepcost;
        libc::malloc(rest.saturating_sub(64));
        libc::free(libc::malloc(1024));
    }
    Ok(())
}

/// Other allocators are not asked for large pages.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn end_large_pages() -> io::Result<()> {
    prctl(libc::PR_SET_THP_DISABLE, 1, 0).map(drop)
}

/// The address behind the heap.
pub(crate) fn heap_end() -> usize {
    // SAFETY: it only asks.
    unsafe { libc::sbrk(0).addr() }
}

/// Has the heap grow by this much, for what will be allocated.
pub(crate) fn grow_heap(bytes: usize) {
    // SAFETY: what is allocated is freed once; free memory at the end of the heap stays there.
    unsafe { libc::free(libc::malloc(bytes)) }
}

/// Makes pages this process's own before they are written to. What cannot be is left as it is.
pub(crate) fn own_pages(address: usize, bytes: usize) {
    /// Since Linux 5.14.
    const MADV_POPULATE_WRITE: libc::c_int = 23;
    // SAFETY: the pages keep their content; where there is nothing, or nothing that can be written, the call fails.
    unsafe { libc::madvise(std::ptr::without_provenance_mut(address), bytes, MADV_POPULATE_WRITE) };
}

/// Other allocators keep blocks of a kind together by themselves.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn fill_gaps() -> usize {
    0
}
