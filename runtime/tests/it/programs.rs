//! Programs of several files, in the tree and in the program's own folder.

use std::sync::Arc;
use std::time::Duration;

use cowry_runtime::{Job, Limits, Outcome, Program, SandboxSpec, SourceKind, TimeLimit};
use cowry_vfs::{Layer, MemoryLayer, Vfs, VfsOptions};

use crate::support::{Case, Done, eval_within, plenty, run, zygote};

pub const CASES: &[Case] = &[
    ("program::its_own_folder_has_modules_that_fs_does_not_see", own_folder),
    ("program::packages_are_found_above_it", packages),
    ("program::exports_of_a_package_are_kept_to", exports),
    ("program::relative_modules_need_no_extension", extensions),
    ("program::cycles_of_either_kind_are_fine", cycles),
    ("program::what_is_commonjs_is_told_by_package_json_and_by_the_code", detection),
    ("program::json_is_imported_with_and_without_attributes", json),
    ("program::a_missing_module_is_told_as_node_does", missing),
    ("program::a_syntax_error_in_a_module_names_its_place", syntax),
    ("program::brackets_nested_too_deep_are_refused", deep),
    ("program::listeners_of_exit_are_within_the_limits", exiting),
    ("program::source_in_no_file_is_run_as_what_it_is", source),
    ("program::a_result_larger_than_the_limit_throws", large),
    ("program::an_expression_may_be_fenced_and_may_be_a_function", expressions),
    ("program::an_es_module_can_be_required", required),
];

fn tree(files: &[(&str, &str)]) -> Arc<dyn Layer> {
    let layer = Arc::new(MemoryLayer::new());
    let vfs = Vfs::new(layer.clone(), VfsOptions::default());
    for (path, content) in files {
        let (dir, _) = path.rsplit_once('/').expect("an absolute path");
        if !dir.is_empty() {
            vfs.mkdir_all(dir, 0o777).expect("a fresh tree");
        }
        vfs.write(path, content.as_bytes()).expect("a fresh tree");
    }
    layer
}

fn start(files: &[(&str, &str)], program: &str) -> Done {
    run_in(SandboxSpec::new(tree(files)), program)
}

fn run_in(spec: SandboxSpec, program: &str) -> Done {
    let mut sandbox = zygote().spawn(spec).expect("a sandbox can be forked");
    run(&mut sandbox, &Job::new(Program::File { path: program.into() }))
}

fn thrown(done: &Done) -> &str {
    match done.outcome() {
        Outcome::Threw(thrown) => &thrown.text,
        other => panic!("{other:?}"),
    }
}

