//! `@cloudflare/shell`.

use serde_json::json;

use super::{check_failures, value};
use crate::support::Case;

pub const CASES: &[Case] = &[
    ("shell::works_on_the_files_of_the_run", shell),
    ("shell::memory_filesystems_are_apart_from_each_other_and_the_run", memory),
    ("shell::lazy_files_are_made_when_they_are_looked_at", lazy),
    ("shell::bytes_are_copied_in_and_out", no_aliasing),
    ("shell::workspace_answers_null_for_what_is_missing", workspace),
    ("shell::workspace_tells_of_changes", changes),
    ("shell::state_backends_work_on_either", backends),
    ("shell::the_root_of_a_tree_in_memory_stays", roots),
    ("shell::tools_are_a_provider", tools),
    ("shell::errors_are_those_of_the_filesystem", errors),
];

fn shell() {
    let code = "import { Shell } from '@cloudflare/shell'; import fs from 'fs';
        const shell = new Shell();
        await shell.writeFile('/tmp/in/a.csv', 'x'); await shell.appendFile('/tmp/in/a.csv', 'y');
        await shell.mkdir('/tmp/out'); await shell.cp('/tmp/in/a.csv', '/tmp/out/b.csv');
        await shell.mv('/tmp/out', '/tmp/moved');
        const seen = [await shell.readFile('/tmp/in/a.csv'), await shell.readdir('/tmp'), (await shell.stat('/tmp/moved')).type,
            await shell.exists('/tmp/out'), fs.readFileSync('/tmp/moved/b.csv', 'utf8')];
        await shell.rm('/tmp/moved', { recursive: true });
        [...seen, fs.existsSync('/tmp/moved')]";
    assert_eq!(value(code), json!(["xy", ["in", "moved"], "directory", false, "xy", false]));
}

fn memory() {
    let code = "import { InMemoryFs } from '@cloudflare/shell';
        const one = new InMemoryFs({ '/a/x': 'text', '/b': new Uint8Array([104, 105]), '/c': { content: 'm', mode: 0o600, mtime: new Date(5000) } });
        const two = new InMemoryFs();
        two.writeFileSync('/x', '6869', 'hex'); two.mkdirSync('/d/e', { recursive: true });
        await one.link('/b', '/hard'); await one.chmod('/b', 0o400); await one.utimes('/b', new Date(1), new Date(2000));
        const c = await one.stat('/c'), b = await one.stat('/hard');
        [await one.readdir('/'), await two.readFile('/x'), await one.readFile('/b', 'base64'), c.mode, +c.mtime, b.mode, +b.mtime,
         await two.exists('/a'), await state.exists('/a'), one.resolvePath('/a', '../b')]";
    assert_eq!(
        value(code),
        json!([["a", "b", "c", "hard"], "hi", "aGk=", 0o600, 5000, 0o400, 2000, false, false, "/b"])
    );
}

fn lazy() {
    let code = "import { InMemoryFs } from '@cloudflare/shell';
        let made = [];
        const fs = new InMemoryFs({ '/one': () => { made.push(1); return 'first' }, '/two': async () => { made.push(2); return 'second' } });
        const before = made.length, first = await fs.readFile('/one'), then = [...made];
        [before, first, then, (await fs.stat('/two')).size, await fs.readFile('/one'), made]";
    assert_eq!(value(code), json!([0, "first", [1], 6, "first", [1, 2]]));
}

fn no_aliasing() {
    let code = "import { InMemoryFs } from '@cloudflare/shell';
        const fs = new InMemoryFs(), bytes = new Uint8Array([1, 2]);
        await fs.writeFileBytes('/b', bytes); bytes[0] = 9;
        (await fs.readFileBytes('/b'))[1] = 9;
        [...await fs.readFileBytes('/b')]";
    assert_eq!(value(code), json!([1, 2]));
}

fn workspace() {
    let code = "import { Workspace, WorkspaceFileSystem } from '@cloudflare/shell';
        const ws = new Workspace({ sql: {} }), fs = new WorkspaceFileSystem(ws);
        await ws.writeFile('/w/a.txt', 'text'); await ws.writeFileBytes('/w/raw', new Uint8Array([1]).buffer);
        await fs.appendFile('/w/raw', new Uint8Array([255]));
        await ws.symlink('a.txt', '/w/link'); await ws.mkdir('/w/dir');
        await ws.writeFileStream('/w/s', new Blob(['stre', 'am']).stream());
        [await ws.readFile('/none'), await ws.readFile('/w/a.txt'), [...await ws.readFileBytes('/w/raw')],
         await ws.deleteFile('/none'), await ws.fileExists('/w'), await ws.exists('/w'), await ws.readFile('/w/s'),
         await ws.readlink('/w/link'), (await ws.readDir('/w')).map((info) => info.name), (({ path, name, type, mimeType, size }) =>
           ({ path, name, type, mimeType, size }))(await ws.stat('/w/a.txt')), (await ws.lstat('/w/link')).target,
         (await fs.stat('/w/s')).size, await ws.diffContent('/w/a.txt', 'text'), (await ws.getWorkspaceInfo()).fileCount, await fs.exists('/none'),
         await fs.readFile('/none').catch((error) => [error.message, error.code])]";
    assert_eq!(
        value(code),
        json!([
            null,
            "text",
            [1, 255],
            false,
            false,
            true,
            "stream",
            "a.txt",
            ["dir", "a.txt", "raw", "s", "link"],
            { "path": "/w/a.txt", "name": "a.txt", "type": "file", "mimeType": "text/plain", "size": 4 },
            "a.txt",
            6,
            "",
            3,
            false,
            ["ENOENT: no such file or directory, stat '/none'", "ENOENT"],
        ])
    );
}

