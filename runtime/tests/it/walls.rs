//! System calls that code in a sandbox could try if it broke out of its engine: all refused.

#[cfg(cowry_probe)]
pub const CASES: &[crate::support::Case] = probe::CASES;

/// A release build has no operation to try them with.
#[cfg(not(cowry_probe))]
pub const CASES: &[crate::support::Case] = &[];

#[cfg(cowry_probe)]
mod probe {
    use cowry_runtime::{Job, Outcome};

    use crate::support::{Case, eval, plenty, run, sandbox};

    pub const CASES: &[Case] = &[
        ("walls::nothing_can_be_opened", || {
            refused(libc::SYS_openat, &format!("{}, '/etc/passwd', 0, 0", libc::AT_FDCWD));
            refused(libc::SYS_openat, &format!("{}, '/', {}, 0", libc::AT_FDCWD, libc::O_DIRECTORY));
            refused(libc::SYS_openat2, &format!("{}, '/etc/passwd', 0, 24", libc::AT_FDCWD));
            refused(libc::SYS_open_by_handle_at, "3, 'xxxxxxxxxxxxxxxx', 0");
            refused(libc::SYS_memfd_create, "'x', 0");
            #[cfg(target_arch = "x86_64")]
            refused(libc::SYS_open, "'/etc/passwd', 0, 0");
            #[cfg(target_arch = "x86_64")]
            refused(libc::SYS_creat, "'/tmp/x', 0");
        }),
        ("walls::proc_cannot_be_walked", || {
            for path in ["/proc", "/proc/self/maps", "/proc/1/environ", "/proc/self/mem", "/sys", "/dev"] {
                refused(libc::SYS_openat, &format!("{}, '{path}', 0, 0", libc::AT_FDCWD));
                refused(libc::SYS_newfstatat, &format!("{}, '{path}', 0, 0", libc::AT_FDCWD));
                refused(libc::SYS_readlinkat, &format!("{}, '{path}', 0, 0", libc::AT_FDCWD));
            }
            refused(libc::SYS_statx, &format!("{}, '/', 0, 0, 0", libc::AT_FDCWD));
            refused(libc::SYS_getdents64, "3, 0, 0");
            refused(libc::SYS_chdir, "'/'");
            refused(libc::SYS_getcwd, "0, 0");
            refused(libc::SYS_faccessat, &format!("{}, '/etc', 0", libc::AT_FDCWD));
        }),
        ("walls::nothing_can_be_changed_by_path", || {
            for call in [libc::SYS_unlinkat, libc::SYS_mkdirat, libc::SYS_mknodat, libc::SYS_fchmodat] {
                refused(call, &format!("{}, '/tmp/x', 0, 0", libc::AT_FDCWD));
            }
            refused(libc::SYS_renameat2, &format!("{0}, '/a', {0}, '/b', 0", libc::AT_FDCWD));
            refused(libc::SYS_linkat, &format!("{0}, '/a', {0}, '/b', 0", libc::AT_FDCWD));
            refused(libc::SYS_symlinkat, &format!("'/a', {}, '/b'", libc::AT_FDCWD));
            refused(libc::SYS_truncate, "'/tmp/x', 0");
        }),
        ("walls::there_is_no_network", || {
            for family in [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK, libc::AF_VSOCK] {
                refused(libc::SYS_socket, &format!("{family}, 1, 0"));
            }
            refused(libc::SYS_socketpair, "1, 1, 0, 0");
            refused(libc::SYS_connect, "3, 'xxxxxxxxxxxxxxxx', 16");
            refused(libc::SYS_bind, "3, 'xxxxxxxxxxxxxxxx', 16");
            refused(libc::SYS_listen, "3, 1");
            refused(libc::SYS_accept4, "3, 0, 0, 0");
            refused(libc::SYS_sendto, "3, 'x', 1, 0, 'xxxxxxxxxxxxxxxx', 16");
            refused(libc::SYS_sendto, &format!("3, 'x', 1, {}, 0, 0", libc::MSG_OOB));
            refused(libc::SYS_recvfrom, &format!("3, 'x', 1, {}, 0, 0", libc::MSG_PEEK));
            refused(libc::SYS_sendmsg, "3, 0, 0");
            refused(libc::SYS_recvmsg, "3, 0, 0");
        }),
        ("walls::nothing_can_be_executed_or_forked", || {
            refused(libc::SYS_execve, "'/bin/sh', 0, 0");
            refused(libc::SYS_execveat, &format!("{}, '/bin/sh', 0, 0, 0", libc::AT_FDCWD));
            refused(libc::SYS_clone, &format!("{}, 0, 0, 0, 0", libc::SIGCHLD));
            refused(
                libc::SYS_clone,
                &format!("{}, 0, 0, 0, 0", libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND),
            );
            refused(libc::SYS_clone3, "'x', 64");
            #[cfg(target_arch = "x86_64")]
            refused(libc::SYS_fork, "");
            #[cfg(target_arch = "x86_64")]
            refused(libc::SYS_vfork, "");
        }),
        ("walls::other_processes_are_out_of_reach", || {
            for process in ["1", "2", "-1", "0"] {
                refused(libc::SYS_kill, &format!("{process}, 9"));
                refused(libc::SYS_ptrace, &format!("16, {process}, 0, 0"));
                refused(libc::SYS_pidfd_open, &format!("{process}, 0"));
                refused(
                    libc::SYS_prlimit64,
                    &format!("{}, 7, 'xxxxxxxxxxxxxxxx', 0", if process == "0" { "1" } else { process }),
                );
                refused(libc::SYS_process_vm_readv, &format!("{process}, 0, 0, 0, 0, 0"));
                refused(libc::SYS_process_vm_writev, &format!("{process}, 0, 0, 0, 0, 0"));
            }
            refused(libc::SYS_tgkill, "1, 1, 9");
            refused(libc::SYS_tkill, "1, 9");
            refused(libc::SYS_rt_sigqueueinfo, "1, 9, 0");
            refused(libc::SYS_rt_tgsigqueueinfo, "1, 1, 9, 0");
            refused(libc::SYS_pidfd_send_signal, "3, 9, 0, 0");
            refused(libc::SYS_pidfd_getfd, "3, 0, 0");
            refused(libc::SYS_process_madvise, "3, 0, 0, 0, 0");
        }),
        ("walls::the_kernel_offers_nothing_else", || {
            refused(libc::SYS_mount, "'x', '/', 'tmpfs', 0, 0");
            refused(libc::SYS_umount2, "'/', 0");
            refused(libc::SYS_pivot_root, "'/', '/'");
            refused(libc::SYS_chroot, "'/'");
            refused(libc::SYS_setns, "3, 0");
            refused(libc::SYS_unshare, &libc::CLONE_NEWUSER.to_string());
            refused(libc::SYS_io_uring_setup, "1, 0");
            refused(libc::SYS_io_uring_enter, "3, 0, 0, 0, 0");
            refused(libc::SYS_bpf, "0, 0, 0");
            refused(libc::SYS_perf_event_open, "0, 0, -1, -1, 0");
            refused(libc::SYS_keyctl, "0, 0, 0");
            refused(libc::SYS_add_key, "'user', 'x', 'y', 1, -4");
            refused(libc::SYS_userfaultfd, "0");
            refused(libc::SYS_seccomp, "0, 0, 0");
            refused(libc::SYS_prctl, "22, 0, 0, 0, 0");
            refused(libc::SYS_ioctl, "3, 0x5412, 'x'".replace("0x5412", "21522").as_str());
            refused(libc::SYS_init_module, "'x', 1, 'x'");
            refused(libc::SYS_reboot, "0, 0, 0, 0");
            refused(libc::SYS_setuid, "0");
            refused(libc::SYS_capset, "0, 0");
            refused(libc::SYS_personality, "0");
            refused(libc::SYS_shmget, "0, 4096, 0");
            refused(libc::SYS_mq_open, "'/x', 0, 0, 0");
            refused(libc::SYS_inotify_init1, "0");
            refused(libc::SYS_fanotify_init, "0, 0");
            refused(libc::SYS_fcntl, "3, 0, 0");
            refused(libc::SYS_dup, "3");
        }),
        ("walls::memory_cannot_be_made_executable", executable),
        ("walls::no_memory_and_no_time_past_the_limits", || {
            let rw = libc::PROT_READ | libc::PROT_WRITE;
            for kind in [libc::MAP_SHARED, libc::MAP_SHARED_VALIDATE, libc::MAP_PRIVATE | libc::MAP_GROWSDOWN]
            {
                refused(libc::SYS_mmap, &format!("0, 4096, {rw}, {}, -1, 0", kind | libc::MAP_ANONYMOUS));
            }
            for limit in [libc::RLIMIT_CPU, libc::RLIMIT_DATA, libc::RLIMIT_NOFILE] {
                refused(libc::SYS_prlimit64, &format!("0, {limit}, 'xxxxxxxxxxxxxxxx', 0"));
            }
        }),
        ("walls::only_the_sandbox_itself_can_be_ended", own_end),
        ("walls::a_forged_frame_ends_the_sandbox", forged),
        ("walls::a_neighbour_finishes_meanwhile", neighbour),
        ("walls::only_its_own_descriptors_are_open", descriptors),
    ];