fn own_folder() {
    let own = tree(&[
        ("/main.ts", "import { help } from './lib/help'; import fs from 'fs'; import dep from 'dep';
            export default () => [help(), dep, fs.existsSync('/program'), fs.existsSync('/main.ts'), fs.readdirSync('/'), import.meta.filename]"),
        ("/lib/help.ts", "export const help = (): string => require_free;\nconst require_free = 'helped';"),
    ]);
    let root =
        tree(&[("/data.csv", "a,b"), ("/node_modules/dep/index.js", "module.exports = 'from the tree'")]);
    let spec = SandboxSpec { program: Some(own), ..SandboxSpec::new(root) };
    let done = run_in(spec, "/program/main.ts");
    let seen: serde_json::Value = serde_json::from_str(done.json()).expect("JSON");
    assert_eq!(seen[0], "helped");
    assert_eq!(seen[1], "from the tree");
    assert_eq!((&seen[2], &seen[3]), (&false.into(), &false.into()));
    assert_eq!(seen[5], "/program/main.ts");
}

fn packages() {
    let done = start(
        &[
            (
                "/a/b/main.mjs",
                "import x from 'x'; import { y } from '@s/y/lib/y.js'; import z from 'z'; export default [x, y, z]",
            ),
            ("/a/node_modules/x/package.json", r#"{"main": "./lib/start"}"#),
            ("/a/node_modules/x/lib/start.js", "module.exports = 'x'"),
            ("/node_modules/@s/y/package.json", r#"{"type": "module"}"#),
            ("/node_modules/@s/y/lib/y.js", "export const y = 'y'"),
            ("/node_modules/z.js", "exports.default = 'z'"),
        ],
        "/a/b/main.mjs",
    );
    assert_eq!(done.json(), r#"["x","y",{"default":"z"}]"#);
}

fn exports() {
    let package = r##"{"name": "p", "exports": {
        ".": {"import": "./esm.mjs", "require": "./cjs.cjs"}, "./sub/*": "./lib/*.js", "./no": null},
        "imports": {"#in": "./lib/in.js"}}"##;
    let files = [
        ("/node_modules/p/package.json", package),
        ("/node_modules/p/esm.mjs", "import i from '#in'; export default 'esm ' + i"),
        ("/node_modules/p/cjs.cjs", "module.exports = 'cjs'"),
        ("/node_modules/p/lib/in.js", "module.exports = 'inside'"),
        ("/node_modules/p/lib/a.js", "module.exports = 'sub'"),
        ("/main.mjs", "import { createRequire } from 'module'; import p from 'p'; import a from 'p/sub/a';
            const codes = [];
            for (const name of ['p/no', 'p/lib/a.js']) await import(name).catch((error) => codes.push(error.message.includes('not defined')));
            export default [p, a, createRequire('/x')('p'), codes]"),
    ];
    assert_eq!(start(&files, "/main.mjs").json(), r#"["esm inside","sub","cjs",[true,true]]"#);
}

fn extensions() {
    let files = [
        (
            "/main.ts",
            "import a from './a'; import b from './b.js'; import c from './dir'; export default [a, b, c]",
        ),
        ("/a.ts", "export default 'a'"),
        ("/b.ts", "export default 'b'"),
        ("/dir/index.ts", "export default 'dir'"),
    ];
    assert_eq!(start(&files, "/main").json(), r#"["a","b","dir"]"#);
}

fn cycles() {
    let files = [
        (
            "/main.mjs",
            "import { even } from './even.mjs'; import c from './one.cjs'; export default [even(10), c.seen]",
        ),
        ("/even.mjs", "import { odd } from './odd.mjs'; export const even = (n) => n === 0 || odd(n - 1)"),
        ("/odd.mjs", "import { even } from './even.mjs'; export const odd = (n) => n !== 0 && even(n - 1)"),
        ("/one.cjs", "exports.half = true; exports.seen = require('./two.cjs').seen"),
        ("/two.cjs", "exports.seen = Object.keys(require('./one.cjs'))"),
    ];
    assert_eq!(start(&files, "/main.mjs").json(), r#"[true,["half"]]"#);
}

fn detection() {
    let uses = "module.exports = typeof require + typeof __dirname";
    let files = [
        (
            "/main.mjs",
            "import a from './a.js'; import b from './m/b.js'; import c from './c.js'; export default [a, b.kind, c]",
        ),
        ("/a.js", uses),
        ("/m/package.json", r#"{"type": "module"}"#),
        ("/m/b.js", "const kind = typeof require; export default { kind }"),
        ("/c.js", "export default import.meta.url.length > 0"),
    ];
    assert_eq!(start(&files, "/main.mjs").json(), r#"["functionstring","undefined",true]"#);
}

fn json() {
    let files = [
        (
            "/main.mjs",
            "import plain from './d.json'; import typed from './d.json' with { type: 'json' };
            import { createRequire } from 'module';
            const dynamic = await import('./d.json', { with: { type: 'json' } });
            export default [plain, typed, dynamic.default, createRequire(import.meta.url)('./d')]",
        ),
        ("/d.json", r#"{"__proto__": 1}"#),
        ("/bad.mjs", "import x from './bad.json'"),
        ("/bad.json", "{nope}"),
    ];
    let one = r#"{"__proto__":1}"#;
    assert_eq!(start(&files, "/main.mjs").json(), format!("[{one},{one},{one},{one}]"));
    assert!(thrown(&start(&files, "/bad.mjs")).contains("/bad.json is not valid JSON"));
}

fn missing() {
    let files = [
        ("/a.mjs", "import './nope.js'"),
        ("/b.mjs", "import 'nope'"),
        ("/c.cjs", "require('./nope')"),
        ("/d.mjs", "import 'node:nope'"),
        ("/e.mjs", "import 'https://example.org/x.js'"),
    ];
    let says = |program: &str, what: &str| {
        let done = start(&files, program);
        assert!(thrown(&done).starts_with(what), "{}", thrown(&done));
    };
    says("/a.mjs", "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/nope.js' imported from /a.mjs");
    says("/b.mjs", "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nope' imported from /b.mjs");
    says("/c.cjs", "Error: Cannot find module './nope'\nRequire stack:\n- /c.cjs");
    says(
        "/d.mjs",
        "Error [ERR_UNKNOWN_BUILTIN_MODULE]: No such built-in module: node:nope. There are: assert,",
    );
    says("/e.mjs", "Error [ERR_UNSUPPORTED_ESM_URL_SCHEME]: Only file and node URLs can be imported here");
    says("/gone.ts", "Error: Cannot find module '/gone.ts'");
}

fn syntax() {
    let files = [("/main.mjs", "import './lib.ts'"), ("/lib.ts", "const a = 1;\nlet b: = 2;")];
    let text = "SyntaxError: Unexpected token\n    at /lib.ts:2:8\n\n    let b: = 2;\n           ^";
    assert_eq!(thrown(&start(&files, "/main.mjs")), text);
}

fn deep() {
    let done = eval_within(plenty(), &"(".repeat(100_000));
    assert!(thrown(&done).starts_with("SyntaxError: nested more than 400 deep"), "{}", thrown(&done));
    let fine = format!("{}1{}", "[".repeat(399), "]".repeat(399));
    assert_eq!(eval_within(plenty(), &fine).json(), fine);
}

fn exiting() {
    let limits = Limits { cpu: Duration::from_secs(1), ..plenty() };
    let done = eval_within(limits, "process.on('exit', () => { for (;;); }); 1");
    assert_eq!(*done.outcome(), Outcome::TimedOut(TimeLimit::Cpu));
}

fn source() {
    let mut sandbox =
        zygote().spawn(SandboxSpec::new(tree(&[("/work/lib.js", "export default 1")]))).expect("a fork");
    let mut go = |name: &str, code: &str, kind| {
        let program = Program::Source { name: name.into(), code: code.into(), kind };
        run(&mut sandbox, &Job { cwd: "/work".into(), ..Job::new(program) }).json().to_owned()
    };
    assert_eq!(
        go("job.ts", "import one from './lib.js'; export default (one as number) + 1", SourceKind::Module),
        "2"
    );
    let code = "module.exports = [__filename, require('path').sep]";
    assert_eq!(go("job.cjs", code, SourceKind::CommonJs), r#"["/work/job.cjs","/"]"#);
    assert_eq!(
        go("[eval]", "const { default: one } = await import('./lib.js'); one + 2", SourceKind::Expression),
        "3"
    );
}

fn large() {
    let limits = Limits { result_bytes: 1000, ..plenty() };
    match eval_within(limits, "'x'.repeat(2000)").outcome() {
        Outcome::Threw(thrown) => {
            assert_eq!(thrown.name, "RangeError");
            assert!(thrown.message.contains("more than the limit of 1000"), "{}", thrown.message);
        }
        other => panic!("{other:?}"),
    }
}

fn expressions() {
    let json = |code: &str| eval_within(plenty(), code).json().to_owned();
    assert_eq!(json("```ts\nconst n: number = 41;\nn + 1\n```"), "42");
    assert_eq!(
        json("(input, env, ctx) => [input === undefined, typeof env, typeof ctx.waitUntil]"),
        r#"[true,"object","function"]"#
    );
    assert_eq!(json("async () => { await null; return 'later' }"), r#""later""#);
    assert_eq!(json("import { sep } from 'node:path'; if (sep) return 'early'; 'late'"), r#""early""#);
    assert_eq!(json("'a directive that is a value'"), r#""a directive that is a value""#);
    assert_eq!(json("export default () => 'a whole module'"), r#""a whole module""#);
    assert_eq!(json("class A { static x = 1 }; A.x"), "1");
}

fn required() {
    let files = [
        ("/main.cjs", "const { named, default: d } = require('./esm.mjs'); module.exports = [named, d]"),
        ("/esm.mjs", "export const named = 1; export default 2"),
    ];
    assert_eq!(start(&files, "/main.cjs").json(), "[1,2]");
}
