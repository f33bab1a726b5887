//! What a sandbox sees of the trees it is given, and what of its writing arrives outside.

use std::sync::Arc;

use cowry_runtime::{Job, Limits, Mount, Outcome, RuntimeError, Sandbox, SandboxSpec};
use cowry_vfs::{Layer, MemoryLayer, Vfs, VfsOptions};

use crate::support::{Case, plenty, run, zygote};

pub const CASES: &[Case] = &[
    ("files::a_sandbox_reads_what_is_below", reads),
    ("files::what_it_writes_is_in_its_overlay_and_not_below", writes),
    ("files::later_jobs_bring_only_what_is_new_and_everything_is_there", several),
    ("files::a_new_sandbox_goes_on_with_what_was_written", goes_on),
    ("files::a_killed_sandbox_keeps_what_was_known", killed),
    ("files::a_read_only_mount_is_erofs", read_only),
    ("files::trees_are_mounted_below_the_root", mounts),
    ("files::what_was_rolled_back_does_not_arrive", rolled_back),
    ("files::the_mounts_of_a_sandbox_have_one_set_of_limits", one_set_of_limits),
    ("files::a_mount_without_a_place_is_refused", no_place),
    ("files::a_large_file_is_read_whole", large),
    ("files::a_large_directory_is_listed_whole", many),
    ("files::the_program_folder_is_not_in_the_tree", program),
];

/// A tree with these files.
fn tree(files: &[(&str, &[u8])]) -> Arc<dyn Layer> {
    let layer = Arc::new(MemoryLayer::new());
    let vfs = Vfs::new(layer.clone(), VfsOptions::default());
    for (path, content) in files {
        let (folder, _) = path.rsplit_once('/').expect("absolute paths");
        if !folder.is_empty() {
            vfs.mkdir_all(folder, 0o755).expect("the tree takes a folder");
        }
        vfs.write(path, content).expect("the tree takes a file");
    }
    layer
}

fn spawn(spec: SandboxSpec) -> Sandbox {
    zygote().spawn(spec).expect("a sandbox can be forked")
}

fn mount(at: &str, layer: Arc<dyn Layer>, writable: bool) -> Mount {
    Mount { at: at.into(), layer, writable, written: None }
}

/// The overlay of the root, as a tree.
fn written(sandbox: &Sandbox) -> Vfs {
    let overlay = sandbox.overlays()[0].as_ref().expect("the root is writable");
    Vfs::new(Arc::new(overlay.fork()), VfsOptions::default())
}

fn eval(sandbox: &mut Sandbox, code: &str) -> String {
    run(sandbox, &Job::expression(format!("const fs = require('fs'); {code}"))).json().to_owned()
}

