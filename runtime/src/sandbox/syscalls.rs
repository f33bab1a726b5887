//! Which system calls there are in a zygote and in a sandbox. Everything else answers `EPERM`.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

/// Stands for the process's own number in a compiled filter. No process has it: numbers end at 2^22.
const OWN_PROCESS: u32 = 0x7fff_0001;

/// What code in a sandbox needs of the kernel: to talk on the sockets it has, memory, time, waiting, ending.
/// Nothing here takes a path or makes a descriptor.
const PLAIN: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_ftruncate,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_ctl,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // What the watchdog's thread begins with; the filter may be there before it has.
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What a zygote needs besides: to fork, to reap, to hand descriptors on, and to prepare a child.
const ZYGOTE: &[c_long] = &[
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_wait4,
    libc::SYS_pidfd_open,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_socketpair,
    libc::SYS_dup3,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    libc::SYS_close_range,
    libc::SYS_epoll_create1,
    libc::SYS_eventfd2,
    libc::SYS_fcntl,
    libc::SYS_prctl,
    libc::SYS_seccomp,
    libc::SYS_prlimit64,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_tgkill,
];

/// What a fork needs besides, until it has its request: to take it, with its descriptors, and to put the last filter on.
const WAITING: &[c_long] = &[
    libc::SYS_recvmsg,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    libc::SYS_dup3,
    libc::SYS_prctl,
    libc::SYS_seccomp,
];

/// The filter of a zygote.
pub(super) fn zygote() -> Result<BpfProgram, BackendError> {
    let rules = PLAIN.iter().chain(ZYGOTE).map(|&call| (call, Vec::new()));
    compile(rules.collect())
}

/// The filter of a fork that waits for a request, for no process in particular yet: see [`for_process`]. It is nearly
/// all that a sandbox has, and put on before there is a request, since it is long.
pub(super) fn waiting() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<_, _> = WAITING.iter().map(|&call| (call, Vec::new())).collect();
    // `abort` and the watchdog signal threads of this process.
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![equal(0, OWN_PROCESS.into())?])?]);
    rules.insert(libc::SYS_fcntl, vec![only(1, libc::F_GETFD as u64)?, only(1, libc::F_GETFL as u64)?]);
    rules.insert(libc::SYS_prlimit64, vec![only(0, 0)?]);
    // On a connected socket only, without an address, and with no flags but those of the standard library.
    let flags = [0, libc::MSG_NOSIGNAL as u64];
    let sends = flags.map(|flags| SeccompRule::new(vec![equal(3, flags)?, null(4)?]));
    rules.insert(libc::SYS_sendto, sends.into_iter().collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_recvfrom, Vec::new());
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new([vec![counted()?], not_executable()?].concat())?]);
    let protections = not_executable()?;
    let protects = if protections.is_empty() { Vec::new() } else { vec![SeccompRule::new(protections)?] };
    rules.insert(libc::SYS_mprotect, protects);
    Ok(allow_first(PLAIN, compile(rules)?))
}

/// What a sandbox puts on top of that filter before its first job: what only a waiting fork needs is refused.
pub(super) fn last() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<_, _> = WAITING.iter().map(|&call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_prlimit64, vec![unless_zero(2, SeccompCmpArgLen::Qword)?]);
    rules.insert(libc::SYS_recvfrom, vec![unless_zero(3, SeccompCmpArgLen::Dword)?]);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

/// Puts the calls that are allowed whatever their arguments in front of the others, one instruction for each. Every
/// fork puts its filter on itself, and what that costs goes with the filter's length.
fn allow_first(calls: &[c_long], mut filter: BpfProgram) -> BpfProgram {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let instruction = |code: u32, jt: u8, jf: u8, k: u32| sock_filter { code: code as u16, jt, jf, k };
    let length = u8::try_from(calls.len()).expect("far fewer calls than a jump is long");
    let compare = |(index, &call): (u8, &c_long)| {
        // Past the comparisons that follow, and past the jump behind them.
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, length - index, 0, call as u32)
    };
    let mut block: BpfProgram = (0..).zip(calls).map(compare).collect();
    block.push(instruction(libc::BPF_JMP | libc::BPF_JA, 0, 0, 1));
    block.push(instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    // All jumps are relative and forward: in front of those of the other calls, behind that of the architecture.
    let loaded = filter.iter().position(|i| i.code == LOAD_NUMBER && i.k == 0);
    let at = loaded.expect("a filter with rules loads the number of the call") + 1;
    filter.splice(at..at, block);
    filter
}

/// A fork's filter for the process with this number.
pub(super) fn for_process(mut filter: BpfProgram, pid: libc::pid_t) -> BpfProgram {
    for instruction in &mut filter {
        if instruction.k == OWN_PROCESS {
            instruction.k = pid.unsigned_abs();
        }
    }
    filter
}

/// Memory that the kernel counts against the limit on data: neither shared nor a stack that grows by itself.
fn counted() -> Result<SeccompCondition, BackendError> {
    let mask = (libc::MAP_TYPE | libc::MAP_GROWSDOWN) as u64;
    SeccompCondition::new(3, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), libc::MAP_PRIVATE as u64)
}

/// Memory that can be executed is for an engine that compiles.
fn not_executable() -> Result<Vec<SeccompCondition>, BackendError> {
    if crate::CAPABILITIES.jit {
        return Ok(Vec::new());
    }
    let exec = libc::PROT_EXEC as u64;
    Ok(vec![SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(exec), 0)?])
}

fn null(argument: u8) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

fn unless_zero(argument: u8, length: SeccompCmpArgLen) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, length, SeccompCmpOp::Ne, 0)?])
}

fn only(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![equal(argument, value)?])
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn compile(rules: BTreeMap<c_long, Vec<SeccompRule>>) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?.try_into()
}

#[cfg(test)]
mod tests;
