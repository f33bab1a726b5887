//! What is meant to differ from the kernel, each with its reason.

use cowry_vfs::{Allocate, Errno, FileType, Follow, SetTime};

use super::op::{Op, Step, Who};
use super::subject::{Answer, Said, Subject};

/// Something that is meant to differ.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// What it is, as an identifier.
    pub name: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Where it shows.
    pub rule: Rule,
}

/// Where an exception shows.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Before the operation is done: it is left out on both sides.
    Before(fn(&Step, &mut dyn Subject) -> bool),
    /// The kernel has refused, by a policy of the machine: it is left out on the other side.
    Refused(fn(&Step, Errno) -> bool),
    /// Both have refused, and say it differently.
    Both(fn(&Step, Errno, Errno) -> bool),
    /// It is in what is compared, for everyone.
    Always,
}

/// All of them.
pub static EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "chown_that_changes_nothing",
        reason: "on a file with set-id bits it takes them off, and others may not; FUSE lets others do nothing",
        rule: Rule::Refused(|step, errno| {
            let nothing = matches!(
                step.op,
                Op::Chown { uid: None, gid: None, .. } | Op::Fchown { uid: None, gid: None, .. }
            );
            nothing && errno == Errno::EPERM
        }),
    },
    Exception {
        name: "special_files_are_not_opened",
        reason: "FIFOs, sockets and devices can exist and not be opened: there is nothing behind them",
        rule: Rule::Before(opens_special),
    },
    Exception {
        name: "protected_hardlinks",
        reason: "sysctl fs.protected_hardlinks is a policy of the machine, not of a filesystem",
        rule: Rule::Refused(|step, errno| {
            matches!(step.op, Op::Link { .. }) && step.who != Who::Root && errno == Errno::EPERM
        }),
    },
    Exception {
        name: "times_with_nothing_to_set",
        reason: "Linux does not even look at the path; here a path that leads nowhere is told",
        rule: Rule::Before(|step, _| {
            matches!(&step.op, Op::Utimes { atime: SetTime::Keep, mtime: SetTime::Keep, .. })
        }),
    },
    Exception {
        name: "times_of_space_reserved",
        reason: "to reserve space within a file changes nothing here, so that no time moves and no set-id bit falls",
        rule: Rule::Before(reserves_within),
    },
    Exception {
        name: "size_of_directories",
        reason: "every filesystem counts it in its own way; here it is 0",
        rule: Rule::Always,
    },
    Exception {
        name: "times_of_the_clock",
        reason: "two clocks: times are compared where they were set, and as to whether they moved since",
        rule: Rule::Always,
    },
    Exception {
        name: "times_of_access_and_change",
        reason: "atime follows how a filesystem is mounted, ctime cannot be set: the conformance cases have them",
        rule: Rule::Always,
    },
    Exception {
        name: "other_namespaces_of_attributes",
        reason: "only user.* is kept; the kernel may list security.* and system.*",
        rule: Rule::Always,
    },
];

/// The reason to leave an operation out on both sides.
pub fn before(step: &Step, oracle: &mut dyn Subject) -> Option<&'static Exception> {
    EXCEPTIONS.iter().find(|exception| match exception.rule {
        Rule::Before(applies) => applies(step, oracle),
        _ => false,
    })
}

/// The reason to leave out what the oracle has refused.
pub fn refused(step: &Step, errno: Errno) -> Option<&'static Exception> {
    EXCEPTIONS.iter().find(|exception| match exception.rule {
        Rule::Refused(applies) => applies(step, errno),
        _ => false,
    })
}

/// The reason why two errors may differ.
pub fn both(step: &Step, expected: Errno, found: Errno) -> Option<&'static Exception> {
    EXCEPTIONS.iter().find(|exception| match exception.rule {
        Rule::Both(applies) => applies(step, expected, found),
        _ => false,
    })
}

fn reserves_within(step: &Step, oracle: &mut dyn Subject) -> bool {
    let Op::Fallocate { slot, how, offset, len } = step.op else { return false };
    let look = Step { who: Who::Root, op: Op::Fstat { slot } };
    let Ok(Said::Facts(facts)) = oracle.run(&look) else { return false };
    match how {
        Allocate::KeepSize => true,
        Allocate::Reserve => offset + len <= facts.size,
        _ => false,
    }
}

fn opens_special(step: &Step, oracle: &mut dyn Subject) -> bool {
    let path = match &step.op {
        Op::Open { path, .. } | Op::Put { path, .. } | Op::Get { path } => path.trim_end_matches('/'),
        _ => return false,
    };
    let look = Op::Stat { path: path.to_owned(), follow: Follow::Yes };
    let there: Answer = oracle.run(&Step { who: Who::Root, op: look });
    let Ok(Said::Facts(facts)) = there else { return false };
    !matches!(facts.kind, FileType::Regular | FileType::Directory)
}
