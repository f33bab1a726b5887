//! Archives: everything there and back, other people's programs on both ends, and those that lie.

use std::path::Path;
use std::process::Command;

use cowry_shell_core::transfer::{Progress, Totals, export_folder, export_tar, import_folder, import_tar};
use cowry_shell_core::{FileType, OpenOptions, Stat, Timestamp, Vfs};
use cowry_vfs::{HostLayer, HostOptions, Layer, SetTime, XattrMode};

use crate::Case;
use crate::place::Place;

pub const CASES: &[Case] = &[
    ("everything_goes_there_and_back", everything_goes_there_and_back),
    ("everything_comes_from_a_folder", everything_comes_from_a_folder),
    ("gnu_tar_reads_what_is_written", gnu_tar_reads_what_is_written),
    ("gnu_tar_is_read", gnu_tar_is_read),
    ("bsdtar_reads_what_is_written", bsdtar_reads_what_is_written),
    ("bsdtar_is_read", bsdtar_is_read),
    ("names_that_come_twice_are_replaced", names_that_come_twice_are_replaced),
    ("lies_of_headers_are_damage", lies_of_headers_are_damage),
    ("names_in_pax_headers_stay_inside", names_in_pax_headers_stay_inside),
];

/// The program that a case needs and this machine lacks.
pub fn lacking(case: &str) -> Option<&'static str> {
    let needs = |start, program| (case.starts_with(start) && !is_there(program)).then_some(program);
    needs("gnu_tar", "tar").or_else(|| needs("bsdtar", "bsdtar"))
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn quiet(_: Progress) {}

fn time(n: i64) -> SetTime {
    SetTime::At(Timestamp(1_600_000_000_123_456_789 + n))
}

fn long() -> String {
    format!("{}/{}", "d".repeat(200), "né".repeat(80))
}

/// Every kind of thing that an archive can hold, below `/in`.
fn everything(vfs: &Vfs) {
    vfs.mkdir_all(&format!("/in/{}", &long()[..200]), 0o755).expect("new");
    vfs.mkdir("/in/dir", 0o755).expect("new");
    for (n, name) in ["plain", "empty", "dir/tool", &long()].into_iter().enumerate() {
        let path = format!("/in/{name}");
        vfs.write(&path, if n == 1 { b"" } else { b"content" }).expect("new");
        vfs.chown(&path, Some(1234), Some(3_000_000)).expect("anyone may");
        vfs.utimes(&path, time(0), time(n as i64)).expect("anyone may");
    }
    vfs.chmod("/in/dir/tool", 0o4755).expect("anyone may");
    // In whole seconds: bsdtar is wrong about fractions before 1970.
    vfs.utimes("/in/empty", time(0), SetTime::At(Timestamp(-2_000_000_000))).expect("anyone may");
    vfs.setxattr("/in/plain", "user.lines", b"a\nb\0c=\xff\n", XattrMode::Any).expect("new");
    vfs.setxattr("/in/dir", "user.of", b"a directory", XattrMode::Any).expect("new");
    vfs.link("/in/plain", "/in/same").expect("new");
    vfs.symlink(&format!("../{}", "t".repeat(150)), "/in/dangling").expect("new");
    vfs.mknod("/in/fifo", FileType::Fifo, 0o640, 0).expect("new");
    let file = vfs.open("/in/sparse", OpenOptions::write()).expect("new");
    for at in [0, 1 << 20, 5 << 20] {
        file.write_at(&[at.to_string().as_bytes(), &[b'.'; 5000]].concat(), at).expect("written");
    }
    file.truncate(8 << 20).expect("grown");
    vfs.chmod("/in/dir", 0o2750).expect("anyone may");
    vfs.utimes("/in/dir", time(0), time(9)).expect("anyone may");
}

/// What one path is, beside numbers and times that are not kept.
fn shape(vfs: &Vfs, root: &str) -> Vec<(String, String)> {
    let walk = vfs.walk_tree(root).expect("there");
    walk.skip(1)
        .map(|entry| {
            let path = entry.expect("readable").path.to_string();
            (path[root.len()..].to_owned(), one(vfs, &path))
        })
        .collect()
}

fn one(vfs: &Vfs, path: &str) -> String {
    let Stat { kind, mode, nlink, uid, gid, size, mtime, blocks, .. } = vfs.lstat(path).expect("listed");
    let content = match kind {
        FileType::Regular => format!("{:?}", &vfs.read(path).expect("a file")[..size.min(20) as usize]),
        FileType::Symlink => vfs.readlink(path).expect("a link"),
        _ => String::new(),
    };
    let xattrs = match kind {
        FileType::Regular | FileType::Directory => vfs.listxattr(path).expect("listed"),
        _ => Vec::new(),
    };
    let values: Vec<_> = xattrs.iter().map(|name| vfs.getxattr(path, name).expect("listed")).collect();
    let hollow = size > 1 << 20 && blocks * 512 < 1 << 20;
    format!("{kind:?} {mode:o} {nlink} {uid}:{gid} {size} {mtime:?} {hollow} {content} {xattrs:?} {values:?}")
}

