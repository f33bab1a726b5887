//! pjdfstest, from crates.io: all its tests, as root, on a mounted workspace.
//!
//! It is built only if `COWRY_BUILD_JUDGES` is 1, into `target/judges`; what was built there before is used in any case.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use cowry_tests::mounted::{Mounted, assert_sound};

use crate::Case;

/// The version whose tests were looked at.
const VERSION: &str = "0.2.2";

/// Users that every Linux has, for the tests that need two of them.
const USERS: [(&str, &str); 2] = [("nobody", "65534"), ("daemon", "1")];

pub static CASES: &[Case] = &[
    Case { name: "pjdfstest::everything_but_remounting", lacks, run: everything },
    Case { name: "pjdfstest::on_a_filesystem_remounted_read_only", lacks, run: remounted },
];

fn lacks() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs to be root".into());
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if USERS.iter().any(|(name, _)| !users.lines().any(|line| line.starts_with(&format!("{name}:")))) {
        return Some("needs the users nobody and daemon".into());
    }
    program().as_ref().err().cloned()
}

/// Where the program is, or why it is not there.
fn program() -> &'static Result<PathBuf, String> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/judges");
        let program = root.join("bin/pjdfstest");
        match std::env::var("COWRY_BUILD_JUDGES") {
            _ if program.is_file() => Ok(program),
            Ok(wish) if wish == "1" => build(&root).map(|()| program),
            _ => Err("needs pjdfstest: COWRY_BUILD_JUDGES=1 builds it".into()),
        }
    })
}

fn build(root: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut install = Command::new(cargo);
    install.args(["install", "pjdfstest", "--version", VERSION, "--locked", "--quiet", "--root"]).arg(root);
    install.env("CARGO_TARGET_DIR", root.join("build")).stdin(Stdio::null());
    match install.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("needs pjdfstest, which could not be built: is crates.io within reach?".into()),
    }
}

/// The name of a group by its number.
fn group(number: &str) -> String {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut named = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = named.find(|fields| fields.get(2) == Some(&number));
    found.map_or_else(|| "nogroup".into(), |fields| fields[0].to_owned())
}

fn configuration(allow_remount: bool) -> String {
    let [one, other] = USERS.map(|(user, gid)| format!("[{user:?}, {:?}]", group(gid)));
    format!(
        "[features]\nposix_fallocate = {{}}\nrename_ctime = {{}}\nutime_now = {{}}\nutimensat = {{}}\n\
         [settings]\nnaptime = 0.01\nallow_remount = {allow_remount}\n\
         [dummy_auth]\nentries = [{one}, {other}]\n"
    )
}

/// Runs the tests whose names contain `pattern` and returns the lines of their outcomes.
fn outcomes(allow_remount: bool, pattern: &[&str]) -> Vec<String> {
    let (mounted, layer) = Mounted::new();
    let at = mounted.path().join("judged");
    fs::create_dir(&at).unwrap();
    fs::set_permissions(&at, Permissions::from_mode(0o777)).unwrap();
    let second = mounted.home().join("second");
    fs::create_dir(&second).unwrap();
    fs::set_permissions(&second, Permissions::from_mode(0o777)).unwrap();
    let settings = mounted.home().join("pjdfstest.toml");
    fs::write(&settings, configuration(allow_remount)).unwrap();

    let mut judge = Command::new(program().as_ref().expect("asked before"));
    judge.arg("-c").arg(&settings).arg("-p").arg(&at).arg("-s").arg(&second).args(pattern);
    let output = judge.current_dir("/").stdin(Stdio::null()).output().expect("it can be run");
    mounted.unmount().unwrap();
    assert_sound(&layer);
    let lines = told(&output);
    assert!(lines.iter().any(|line| line.starts_with("Summary: ")), "it did not get to its end: {lines:#?}");
    lines
}

fn told(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The names of the tests whose line ends in `outcome`.
fn with<'a>(lines: &'a [String], outcome: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_suffix(outcome)).map(str::trim).collect()
}

/// None may fail. Skipped may be those for which the filesystem has to be remounted, which the other case does, and
/// the one that asks the C library for the most links of a file, which has an answer for a few filesystems only.
fn everything() {
    let lines = outcomes(false, &[]);
    assert_eq!(with(&lines, "FAILED"), Vec::<&str>::new(), "{lines:#?}");
    let skipped = with(&lines, "skipped");
    let excused = |name: &&&str| name.contains("erofs") || **name == "link::link_count_max";
    assert_eq!(skipped.iter().filter(|name| !excused(name)).count(), 0, "{skipped:?}");
    assert!(with(&lines, " ok").len() >= 380, "{lines:#?}");
}

/// In a process of their own: others leave files open for writing, and then there is no remounting.
fn remounted() {
    let lines = outcomes(true, &["erofs"]);
    assert_eq!(with(&lines, "FAILED"), Vec::<&str>::new(), "{lines:#?}");
    assert!(with(&lines, " ok").len() >= 13, "{lines:#?}");
}
