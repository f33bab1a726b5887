//! `cowry unmount`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use cowry_shell_core::{OpenWorkspace, Workspace, kernel};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  cowry unmount /mnt/site
  cowry unmount --lazy /mnt/site                     although a program is still in there";

/// How long to wait for the server to have committed everything, in seconds.
const PATIENCE: i64 = 120;

/// Take a mount away; what was written through it becomes a revision
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct UnmountArgs {
    /// Where it is mounted
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: PathBuf,
    /// Even while it is in use; who is in there may finish
    #[arg(long)]
    lazy: bool,
}

/// Unmounts and waits until the server is done.
pub fn run(context: &mut Context, args: &UnmountArgs) -> Outcome {
    let shown = args.dir.display();
    let Some(source) = kernel::mounted_at(&args.dir) else {
        return Err(Failure::new(format!(
            "no workspace is mounted on {shown}: `grep cowry /proc/mounts` lists them"
        )));
    };
    let server = match kernel::server_of(&args.dir) {
        Err(error) if error.kind() == ErrorKind::NotConnected => return dead(context, args, &source),
        // Whoever it is cannot be waited for.
        server => server.ok().flatten(),
    };
    let seals = !args.lazy && server.is_some() && is_writable(&args.dir);
    take_away(args, args.lazy)?;
    if !args.lazy && !server.is_none_or(ended) {
        let line = format!("{shown} is unmounted; its server is still writing to {source}");
        return Err(Failure::new(line));
    }
    if seals {
        look_after(args, &source)?;
    }
    context.out.note(&format!("unmounted {source} from {shown}"));
    told(context, args, &source, false)
}

/// Whether anything can have been written through it.
fn is_writable(dir: &Path) -> bool {
    statvfs(dir).is_ok_and(|found| !found.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Makes sure that what was written is a revision. The server, which was to make it one, has nobody to tell that it could
/// not, as when the bucket of the content did not answer.
fn look_after(args: &UnmountArgs, source: &str) -> Outcome<()> {
    // A name that the table of mounts cannot tell, or that another process gave in its own words.
    if !Path::new(source).is_absolute() || source.contains(char::REPLACEMENT_CHARACTER) {
        return Ok(());
    }
    let shown = args.dir.display();
    let look = OpenWorkspace { read_only: true, ..OpenWorkspace::default() };
    match Workspace::open(source, &look).and_then(|workspace| workspace.has_unsealed_changes()) {
        Ok(false) => return Ok(()),
        Ok(true) => {}
        Err(error) => {
            let why = Failure::from(error);
            let line =
                format!("{shown} is unmounted, but whether all of it became a revision is not known: {why}");
            return Err(Failure::new(line));
        }
    }
    let sealed =
        Workspace::open(source, &OpenWorkspace::default()).and_then(|workspace| workspace.seal(None));
    sealed.map(drop).map_err(|error| {
        let why = Failure::from(error);
        Failure::new(format!(
            "{shown} is unmounted, but what was written through it is not a revision yet: {why}; nothing is lost: once \
             that is put right, the next `cowry run` makes it one"
        ))
    })
}

/// A mount that nothing serves any more.
fn dead(context: &mut Context, args: &UnmountArgs, source: &str) -> Outcome {
    take_away(args, true)?;
    let shown = args.dir.display();
    context.out.note(&format!(
        "unmounted {source} from {shown}; its server had died, so what it wrote last may be lost"
    ));
    told(context, args, source, true)
}

fn told(context: &mut Context, args: &UnmountArgs, source: &str, died: bool) -> Outcome {
    if context.out.json {
        let dir = args.dir.display().to_string();
        context.out.object(&json!({ "dir": dir, "workspace": source, "serverDied": died }))?;
    }
    Ok(0)
}

fn take_away(args: &UnmountArgs, lazily: bool) -> Outcome<()> {
    kernel::unmount(&args.dir, lazily).map_err(|error| busy_or_not(&args.dir, &error))
}

fn busy_or_not(dir: &Path, error: &std::io::Error) -> Failure {
    let dir = dir.display();
    Failure::new(match error.kind() {
        ErrorKind::ResourceBusy => format!("{dir} is in use: leave it and close its files, or add --lazy"),
        ErrorKind::PermissionDenied => {
            format!("unmounting {dir} is not permitted: be who mounted it, or root")
        }
        _ => format!("cannot unmount {dir}: {error}"),
    })
}

/// Waits until a process has ended. One that is not there has.
fn ended(process: u32) -> bool {
    let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return true };
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return true };
    let patience = Timespec { tv_sec: PATIENCE, tv_nsec: 0 };
    let mut ready = [PollFd::new(&handle, PollFlags::IN)];
    poll(&mut ready, Some(&patience)).is_ok_and(|count| count > 0)
}