fn changes() {
    let code = "import { Workspace } from '@cloudflare/shell';
        const seen = [];
        const ws = new Workspace({ onChange: ({ type, path, entryType }) => seen.push(`${type} ${path} ${entryType}`) });
        await ws.writeFile('/a/b/f', '1'); await ws.writeFile('/a/b/f', '2'); await ws.appendFile('/a/b/f', '3');
        await ws.mkdir('/d'); await ws.mv('/a', '/z'); await ws.symlink('/z', '/l'); await ws.rm('/z', { recursive: true });
        seen";
    assert_eq!(
        value(code),
        json!([
            "create /a directory",
            "create /a/b directory",
            "create /a/b/f file",
            "update /a/b/f file",
            "update /a/b/f file",
            "create /d directory",
            "create /z directory",
            "create /z/b directory",
            "create /z/b/f file",
            "delete /a directory",
            "create /l symlink",
            "delete /z directory",
        ])
    );
}

fn backends() {
    let code = "import { FileSystemStateBackend, InMemoryFs, Workspace, createMemoryStateBackend, createWorkspaceStateBackend } from '@cloudflare/shell';
        const memory = createMemoryStateBackend({ files: { '/a.json': '{\"n\":[1,2]}', '/lazy': () => 'late' } });
        const fs = new InMemoryFs(), over = new FileSystemStateBackend(fs);
        await over.writeFile({ path: '/x', content: 'x' });
        const ws = createWorkspaceStateBackend(new Workspace());
        await ws.writeFile('/of-run', 'here');
        [await memory.queryJson('/a.json', '.n[-1]'), await memory.readFile('/lazy'), await fs.readFile('/x'), over.fs === fs,
         await state.readFile('/of-run'), await state.exists('/x')]";
    assert_eq!(value(code), json!([2, "late", "x", true, "here", false]));
}

fn roots() {
    let code = "import { InMemoryFs } from '@cloudflare/shell';
        const fs = new InMemoryFs({ '/a': '1' });
        const told = (error) => [error.message, error.code];
        [await fs.rm('/', { recursive: true, force: true }), await fs.readdir('/'), await fs.rm('/').catch(told)]";
    assert_eq!(value(code), json!([null, ["a"], ["EPERM: cannot remove root, rm '/'", "EPERM"]]));
}

fn tools() {
    let code = "import { stateTools, STATE_TYPES } from '@cloudflare/shell';
        const { name, tools, types } = stateTools();
        await tools.writeFile.execute({ path: '/t', content: 'x' });
        [name, Object.keys(tools).length, types === STATE_TYPES, tools.readFile.description, await state.readFile('/t')]";
    assert_eq!(value(code), json!(["state", 46, true, "The text of a file (UTF-8).", "x"]));
}

fn errors() {
    check_failures(
        "const { FileSystemStateBackend, InMemoryFs, Workspace } = require('@cloudflare/shell');
         const fs = new InMemoryFs({ '/f': '' }), ws = new Workspace(); await ws.mkdir('/d')",
        &[
            ("fs.stat('/no')", "ENOENT: no such file or directory, stat '/no'", Some("ENOENT")),
            ("fs.writeFile('/f/x', '')", "ENOTDIR: not a directory, open '/f/x'", Some("ENOTDIR")),
            (
                "fs.readFile('/f', 'utf7')",
                "there is no encoding \"utf7\": utf8, utf-8, ascii, binary, base64, hex, latin1",
                None,
            ),
            ("ws.readFile('/d')", "EISDIR: /d is a directory", Some("EISDIR")),
            ("ws.writeFile('/', '')", "EISDIR: cannot write to root directory", Some("EISDIR")),
            ("ws.deleteFile('/d')", "EISDIR: /d is a directory — use rm() instead", Some("EISDIR")),
            (
                "new Workspace({ namespace: '1x' })",
                "Invalid workspace namespace \"1x\": must start with a letter and contain only alphanumeric characters \
                 or underscores",
                None,
            ),
            (
                "new FileSystemStateBackend({ readFileBytes() {} })",
                "FileSystemStateBackend works on an InMemoryFs, a Shell or the WorkspaceFileSystem of a Workspace of \
                 this module: copy the files of another filesystem into one of them",
                None,
            ),
        ],
    );
}
