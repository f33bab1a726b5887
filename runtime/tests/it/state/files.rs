//! Files and directories.

use serde_json::json;

use super::{check_failures, value};
use crate::support::Case;

pub const CASES: &[Case] = &[
    ("state::paths_are_absolute_and_read_by_their_letters", paths),
    ("state::stat_is_null_for_what_is_missing", stat),
    ("state::directories_are_made_and_listed", directories),
    ("state::trees_are_removed_copied_and_moved", trees),
    ("state::moving_into_a_directory_that_is_there_merges", merges),
    ("state::a_file_on_itself_stays_as_it_is", on_itself),
    ("state::links_are_made_read_and_not_followed_by_find", links),
    ("state::find_filters", find),
    ("state::walk_tree_and_summarize_tree_go_as_deep_as_told", walks),
    ("state::no_list_is_cut", not_cut),
    ("state::errors_have_codes_and_say_what_is_wrong", errors),
];

fn paths() {
    let code = "await state.writeFile('a/../b//./c.txt', 'x');
        process.chdir('/b');
        [await state.readFile('/b/c.txt'), await state.exists('../../b/c.txt/'), await state.exists('c.txt'),
         await state.resolvePath('/a/b', '../c'), await state.resolvePath('/a', '/x/./y')]";
    assert_eq!(value(code), json!(["x", true, false, "/a/c", "/x/y"]));
}

fn stat() {
    let code = "await state.writeFile('/a/f', '12345'); await state.symlink('/a/f', '/l'); await state.symlink('/no', '/d');
        const s = await state.stat('/l'), l = await state.lstat('/l');
        [s.type, s.size, s.mtime instanceof Date, s.mode.toString(8), l.type, await state.stat('/d'),
         await state.stat('/a/f/x'), await state.lstat('/none'), (await state.stat('/a')).type, await state.exists('/d')]";
    assert_eq!(value(code), json!(["file", 5, true, "644", "symlink", null, null, null, "directory", false]));
}

fn directories() {
    let code =
        "await state.mkdir('/'); await state.mkdir('/d'); await state.mkdir('/d/e/f', { recursive: true });
        await state.mkdir('/d/e', { recursive: true });
        await state.writeFile('/d/b', ''); await state.symlink('b', '/d/a');
        [await state.readdir('/d'), await state.readdirWithFileTypes('/d')]";
    assert_eq!(
        value(code),
        json!([["a", "b", "e"], [
            { "name": "a", "type": "symlink" }, { "name": "b", "type": "file" }, { "name": "e", "type": "directory" },
        ]])
    );
}

fn trees() {
    let code = "await state.writeFile('/t/a/x', '1'); await state.writeFile('/t/y', '2');
        await state.cp('/t', '/deep/copy', { recursive: true });
        await state.copyTree('/t/y', '/y2');
        await state.mv('/t/y', '/t/z');
        await state.moveTree('/t', '/u/v');
        await state.rm('/deep/copy/a/x'); await state.rm('/deep/copy/a');
        await state.rm('/none', { force: true }); await state.removeTree('/none');
        const seen = [await state.readdir('/deep/copy'), await state.readdir('/u/v'), await state.readFile('/u/v/a/x'),
            await state.exists('/t'), await state.readFile('/y2')];
        await state.removeTree('/u');
        [...seen, await state.exists('/u')]";
    assert_eq!(value(code), json!([["y"], ["a", "z"], "1", false, "2", false]));
}

fn merges() {
    let code = "await state.writeFile('/a/one', '1'); await state.writeFile('/a/both', 'new');
        await state.writeFile('/b/two', '2'); await state.writeFile('/b/both', 'old');
        await state.moveTree('/a', '/b');
        [await state.readdir('/b'), await state.readFile('/b/both'), await state.exists('/a')]";
    assert_eq!(value(code), json!([["both", "one", "two"], "new", false]));
}

fn on_itself() {
    let code = "await state.writeFile('/d/f', 'x');
        await state.mv('/d/f', '/d/../d/f'); await state.cp('/d/f', '/d/f'); await state.moveTree('/d', '/d');
        const refused = [];
        for (const go of [() => state.moveTree('/d', '/d/in/side'), () => state.copyTree('/d', '/d/in/side')])
            await go().catch((error) => refused.push(error.code));
        [await state.readFile('/d/f'), await state.readdir('/d'), refused]";
    assert_eq!(value(code), json!(["x", ["f"], ["EINVAL", "EINVAL"]]));
}

fn links() {
    let code = "await state.writeFile('/d/f', 'x'); await state.symlink('d', '/l'); await state.symlink('../d', '/new/l');
        [await state.readlink('/l'), await state.realpath('/new/l/f'), await state.readFile('/l/f'),
         (await state.find('/l')).map((f) => f.type), (await state.find('/')).some((f) => f.path === '/l/f')]";
    assert_eq!(value(code), json!(["d", "/d/f", "x", ["symlink"], false]));
}