fn same(vfs: &Vfs, a: &str, b: &str) {
    let (expected, found) = (shape(vfs, a), shape(vfs, b));
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected.len(), found.len());
    assert!(vfs.same_file(&format!("{b}/plain"), &format!("{b}/same")).expect("there"));
    assert!(
        vfs.read(&format!("{a}/sparse")).expect("read") == vfs.read(&format!("{b}/sparse")).expect("read")
    );
}

fn packed(vfs: &Vfs) -> Vec<u8> {
    let mut archive = Vec::new();
    let totals = export_tar(vfs, "/in", &mut archive, &mut quiet).expect("packed");
    assert_eq!((totals.files, totals.skipped_count), (5, 0), "{:?}", totals.skipped);
    assert!(archive.len() < 1 << 20, "{} bytes", archive.len());
    archive
}

fn unpacked(place: &Place, archive: &[u8], into: &str) -> Totals {
    import_tar(&mut &archive[..], &place.workspace.fs(), into, &mut quiet).expect("unpacked")
}

fn everything_goes_there_and_back() {
    let place = Place::new();
    let vfs = place.workspace.fs();
    everything(&vfs);
    let totals = unpacked(&place, &packed(&vfs), "/back");
    assert_eq!(totals.skipped_count, 0, "{:?}", totals.skipped);
    same(&vfs, "/in", "/back");
}

/// FIFOs are not made on the host, but taken from there.
fn everything_comes_from_a_folder() {
    let place = Place::new();
    let vfs = place.workspace.fs();
    everything(&vfs);
    let host = place.host("host");
    let totals = export_folder(&vfs, "/in", &host, &mut quiet).expect("exported");
    let skipped: Vec<&str> = totals.skipped.iter().map(|skipped| &*skipped.path).collect();
    assert_eq!(skipped, ["/fifo"]);
    let folder = std::fs::File::open(&host).expect("there");
    rustix::fs::mknodat(&folder, "fifo", rustix::fs::FileType::Fifo, 0o640.into(), 0).expect("made");
    import_folder(&host, &vfs, "/back", &mut quiet).expect("imported");
    alike(&vfs);
    let layer = HostLayer::open(&host, HostOptions { read_only: true }).expect("opened");
    if layer.features().xattrs {
        for (path, name) in [("plain", "user.lines"), ("dir", "user.of")] {
            let value = |root: &str| vfs.getxattr(&format!("{root}/{path}"), name).expect("kept");
            assert_eq!(value("/in"), value("/back"));
        }
    }
    if rustix::process::geteuid().is_root() {
        let owner = vfs.stat("/back/plain").map(|stat| (stat.uid, stat.gid)).expect("there");
        assert_eq!(owner, (1234, 3_000_000));
    }
}

/// Runs a program in a folder.
fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    // Without it some refuse names that are not ASCII.
    command.args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8");
    let output = command.output().expect(program);
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {says}");
}

/// What another program unpacks is read back as a folder. Owners and set-id bits depend on who runs it, attributes and
/// holes on where.
fn read_by(program: &str, arguments: &[&str]) {
    let place = Place::new();
    let vfs = place.workspace.fs();
    everything(&vfs);
    std::fs::create_dir(place.host("out")).expect("new");
    std::fs::write(place.host("a.tar"), packed(&vfs)).expect("written");
    run(&place.host("out"), program, arguments);
    import_folder(&place.host("out"), &vfs, "/back", &mut quiet).expect("imported");
    alike(&vfs);
}

fn alike(vfs: &Vfs) {
    let paths = |root: &str| shape(vfs, root).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(paths("/in"), paths("/back"));
    for path in paths("/in") {
        let (a, b) = (format!("/in{path}"), format!("/back{path}"));
        let (expected, found) = (vfs.lstat(&a).expect("listed"), vfs.lstat(&b).expect("listed"));
        assert_eq!(
            (expected.kind, expected.size, expected.nlink),
            (found.kind, found.size, found.nlink),
            "{a}"
        );
        match expected.kind {
            FileType::Regular => {
                assert!(vfs.read(&a).expect("read") == vfs.read(&b).expect("read"), "{a}");
                assert_eq!((expected.mtime, expected.mode & 0o777), (found.mtime, found.mode & 0o777), "{a}");
            }
            FileType::Symlink => assert_eq!(vfs.readlink(&a).expect("read"), vfs.readlink(&b).expect("read")),
            _ => {}
        }
    }
}

/// What another program packs of a folder is what the folder is.
fn written_by(program: &str, arguments: &[&str]) {
    let place = Place::new();
    let vfs = place.workspace.fs();
    everything(&vfs);
    let host = place.host("host");
    export_folder(&vfs, "/in", &host, &mut quiet).expect("exported");
    // What cannot be made on the host by an export is not in it.
    vfs.unlink("/in/fifo").expect("there");
    run(&host, program, arguments);
    let archive = std::fs::read(place.host("a.tar")).expect("written");
    let totals = unpacked(&place, &archive, "/back");
    assert_eq!(totals.skipped_count, 0, "{:?}", totals.skipped);
    alike(&vfs);
}