    /// Tries a system call in a sandbox of its own, and wants `EPERM`.
    fn refused(call: libc::c_long, arguments: &str) {
        let done = eval(&format!("syscall({call}, {arguments})"));
        assert_eq!(done.json(), format!("-{}", libc::EPERM), "system call {call}({arguments})");
    }

    fn executable() {
        if cowry_runtime::CAPABILITIES.jit {
            return;
        }
        let (rwx, flags) =
            (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        refused(libc::SYS_mmap, &format!("0, 4096, {rwx}, {flags}, -1, 0"));
        refused(libc::SYS_mprotect, &format!("0, 4096, {rwx}"));
        refused(libc::SYS_pkey_mprotect, &format!("0, 4096, {rwx}, 0"));
    }

    fn own_end() {
        let code = format!(
            "syscall({}, syscall({}), syscall({1}), {})",
            libc::SYS_tgkill,
            libc::SYS_getpid,
            libc::SIGABRT
        );
        let done = eval(&code);
        assert!(
            matches!(done.outcome(), Outcome::Crashed { signal: Some(libc::SIGABRT), .. }),
            "{:?}",
            done.outcome()
        );
    }

    /// Writes bytes to whatever descriptors the sandbox has, its sockets among them.
    fn forge(bytes: &str) -> Outcome {
        let code = format!(
            "for (let fd = 3; fd < 20; fd++) syscall({}, fd, '{bytes}', {}); 1",
            libc::SYS_write,
            bytes.len()
        );
        eval(&code).outcome().clone()
    }

    fn forged() {
        for bytes in ["AAAAAAAAAAAAAAAA", "\\u0001\\u0000", "\\u0004\\u0000\\u0000\\u0000xxxxxxxx"] {
            let outcome = forge(bytes);
            assert!(matches!(outcome, Outcome::Crashed { .. }), "{bytes:?}: {outcome:?}");
        }
    }

    fn neighbour() {
        std::thread::scope(|scope| {
            scope.spawn(|| forge("AAAAAAAAAAAAAAAA"));
            for n in 0..10 {
                assert_eq!(eval(&format!("{n}")).json(), n.to_string());
            }
        });
    }

    fn descriptors() {
        let code = format!(
            "const open = []; for (let fd = 0; fd < 300; fd++) if (syscall({}, fd, {}, 0) >= 0) open.push(fd); open.length",
            libc::SYS_fcntl,
            libc::F_GETFD
        );
        let mut sandbox = sandbox(plenty());
        let done = run(&mut sandbox, &Job::expression(code));
        // The standard streams, two sockets, the spill file, and what an event loop needs.
        let open: usize = done.json().parse().expect("a number");
        assert!((6..=10).contains(&open), "{open} descriptors");
    }
}