fn reads() {
    let mut sandbox = spawn(SandboxSpec::new(tree(&[("/in/data.txt", b"hello"), ("/in/more", b"x")])));
    let code = "[fs.readFileSync('/in/data.txt', 'utf8'), fs.readdirSync('/in'), fs.existsSync('/in/less')]";
    assert_eq!(eval(&mut sandbox, code), r#"["hello",["data.txt","more"],false]"#);
}

fn writes() {
    let below = tree(&[("/keep", b"old"), ("/gone", b"x")]);
    let mut sandbox = spawn(SandboxSpec::new(below.clone()));
    eval(
        &mut sandbox,
        "fs.writeFileSync('/keep', 'new'); fs.unlinkSync('/gone'); fs.mkdirSync('/out');
         fs.writeFileSync('/out/made', 'made'); null",
    );
    let after = written(&sandbox);
    assert_eq!(after.read_to_string("/keep").unwrap(), "new");
    assert_eq!(after.read_to_string("/out/made").unwrap(), "made");
    assert!(!after.exists("/gone"));
    let before = Vfs::new(below, VfsOptions::default());
    assert_eq!(before.read_to_string("/keep").unwrap(), "old");
    assert!(before.exists("/gone") && !before.exists("/out"));
}

fn several() {
    let mut sandbox = spawn(SandboxSpec::new(tree(&[])));
    for n in 0..5 {
        eval(
            &mut sandbox,
            &format!("fs.writeFileSync('/f{n}', '{n}'); fs.appendFileSync('/all', '{n}'); null"),
        );
        assert_eq!(written(&sandbox).read_to_string("/all").unwrap().len(), n + 1);
    }
    assert_eq!(written(&sandbox).read_dir("/").unwrap().len(), 7, "the files, all of them in one, and /tmp");
}

fn goes_on() {
    let below = tree(&[("/base", b"base")]);
    let mut first = spawn(SandboxSpec::new(below.clone()));
    eval(
        &mut first,
        "fs.writeFileSync('/one', new Uint8Array(1 << 20).fill(1)); fs.renameSync('/base', '/moved'); null",
    );
    let one = first.overlays()[0].as_ref().expect("the root is writable").fork();
    let mut spec = SandboxSpec::new(below);
    spec.mounts[0].written = Some(Arc::new(one));
    let mut second = spawn(spec);
    let code =
        "fs.writeFileSync('/two', '2'); [fs.readFileSync('/one').length, fs.readFileSync('/moved', 'utf8')]";
    assert_eq!(eval(&mut second, code), format!("[{},\"base\"]", 1 << 20));
    let after = written(&second);
    assert_eq!(after.read("/one").unwrap().len(), 1 << 20);
    assert_eq!(after.read_to_string("/two").unwrap(), "2");
    assert!(after.exists("/moved") && !after.exists("/base"));
}

fn killed() {
    let mut spec = SandboxSpec::new(tree(&[]));
    spec.limits.cpu = std::time::Duration::from_secs(1);
    spec.limits.wall = std::time::Duration::from_secs(600);
    let mut sandbox = spawn(spec);
    eval(&mut sandbox, "fs.writeFileSync('/first', '1'); null");
    let hang = "require('fs').writeFileSync('/second', '2'); [].indexOf.call({ length: 2 ** 53 - 1 }, 1)";
    let done = run(&mut sandbox, &Job::expression(hang));
    assert!(matches!(done.outcome(), Outcome::TimedOut(_)), "{:?}", done.outcome());
    assert!(written(&sandbox).exists("/first") && !written(&sandbox).exists("/second"));
}

fn read_only() {
    let mut spec = SandboxSpec::new(tree(&[("/a", b"a")]));
    spec.mounts[0].writable = false;
    let mut sandbox = spawn(spec);
    let code = "let code; try { fs.writeFileSync('/a', 'b') } catch (error) { code = error.code } code";
    assert_eq!(eval(&mut sandbox, code), "\"EROFS\"");
    assert!(sandbox.overlays()[0].is_none());
}

fn mounts() {
    let mut spec = SandboxSpec::new(tree(&[("/a", b"root")]));
    spec.mounts.push(mount("/data", tree(&[("/a", b"data")]), false));
    spec.mounts.push(mount("/work", tree(&[]), true));
    let mut sandbox = spawn(spec);
    let code = "fs.writeFileSync('/work/b', fs.readFileSync('/data/a')); fs.readdirSync('/')";
    assert_eq!(eval(&mut sandbox, code), r#"["a","data","tmp","work"]"#);
    let work = sandbox.overlays()[2].as_ref().expect("it is writable").fork();
    assert_eq!(Vfs::new(Arc::new(work), VfsOptions::default()).read_to_string("/b").unwrap(), "data");
}

fn rolled_back() {
    let mut sandbox = spawn(SandboxSpec::new(tree(&[("/kept", b"old"), ("/d/in", b"below")])));
    let code = "const { transaction } = require('cowry:fs');
        fs.writeFileSync('/first', '1');
        const undone = () => {
            fs.writeFileSync('/kept', 'new');
            fs.renameSync('/d', '/e');
            fs.rmSync('/first');
            fs.writeFileSync('/made', '');
            throw new Error('no');
        };
        try { transaction(undone) } catch {}
        fs.appendFileSync('/d/in', '!'); 1";
    eval(&mut sandbox, code);
    let written = written(&sandbox);
    let names: Vec<String> =
        written.read_dir("/").unwrap().iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["d", "first", "kept", "tmp"]);
    assert_eq!(written.read_to_string("/kept").unwrap(), "old");
    assert_eq!(written.read_to_string("/d/in").unwrap(), "below!");
    let changed: Vec<String> = sandbox.overlays()[0]
        .as_ref()
        .expect("the root is writable")
        .changes()
        .expect("it is in memory")
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    assert_eq!(changed, ["/d/in", "/first", "/tmp"]);
}

fn one_set_of_limits() {
    let mut spec = SandboxSpec::new(tree(&[]));
    spec.mounts.push(mount("/work", tree(&[]), true));
    spec.limits = Limits { scratch_memory_bytes: 1 << 20, scratch_bytes: 4 << 20, files: 100, ..plenty() };
    let mut sandbox = spawn(spec);
    let code = "
        const attempt = (work) => { try { work(); return 'done' } catch (error) { return error.code } };
        const big = new Uint8Array(3 << 20);
        const first = attempt(() => fs.writeFileSync('/big', big));
        const second = attempt(() => fs.writeFileSync('/work/big', big));
        const many = (folder) => { for (let n = 0; n < 60; n++) fs.writeFileSync(`${folder}/${n}`, '') };
        [first, second, attempt(() => many('')), attempt(() => many('/work'))]";
    assert_eq!(eval(&mut sandbox, code), r#"["done","EDQUOT","done","EDQUOT"]"#);
}

fn no_place() {
    // A mount brings the directories it lacks, but nothing is below a file.
    let mut spec = SandboxSpec::new(tree(&[("/file", b"")]));
    spec.mounts.push(mount("/file/place", tree(&[]), false));
    assert!(matches!(zygote().spawn(spec), Err(RuntimeError::Invalid(_))));
}

fn large() {
    let content: Vec<u8> = (0..5_000_000_u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let sum: u64 = content.iter().map(|&b| u64::from(b)).sum();
    let mut sandbox = spawn(SandboxSpec::new(tree(&[("/big", &content)])));
    let code =
        "let sum = 0; const big = fs.readFileSync('/big'); for (const b of big) sum += b; [big.length, sum]";
    assert_eq!(eval(&mut sandbox, code), format!("[5000000,{sum}]"));
}

fn many() {
    let names: Vec<String> = (0..3000).map(|n| format!("/many/{n:05}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let spec = SandboxSpec { limits: plenty(), ..SandboxSpec::new(tree(&files)) };
    let mut sandbox = spawn(spec);
    let code = "[fs.readdirSync('/many').length, fs.readFileSync('/many/02999', 'utf8')]";
    assert_eq!(eval(&mut sandbox, code), "[3000,\"/many/02999\"]");
}

fn program() {
    let mut spec = SandboxSpec::new(tree(&[]));
    spec.program = Some(tree(&[
        ("/main.mjs", b"import { two } from './two.mjs'; export default two * 21;"),
        ("/two.mjs", b"export const two = 2;"),
    ]));
    let mut sandbox = spawn(spec);
    let job = Job::new(cowry_runtime::Program::File { path: "/program/main.mjs".into() });
    assert_eq!(run(&mut sandbox, &job).json(), "42");
    assert_eq!(eval(&mut sandbox, "fs.existsSync('/program')"), "false");
}
