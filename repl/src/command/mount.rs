//! `cowry mount`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::{Args, ValueHint};
use cowry_shell_core::kernel::{KernelMount, KernelMountOptions};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::context::Context;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry mount /mnt/site                work on it with any program
  cowry -w site.cowry mount /mnt/then --rev latest~3 look at a revision
  cowry unmount /mnt/site                            what was written becomes a revision";

/// What the process in the background says once the mount is there.
const READY: &str = "ready";

/// Mount the workspace on an empty directory, for any program of this machine
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MountArgs {
    /// Where to mount it
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: PathBuf,
    /// Show this revision, read-only
    #[arg(long, value_name = "REV")]
    rev: Option<String>,
    /// Refuse every change
    #[arg(long)]
    ro: bool,
    /// Stay until it is unmounted, instead of serving it from the background
    #[arg(long)]
    foreground: bool,
    /// Be the process in the background
    #[arg(long, hide = true, conflicts_with = "foreground")]
    detached: bool,
}

/// Mounts and, in the foreground, serves.
pub fn run(context: &mut Context, args: &MountArgs) -> Outcome {
    if args.detached {
        return Ok(detached(context, args));
    }
    if !args.foreground {
        return start(context, args);
    }
    let served = serve(context, args, |context, mount| {
        context.out.note(&format!("mounted on {}; Ctrl-C or `cowry unmount` ends it", mount.dir().display()));
    })?;
    if let Some(revision) = served {
        context.out.note(&format!("committed revision {revision}"));
    }
    if context.out.json {
        context.out.object(&json!({ "dir": args.dir.display().to_string(), "revision": served }))?;
    }
    Ok(0)
}

/// Starts the process in the background and waits until the mount is there.
fn start(context: &mut Context, args: &MountArgs) -> Outcome {
    // Fails here with the usual words where there is no workspace.
    drop(context.workspace_to_read()?);
    let file = context.workspace_file().expect("just opened").to_owned();
    let mut server = Command::new(std::env::current_exe()?)
        .arg("-w")
        .arg(std::path::absolute(&file)?)
        .args(["mount", "--detached"])
        .args(args.ro.then_some("--ro"))
        .args(args.rev.iter().flat_map(|rev| ["--rev", rev.as_str()]))
        .arg("--")
        .arg(std::path::absolute(&args.dir)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut line)?;
    if line.trim_end() != READY {
        let status = server.wait()?;
        let silent =
            format!("the server of the mount ended before it was there ({status}): try --foreground");
        return Err(Failure::new(if line.is_empty() { &silent } else { line.trim_end() }));
    }
    let dir = args.dir.display().to_string();
    context.out.note(&format!("mounted {} on {dir}; `cowry unmount {dir}` ends it", file.display()));
    if context.out.json {
        context.out.object(&json!({ "dir": dir, "pid": server.id() }))?;
    }
    Ok(0)
}

/// The process in the background: tells its starter on standard output how it went, who then stops listening.
fn detached(context: &mut Context, args: &MountArgs) -> u8 {
    // Not to be ended with the terminal, nor to keep a directory from being removed.
    let _ = rustix::process::setsid();
    let _ = std::env::set_current_dir("/");
    let told = serve(context, args, |context, _| {
        let _ = context.out.text(READY);
    });
    match told {
        Ok(_) => 0,
        Err(failure) => {
            let _ = context.out.text(&failure.to_string());
            crate::status::COWRY
        }
    }
}

/// What ends a mount.
enum End {
    Unmounted,
    Signal,
}

/// Mounts, and serves until the mount or this process is told to end. Returns the revision that came of it.
fn serve(
    context: &mut Context,
    args: &MountArgs,
    ready: impl FnOnce(&mut Context, &KernelMount),
) -> Outcome<Option<u64>> {
    let (ends, end) = mpsc::channel();
    // Before the mount is there, so that nothing can end this process and leave it behind.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let mount = Arc::new(mount(context, args)?);
    ready(context, &mount);
    let signalled = ends.clone();
    std::thread::spawn(move || signals.forever().try_for_each(|_| signalled.send(End::Signal)));
    let waiting = mount.clone();
    std::thread::spawn(move || {
        waiting.wait();
        let _ = ends.send(End::Unmounted);
    });
    if let End::Signal = wait(context, &mount, &end)
        && !mount.unmount()?
    {
        context.out.note(&format!("{} was in use: who is in there can go no further", mount.dir().display()));
    }
    Ok(mount.finish()?.map(|revision| revision.id.0))
}

/// How often to look whether the workspace is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Waits for the end, and says so, once, if the workspace is moved away from under the mount.
fn wait(context: &mut Context, mount: &KernelMount, end: &mpsc::Receiver<End>) -> End {
    let mut is_in_place = true;
    loop {
        match end.recv_timeout(LOOK) {
            Ok(end) => return end,
            Err(mpsc::RecvTimeoutError::Disconnected) => return End::Unmounted,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let was_in_place = std::mem::replace(&mut is_in_place, mount.is_in_place());
        if was_in_place && !is_in_place {
            let file = context.workspace_file().unwrap_or(Path::new("the workspace")).display();
            let line = format!(
                "cowry: {file} was moved or removed: put it back, until then every change on {} fails",
                mount.dir().display()
            );
            context.out.say(&line);
        }
    }
}

fn mount(context: &Context, args: &MountArgs) -> Outcome<KernelMount> {
    let read_only = args.ro || args.rev.is_some();
    let workspace = if read_only { context.workspace_to_read()? } else { context.workspace_to_write()? };
    let revision = args.rev.as_deref().map(|text| workspace.resolve(text)).transpose()?;
    let options = KernelMountOptions { revision, read_only, ends_with_it: true };
    Ok(workspace.mount_on(&args.dir, &options)?)
}