fn find() {
    let code = "await state.writeFile('/p/src/a.ts', '12345'); await state.writeFile('/p/src/deep/b.ts', '');
        await state.writeFile('/p/.hidden', '1'); await state.symlink('src', '/p/link');
        const paths = async (options) => (await state.find('/p', options)).map((f) => f.path.slice(2));
        const [root] = await state.find('/p');
        [
            [root.path, root.name, root.type, root.depth, root.size, root.mtime instanceof Date],
            await paths({ name: '*.ts' }),
            await paths({ pathPattern: '/p/src/*' }),
            await paths({ pathPattern: '/p/**/*.ts', minDepth: 3 }),
            await paths({ type: ['directory', 'symlink'] }),
            await paths({ type: 'file', maxDepth: 1 }),
            await paths({ empty: true, type: 'file' }),
            await paths({ sizeMin: 1, sizeMax: 1, type: 'file' }),
            await paths({ mtimeAfter: new Date(Date.now() + 1e6) }),
            (await paths({ mtimeBefore: '2999-01-01' })).length,
            await state.find('/none'),
        ]";
    assert_eq!(
        value(code),
        json!([
            ["/p", "p", "directory", 0, 0, true],
            ["/src/a.ts", "/src/deep/b.ts"],
            ["/src/a.ts", "/src/deep"],
            ["/src/deep/b.ts"],
            ["", "/link", "/src", "/src/deep"],
            ["/.hidden"],
            ["/src/deep/b.ts"],
            ["/.hidden"],
            [],
            7,
            [],
        ])
    );
}

fn walks() {
    let code = "await state.writeFile('/w/a/b', '123'); await state.writeFile('/w/c', '4'); await state.symlink('c', '/w/l');
        const plain = (t) => t.children ? { [t.name]: t.children.map(plain) } : `${t.name} ${t.type} ${t.size}`;
        [plain(await state.walkTree('/w')), plain(await state.walkTree('/w', { maxDepth: 1 })),
         plain(await state.walkTree('/w/c')), await state.summarizeTree('/w'), await state.summarizeTree('/w', { maxDepth: 1 })]";
    assert_eq!(
        value(code),
        json!([
            { "w": [{ "a": ["b file 3"] }, "c file 1", "l symlink 1"] },
            { "w": ["a directory 0", "c file 1", "l symlink 1"] },
            "c file 1",
            { "files": 2, "directories": 2, "symlinks": 1, "totalBytes": 4, "maxDepth": 2 },
            { "files": 1, "directories": 2, "symlinks": 1, "totalBytes": 1, "maxDepth": 1 },
        ])
    );
}

fn not_cut() {
    let code = "for (let i = 0; i < 1500; i++) await state.writeFile(`/many/${i}`, '');
        await state.moveTree('/many', '/moved'); await state.copyTree('/moved', '/copied');
        [(await state.readdir('/moved')).length, (await state.find('/copied')).length,
         (await state.walkTree('/moved')).children.length]";
    assert_eq!(value(code), json!([1500, 1501, 1500]));
}

fn errors() {
    check_failures(
        "await state.writeFile('/d/f', 'x'); await state.symlink('nowhere', '/l')",
        &[
            ("state.readFile('/no')", "ENOENT: no such file or directory, open '/no'", Some("ENOENT")),
            ("state.readFile('/d')", "EISDIR: illegal operation on a directory, read '/d'", Some("EISDIR")),
            ("state.writeFile('/d/f/x', '')", "ENOTDIR: not a directory, open '/d/f/x'", Some("ENOTDIR")),
            ("state.readdir('/no')", "ENOENT: no such file or directory, scandir '/no'", Some("ENOENT")),
            ("state.readdir('/d/f')", "ENOTDIR: not a directory, scandir '/d/f'", Some("ENOTDIR")),
            ("state.mkdir('/d')", "EEXIST: directory already exists, mkdir '/d'", Some("EEXIST")),
            ("state.mkdir('/d/f')", "EEXIST: file already exists, mkdir '/d/f'", Some("EEXIST")),
            ("state.mkdir('/a/b')", "ENOENT: no such file or directory, mkdir '/a/b'", Some("ENOENT")),
            ("state.rm('/no')", "ENOENT: no such file or directory, rm '/no'", Some("ENOENT")),
            ("state.rm('/d')", "ENOTEMPTY: directory not empty, rm '/d'", Some("ENOTEMPTY")),
            ("state.removeTree('/')", "EPERM: cannot remove root directory", Some("EPERM")),
            ("state.cp('/no', '/x')", "ENOENT: no such file or directory, cp '/no'", Some("ENOENT")),
            ("state.cp('/d', '/x')", "EISDIR: cannot copy directory without recursive: /d", Some("EISDIR")),
            ("state.mv('/d', '/x')", "EISDIR: cannot move directory without recursive: /d", Some("EISDIR")),
            ("state.mv('/l', '/d')", "EISDIR: cannot overwrite directory: /d", Some("EISDIR")),
            ("state.symlink('', '/x')", "EINVAL: symlink target must not be empty", Some("EINVAL")),
            ("state.symlink('a', '/l')", "EEXIST: file already exists, symlink '/l'", Some("EEXIST")),
            ("state.symlink('a', '/')", "EPERM: cannot create symlink at root", Some("EPERM")),
            ("state.readlink('/d')", "EINVAL: invalid argument, readlink '/d'", Some("EINVAL")),
            ("state.walkTree('/no')", "ENOENT: no such file or directory: /no", Some("ENOENT")),
            (
                "state.readFile('/' + 'x/'.repeat(3000))",
                "ENAMETOOLONG: path exceeds 4096 characters",
                Some("ENAMETOOLONG"),
            ),
        ],
    );
}
