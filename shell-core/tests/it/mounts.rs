//! Host directories beside the workspace.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use cowry_shell_core::{Event, Fate, Mount, MountMode, Outcome, Policy, Run};

use crate::Case;
use crate::place::{Place, changed, module, succeeded};

pub const CASES: &[Case] = &[
    ("a_mount_is_read_and_not_written", a_mount_is_read_and_not_written),
    ("writes_reach_the_host_after_the_commit", writes_reach_the_host_after_the_commit),
    ("no_set_id_bit_reaches_the_host", no_set_id_bit_reaches_the_host),
    ("holes_do_not_fill_the_host", holes_do_not_fill_the_host),
    ("a_failed_run_writes_nothing_to_the_host", a_failed_run_writes_nothing_to_the_host),
    ("a_dry_run_writes_nothing_to_the_host", a_dry_run_writes_nothing_to_the_host),
    ("rules_hold_for_mounts", rules_hold_for_mounts),
    ("a_host_file_changed_meanwhile_is_a_conflict", a_host_file_changed_meanwhile_is_a_conflict),
    ("no_link_leads_out_of_a_mount", no_link_leads_out_of_a_mount),
    ("a_finished_write_is_not_repeated", a_finished_write_is_not_repeated),
];

/// A mount of the folder `share`, with a file in it.
fn share(place: &Place, mode: MountMode) -> Policy {
    let source = place.host("share");
    std::fs::create_dir(&source).expect("a folder");
    std::fs::write(source.join("a.txt"), "host").expect("a file");
    let source = source.to_str().expect("UTF-8");
    let mount = Mount::new("/data", source, mode, Path::new("")).expect("well formed");
    Policy { mounts: vec![mount], ..Policy::default() }
}

fn host(place: &Place, name: &str) -> Option<String> {
    std::fs::read_to_string(place.host("share").join(name)).ok()
}

/// The names in the mounted folder.
fn names(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.host("share")).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn a_mount_is_read_and_not_written() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadOnly);
    let code = "let code = 'none'; try { fs.writeFileSync('/data/b', '1') } catch (error) { code = error.code } \
                export default [fs.readFileSync('/data/a.txt', 'utf8'), code];";
    let report = place.run_with(policy, code);
    succeeded(&report);
    assert_eq!(report.value.expect("a result").json.as_deref(), Some("[\"host\",\"EROFS\"]"));
}

const WRITE: &str = "fs.writeFileSync('/data/a.txt', 'changed'); fs.mkdirSync('/data/new/deep', {recursive: true}); \
                     fs.writeFileSync('/data/new/deep/b', 'made'); fs.symlinkSync('deep/b', '/data/new/link'); \
                     fs.writeFileSync('/c', 'workspace');";

fn writes_reach_the_host_after_the_commit() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    std::fs::write(place.host("share/gone"), "x").expect("a file");
    let code =
        format!("{WRITE} fs.unlinkSync('/data/gone'); fs.renameSync('/data/new/deep', '/data/new/moved');");
    let report = place.run_with(policy, &code);
    succeeded(&report);
    assert_eq!(host(&place, "a.txt").as_deref(), Some("changed"));
    assert_eq!(host(&place, "new/moved/b").as_deref(), Some("made"));
    let link = std::fs::read_link(place.host("share/new/link")).expect("a link");
    assert_eq!(link, Path::new("deep/b"));
    assert_eq!(names(&place), ["a.txt", "new"], "nothing staged is left");
    assert_eq!(place.read("/c"), "workspace");
    assert!(changed(&report.diff).contains(&"M /data/a.txt".to_owned()), "{:?}", changed(&report.diff));
}

fn no_set_id_bit_reaches_the_host() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    let own = place.host("share/own");
    std::fs::create_dir(&own).expect("a folder");
    std::fs::set_permissions(&own, PermissionsExt::from_mode(0o2755)).expect("a mode");
    let code = "fs.writeFileSync('/data/tool', '1'); fs.chmodSync('/data/tool', 0o6777); \
                fs.chmodSync('/data/a.txt', 0o4755); fs.mkdirSync('/data/dir'); fs.chmodSync('/data/dir', 0o7777); \
                fs.writeFileSync('/data/own/b', '2');";
    succeeded(&place.run_with(policy, code));
    let mode = |name: &str| {
        std::fs::metadata(place.host("share").join(name)).expect(name).permissions().mode() & 0o7777
    };
    assert_eq!((mode("tool"), mode("a.txt"), mode("dir")), (0o777, 0o755, 0o1777));
    assert_eq!(mode("own"), 0o2755, "what the host's user gave a directory stays");
}