fn gnu_tar_reads_what_is_written() {
    read_by("tar", &["--warning=no-timestamp", "-xf", "../a.tar"]);
}

fn bsdtar_reads_what_is_written() {
    read_by("bsdtar", &["-xpf", "../a.tar"]);
}

fn gnu_tar_is_read() {
    for version in ["0.0", "0.1", "1.0"] {
        let version = format!("--sparse-version={version}");
        written_by("tar", &["--format=posix", "-S", &version, "-cf", "../a.tar", "."]);
    }
}

fn bsdtar_is_read() {
    written_by("bsdtar", &["--format=pax", "-cf", "../a.tar", "."]);
}

/// An archive under construction; headers are written as they are told.
#[derive(Default)]
struct Forged(Vec<u8>);

impl Forged {
    fn add(&mut self, kind: tar::EntryType, name: &str, size: u64, content: &[u8]) -> &mut Forged {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_mtime(1);
        header.set_size(size);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(&mut self, name: &str, content: &[u8]) -> &mut Forged {
        self.add(tar::EntryType::Regular, name, content.len() as u64, content)
    }

    fn pax(&mut self, records: &[(&str, &str)]) -> &mut Forged {
        let mut text = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (rest + 1..).find(|length| rest + length.to_string().len() == *length);
            text.push_str(&format!("{} {key}={value}\n", length.expect("there is one")));
        }
        self.add(tar::EntryType::XHeader, "pax", text.len() as u64, text.as_bytes())
    }
}

fn names_that_come_twice_are_replaced() {
    let place = Place::new();
    let mut forged = Forged::default();
    forged.file("a", b"first, and longer").file("b", b"b").file("a", b"second").file("./a", b"third");
    let totals = unpacked(&place, &forged.0, "/in");
    assert_eq!((totals.files, totals.skipped_count), (4, 0));
    assert_eq!((place.read("/in/a"), place.read("/in/b")), ("third".into(), "b".into()));
}

fn lies_of_headers_are_damage() {
    use tar::EntryType::{GNULongName, Regular, XHeader};
    let place = Place::new();
    let vfs = place.workspace.fs();
    let damaged = |what: &str, forge: &dyn Fn(&mut Forged) -> &mut Forged| {
        let mut forged = Forged::default();
        forge(&mut forged);
        let error = import_tar(&mut &forged.0[..], &vfs, "/in", &mut quiet).expect_err(what).to_string();
        assert!(error.contains("cannot read the archive"), "{what}: {error}");
    };
    damaged("a file of 8 GiB that is not there", &|f| f.add(Regular, "a", (1 << 33) - 1, b"x"));
    damaged("a pax header of 5 GiB", &|f| f.add(XHeader, "a", 5 << 30, b"x"));
    damaged("a name of 5 GiB", &|f| f.add(GNULongName, "a", 5 << 30, b"x"));
    damaged("records of no length", &|f| f.add(XHeader, "a", 8, b"0 path=a"));
    damaged("a size that is none", &|f| f.pax(&[("size", "-1")]).file("a", b"x"));
    let map = |map| [("GNU.sparse.realsize", "10"), ("GNU.sparse.map", map)];
    damaged("pieces past the end", &|f| f.pax(&map("0,1,9,9")).file("a", b"xxxxxxxxxx"));
    damaged("pieces that overlap", &|f| f.pax(&map("5,2,4,2")).file("a", b"xxxx"));
    damaged("pieces that are not there", &|f| f.pax(&map("0,9")).file("a", b"x"));
    let head = [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10")];
    damaged("more pieces than memory", &|f| f.pax(&head).file("a", b"99999999999\n0\n"));
    damaged("a map without end", &|f| f.pax(&head).file("a", &[b'1'; 2048]));
}

fn names_in_pax_headers_stay_inside() {
    let place = Place::new();
    place.write("/etc/passwd", "untouched");
    let mut forged = Forged::default();
    forged.pax(&[("path", "../etc/passwd")]).file("fine", b"bad");
    forged.pax(&[
        ("GNU.sparse.name", "../etc/passwd"),
        ("GNU.sparse.realsize", "3"),
        ("GNU.sparse.map", "0,3"),
    ]);
    forged.file("fine", b"bad");
    forged.pax(&[("linkpath", "../etc/passwd")]).add(tar::EntryType::Link, "link", 0, b"");
    forged
        .pax(&[("linkpath", "/etc")])
        .add(tar::EntryType::Symlink, "out", 0, b"")
        .file("out/passwd", b"bad");
    forged.pax(&[("path", &"deep/".repeat(1000))]).file("fine", b"bad");
    forged.file("good", b"good");
    let totals = unpacked(&place, &forged.0, "/in");
    assert_eq!((totals.files, totals.symlinks, totals.skipped_count), (1, 1, 5), "{:?}", totals.skipped);
    assert_eq!((place.read("/etc/passwd"), place.read("/in/good")), ("untouched".into(), "good".into()));
}
