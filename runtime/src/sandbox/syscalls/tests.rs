use super::*;

#[test]
fn all_filters_compile() {
    for filter in [zygote(), waiting(), last()] {
        assert!(!filter.unwrap().is_empty());
    }
}

#[test]
fn the_filter_of_a_process_names_it_and_no_placeholder() {
    let filter = for_process(waiting().unwrap(), 4242);
    assert!(filter.iter().any(|instruction| instruction.k == 4242));
    assert!(filter.iter().all(|instruction| instruction.k != OWN_PROCESS));
}

/// What a filter answers, run as the kernel runs it: enough of it for the filters here.
fn run(filter: &BpfProgram, call: c_long, arguments: [u64; 6]) -> u32 {
    let arch = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7_u32 };
    let mut data = vec![call as u32, arch, 0, 0];
    data.extend(arguments.iter().flat_map(|&a| [a as u32, (a >> 32) as u32]));
    let (mut at, mut acc) = (0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = filter[at].clone();
        at += 1;
        let jump = |is_true: bool| usize::from(if is_true { jt } else { jf });
        match code {
            0x20 => acc = data[k as usize / 4],
            0x54 => acc &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(acc == k),
            0x25 => at += jump(acc > k),
            0x35 => at += jump(acc >= k),
            0x06 => return k,
            other => panic!("no such instruction in our filters: {other:#x}"),
        }
    }
}

/// The filters of a sandbox.
struct Both([BpfProgram; 2]);

impl Both {
    fn new() -> Both {
        Both([for_process(waiting().unwrap(), 4242), last().unwrap()])
    }

    /// What they answer together: the kernel takes the stricter one of two answers.
    fn run(&self, call: c_long, arguments: [u64; 6]) -> u32 {
        let answers = self.0.each_ref().map(|filter| run(filter, call, arguments));
        assert!(answers.iter().all(|answer| [REFUSED, libc::SECCOMP_RET_ALLOW].contains(answer)));
        if answers.contains(&REFUSED) { REFUSED } else { libc::SECCOMP_RET_ALLOW }
    }
}

const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;

/// Every call there could be, without arguments: those and only those listed are allowed.
#[test]
fn what_is_not_listed_is_refused() {
    let filters = Both::new();
    let conditional = [
        libc::SYS_tgkill,
        libc::SYS_fcntl,
        libc::SYS_prlimit64,
        libc::SYS_sendto,
        libc::SYS_recvfrom,
        libc::SYS_mmap,
        libc::SYS_mprotect,
    ];
    for call in (0..1024).filter(|call| !conditional.contains(call)) {
        let expected = if PLAIN.contains(&call) { libc::SECCOMP_RET_ALLOW } else { REFUSED };
        assert_eq!(filters.run(call, [0; 6]), expected, "{call}");
        // The calls of the other word size have other numbers.
        assert_eq!(filters.run(call | 0x4000_0000, [0; 6]), REFUSED, "{call}");
    }
}

#[test]
fn arguments_decide_where_they_matter() {
    let filters = Both::new();
    let check = |call, arguments, allowed| {
        let expected = if allowed { libc::SECCOMP_RET_ALLOW } else { REFUSED };
        assert_eq!(filters.run(call, arguments), expected, "{call} {arguments:?}");
    };
    check(libc::SYS_tgkill, [4242, 1, 9, 0, 0, 0], true);
    check(libc::SYS_tgkill, [1, 1, 9, 0, 0, 0], false);
    check(libc::SYS_prlimit64, [0, 7, 0, 1, 0, 0], true);
    check(libc::SYS_prlimit64, [0, 7, 1 << 40, 0, 0, 0], false);
    check(libc::SYS_prlimit64, [5, 7, 0, 1, 0, 0], false);
    check(libc::SYS_recvfrom, [3, 1, 1, 0, 0, 0], true);
    check(libc::SYS_recvfrom, [3, 1, 1, libc::MSG_PEEK as u64, 0, 0], false);
    check(libc::SYS_sendto, [3, 1, 1, 0, 0, 0], true);
    check(libc::SYS_sendto, [3, 1, 1, 0, 1 << 40, 16], false);
    let private = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    check(libc::SYS_mmap, [0, 4096, libc::PROT_READ as u64, private, 0, 0], true);
    check(libc::SYS_mmap, [0, 4096, libc::PROT_READ as u64, libc::MAP_SHARED as u64, 0, 0], false);
    check(libc::SYS_mprotect, [0, 4096, libc::PROT_EXEC as u64, 0, 0, 0], crate::CAPABILITIES.jit);
}

#[test]
fn the_filters_are_short() {
    let len = [waiting(), last()].map(|filter| filter.unwrap().len());
    assert!(len[0] < 200 && len[1] < 50, "{len:?} instructions");
}

/// A waiting fork takes its request and no more: what is beyond that is the zygote's alone.
#[test]
fn a_waiting_fork_can_do_nothing_that_its_zygote_cannot() {
    assert!(WAITING.iter().all(|call| ZYGOTE.contains(call)));
}

/// The last filter only ever takes away: what it allows must be allowed in the zygote, too.
#[test]
fn nothing_is_both_plain_and_for_the_zygote() {
    assert!(PLAIN.iter().all(|call| !ZYGOTE.contains(call)));
}