fn holes_do_not_fill_the_host() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    let code = "fs.writeFileSync('/data/big', 'x'); fs.truncateSync('/data/big', 2 ** 39); \
                fs.truncateSync('/data/a.txt', 2 ** 39);";
    succeeded(&place.run_with(policy, code));
    for name in ["big", "a.txt"] {
        let meta = std::fs::metadata(place.host("share").join(name)).expect(name);
        assert_eq!(meta.len(), 1 << 39);
        assert!(meta.blocks() * 512 < 16 << 20, "{name}: {} blocks", meta.blocks());
    }
}

fn a_failed_run_writes_nothing_to_the_host() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    let report = place.run_with(policy, &format!("{WRITE} throw new Error('stop');"));
    assert!(matches!(report.record.outcome, Outcome::Threw(_)));
    assert_eq!((host(&place, "a.txt").as_deref(), names(&place).len()), (Some("host"), 1));
}

fn a_dry_run_writes_nothing_to_the_host() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    let run = Run { policy, dry_run: true, ..module(WRITE) };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    assert!(changed(&report.diff).contains(&"A /data/new/deep/b".to_owned()));
    assert_eq!((host(&place, "a.txt").as_deref(), names(&place).len()), (Some("host"), 1));
}

fn rules_hold_for_mounts() {
    let place = Place::new();
    let mut policy = share(&place, MountMode::ReadWrite);
    policy.files.prepend([cowry_shell_core::Rule::discard("/data/new/**").expect("good")]);
    succeeded(&place.run_with(policy, WRITE));
    assert_eq!((host(&place, "a.txt").as_deref(), names(&place).len()), (Some("changed"), 1));
}

fn a_host_file_changed_meanwhile_is_a_conflict() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    // The file is read before anything else, so that the run saw it as it was.
    let code = format!("fs.readFileSync('/data/a.txt'); console.log('now'); {WRITE}");
    let path = place.host("share/a.txt");
    let run = Run { policy, ..module(&code) };
    let report = place.workspace.run(&run, &mut |event| {
        if let Event::Console { .. } = event {
            std::fs::write(&path, "somebody else's").expect("written");
        }
    });
    let report = report.expect("ran");
    assert_eq!(report.record.fate, Fate::Conflict);
    assert_eq!(report.record.conflicts[0].path, "/data/a.txt");
    assert_eq!(host(&place, "a.txt").as_deref(), Some("somebody else's"));
    assert!(!place.has("/c"), "nothing of a conflicting run is committed");
}

fn no_link_leads_out_of_a_mount() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    std::fs::write(place.host("secret"), "secret").expect("a file");
    std::os::unix::fs::symlink(place.host("secret"), place.host("share/out")).expect("a link");
    std::os::unix::fs::symlink("..", place.host("share/up")).expect("a link");
    let code = "const tried = ['/data/out', '/data/up/secret', '/data/../secret', '/data/up/share/a.txt']; \
                export default tried.map(path => { try { return fs.readFileSync(path, 'utf8') } \
                catch (error) { return error.code } });";
    let report = place.run_with(policy, code);
    succeeded(&report);
    let json = report.value.expect("a result").json.expect("JSON");
    assert_eq!(json, "[\"ENOENT\",\"ENOENT\",\"ENOENT\",\"ENOENT\"]");
}

fn a_finished_write_is_not_repeated() {
    let place = Place::new();
    let policy = share(&place, MountMode::ReadWrite);
    succeeded(&place.run_with(policy, "fs.writeFileSync('/data/b', '1')"));
    // The journal is gone with the steps, so that opening the workspace again changes nothing.
    std::fs::write(place.host("share/b"), "mine").expect("written");
    drop(place.again());
    assert_eq!(host(&place, "b").as_deref(), Some("mine"));
    assert_eq!(names(&place), ["a.txt", "b"]);
}
