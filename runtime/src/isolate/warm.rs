//! Running small programs in the zygote, so that no sandbox is the first to take a path.

use std::sync::Arc;

use cowry_vfs::{MemoryLayer, SystemClock, Vfs, VfsOptions};

use super::Isolate;
use crate::host::Host;
use crate::job::{Job, Outcome, Program};

/// The folder of the programs. They stay in the engine's list of modules, so that the name is one nobody uses.
const FOLDER: &str = "/.cowry-zygote";

const FILES: &[(&str, &str)] = &[
    (
        "main.ts",
        "import fs, { readFileSync } from 'node:fs';
        import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
        import path from 'node:path';
        import { twice } from './lib';
        import data from './data.json';
        import { named } from './old.cjs';
        enum Kind { One = 1 }
        interface Shape { side: number }
        class Box { constructor(private shape: Shape) {} get side() { return this.shape.side } }
        export default async (input: unknown, env: Record<string, string>) => {
            await mkdir('out/deep', { recursive: true });
            await writeFile('out/file.txt', 'line\\nline');
            const text = readFileSync('out/file.txt', 'utf8').split('\\n').map((line) => line.trim());
            fs.writeFileSync('out/data.json', JSON.stringify({ text, data, box: new Box({ side: twice(Kind.One) }).side }));
            console.log('written %d', fs.statSync('out/data.json').size, await readdir('out'), (await stat('.')).isDirectory());
            try { fs.readFileSync('nothing') } catch (error) { console.error(error) }
            const files = `${process.cwd()}/out/`;
            await state.writeJson({ path: files + 'state.json', value: { data } });
            await state.appendFile(files + 'state.txt', text.join());
            const known = [await state.readFile(files + 'state.txt'), await state.queryJson({ path: files + 'state.json', query: '.data.a[-1]' })];
            known.push(await state.readdir(files), await state.stat(files), await state.exists('/nothing'));
            await state.readFile('/nothing').catch((error) => known.push(error.code));
            fs.rmSync('out', { recursive: true });
            return { input, env, named: named(), at: path.join('a', 'b'), url: new URL('https://example.org/?a=b').href };
        }",
    ),
    ("lib.ts", "export const twice = (n: number): number => n * 2;"),
    ("data.json", "{\"a\": [1, 2.5, \"x\", null]}"),
    ("old.cjs", "const { join } = require('path'); exports.named = () => join(__dirname, 'x');"),
    ("throws.ts", "const f = (n: number): never => { throw new TypeError(`n is ${n}`) };\nexport default () => f(1)"),
];

/// Runs them. What they leave is replaced when the isolate is adopted.
pub(super) fn warm(isolate: &mut Isolate, runtime: &tokio::runtime::Runtime) {
    let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
    vfs.mkdir(FOLDER, 0o777).expect("an empty tree");
    for (name, source) in FILES {
        vfs.write(&format!("{FOLDER}/{name}"), source.as_bytes()).expect("an empty tree");
    }
    isolate.adopt(Host {
        vfs,
        program: None,
        scratch: None,
        emit: Box::new(drop),
        seed: [0; 32],
        result_bytes: 1 << 20,
        clock: Arc::new(SystemClock),
    });
    let file = |name: &str| Program::File { path: format!("{FOLDER}/{name}") };
    let entry = |code: &str| Program::Entry { code: code.into() };
    for program in [
        file("main.ts"),
        entry("const { a, b: [c] } = { a: await 1, b: [2] }; a + c"),
        entry("[1, { a: 'x' }]"),
    ] {
        run(isolate, runtime, program, true);
    }
    run(
        isolate,
        runtime,
        Job::expression("import fs from 'fs'; await null; fs.existsSync('/')").program,
        true,
    );
    run(isolate, runtime, file("throws.ts"), false);
    isolate.forget_warming();
}

fn run(isolate: &mut Isolate, runtime: &tokio::runtime::Runtime, program: Program, completes: bool) {
    let job = Job {
        cwd: FOLDER.into(),
        input: Some("{\"a\": 1}".into()),
        env: vec![("A".into(), "b".into())],
        render: true,
        ..Job::new(program)
    };
    let result = isolate.run(runtime, &job);
    let as_meant = matches!(result.outcome, Outcome::Completed { exit_code: 0 }) == completes;
    assert!(as_meant, "a program of the zygote's own: {result:?}");
}
