//! Mistakes of a caller, each refused with a reason and before any sandbox is made.

use cowry_shell_core::{Error, ErrorKind, Mount, MountMode, OpenWorkspace, Policy, Run, Workspace};

use crate::Case;
use crate::place::{Place, module};

pub const CASES: &[Case] = &[
    ("bad_input_is_refused", bad_input_is_refused),
    ("a_missing_program_is_named", a_missing_program_is_named),
    ("a_missing_mount_is_named", a_missing_mount_is_named),
    ("a_mount_needs_a_place", a_mount_needs_a_place),
    ("a_read_only_workspace_takes_dry_runs_only", a_read_only_workspace_takes_dry_runs_only),
    ("files_that_are_no_workspace", files_that_are_no_workspace),
];

fn refused(place: &Place, run: &Run, says: &str) {
    let error = place.workspace.run(run, &mut |event| drop(event)).expect_err(says);
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert!(place.workspace.runs(1).expect("runs").is_empty());
}

fn bad_input_is_refused() {
    let place = Place::new();
    let run = Run { input: Some("{n: 1}".into()), ..module("") };
    refused(&place, &run, "the input is no JSON");
}

fn a_missing_program_is_named() {
    let place = Place::new();
    refused(&place, &Run::host_file(place.host("nothing.ts")), "nothing.ts");
    refused(&place, &Run::host_file(place.folder.path()), "is a directory");
    let path = cowry_shell_core::VPathBuf::parse("/nothing.ts").expect("a path");
    refused(&place, &Run::new(cowry_shell_core::Program::File(path)), "'/nothing.ts'");
}

fn a_missing_mount_is_named() {
    let place = Place::new();
    let source = place.host("nowhere");
    let mount =
        Mount::new("/data", source.to_str().expect("UTF-8"), MountMode::ReadOnly, std::path::Path::new(""))
            .expect("well formed");
    let twice = Policy { mounts: vec![mount.clone(), mount.clone()], ..Policy::default() };
    let once = Policy { mounts: vec![mount], ..Policy::default() };
    refused(&place, &Run { policy: once, ..module("") }, "nowhere");
    std::fs::create_dir(source).expect("a folder");
    refused(&place, &Run { policy: twice, ..module("") }, "mounted twice");
}

fn a_mount_needs_a_place() {
    let place = Place::new();
    place.write("/file", "1");
    let source = place.folder.path().to_str().expect("UTF-8").to_owned();
    let at = |at: &str| {
        let mount =
            Mount::new(at, &source, MountMode::ReadOnly, std::path::Path::new("")).expect("well formed");
        Run { policy: Policy { mounts: vec![mount], ..Policy::default() }, ..module("") }
    };
    refused(&place, &at("/file"), "no directory");
    refused(&place, &at("/file/data"), "no directory");
    // Missing directories above it come with it.
    let run =
        Run { policy: at("/missing/data").policy, ..module("export default fs.readdirSync('/missing')") };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    assert_eq!(report.value.expect("a result").json.as_deref(), Some("[\"data\"]"));
    assert!(!place.has("/missing"));
}

fn a_read_only_workspace_takes_dry_runs_only() {
    let place = Place::new();
    let how =
        OpenWorkspace { read_only: true, runtime: Some(crate::place::runtime()), ..OpenWorkspace::default() };
    let reader = Workspace::open(place.host("w.cowry"), &how).expect("opened");
    let run = module("fs.writeFileSync('/a', '1')");
    let error = reader.run(&run, &mut |event| drop(event)).expect_err("refused");
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let report = reader.run(&Run { dry_run: true, ..run }, &mut |event| drop(event)).expect("ran");
    assert_eq!(report.diff.changes.len(), 1);
    assert!(reader.seal(None).is_err());
}

fn files_that_are_no_workspace() {
    let place = Place::new();
    let open = |name: &str| Workspace::open(place.host(name), &OpenWorkspace::default()).expect_err(name);
    assert!(matches!(open("missing"), Error::NoWorkspace { .. }));
    std::fs::write(place.host("text"), "no workspace, but long enough to be looked at ".repeat(100))
        .expect("written");
    assert!(matches!(open("text"), Error::NotAWorkspace { .. }));
    std::fs::create_dir(place.host("folder")).expect("a folder");
    assert_eq!(open("folder").kind(), ErrorKind::Workspace);
}
