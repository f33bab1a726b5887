//! JSON files.

use serde_json::json;

use super::{check_failures, value};
use crate::support::Case;

pub const CASES: &[Case] = &[
    ("state::json_is_written_and_read", written),
    ("state::json_is_asked_by_path", asked),
    ("state::json_is_changed_by_path", changed),
    ("state::keys_such_as_proto_are_plain_data", proto),
    ("state::json_errors_name_file_and_place", errors),
];

fn written() {
    let code = "await state.writeJson('/a/x.json', { b: [1, {}], a: 'ä' });
        await state.writeJson({ path: '/y.json', value: [1], options: { spaces: 0 } });
        await state.writeJson('/z.json', { a: [] }, { spaces: 4 });
        [await state.readFile('/a/x.json'), await state.readJson('/a/x.json'), await state.readFile('/y.json'),
         await state.readFile('/z.json')]";
    assert_eq!(
        value(code),
        json!([
            "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": \"ä\"\n}\n",
            { "b": [1, {}], "a": "ä" },
            "[1]\n",
            "{\n    \"a\": []\n}\n",
        ])
    );
}

fn asked() {
    let code =
        "await state.writeJson('/u.json', { users: [{ name: 'Ada' }, { name: 'Bob', 'odd key': [1, 2] }] });
        const ask = (query) => state.queryJson({ path: '/u.json', query });
        [await ask('.users[0].name'), await ask('users[-1][\"odd key\"][-1]'), (await ask('.')).users.length,
         await ask('.users[9]') === undefined, await ask('.none') === undefined]";
    assert_eq!(value(code), json!(["Ada", 2, 2, true, true]));
}

fn changed() {
    let code = "await state.writeFile('/c.json', '{\"b\":1,\"list\":[1,2,3]}');
        const done = await state.updateJson('/c.json', [
            { op: 'set', path: '.new.deep[0]', value: { x: null } },
            { op: 'delete', path: '.list[1]' },
            { op: 'delete', path: '.b' },
        ]);
        [done.value, done.operationsApplied, done.content === await state.readFile('/c.json'),
         done.diff.startsWith('--- '), done.content]";
    assert_eq!(
        value(code),
        json!([
            { "list": [1, 3], "new": { "deep": [{ "x": null }] } },
            3,
            true,
            true,
            "{\n  \"list\": [\n    1,\n    3\n  ],\n  \"new\": {\n    \"deep\": [\n      {\n        \"x\": null\n      }\n    ]\n  }\n}\n",
        ])
    );
}

fn proto() {
    let code = "await state.writeFile('/p.json', '{}');
        const { value } = await state.updateJson('/p.json', [
            { op: 'set', path: '.__proto__.polluted', value: true },
            { op: 'set', path: '.constructor.prototype.polluted', value: true },
        ]);
        [await state.readFile('/p.json'), Object.hasOwn(value, '__proto__'), ({}).polluted === undefined,
         await state.queryJson('/p.json', '.__proto__.polluted')]";
    let seen = value(code);
    assert!(seen[0].as_str().unwrap().contains("__proto__"), "{seen}");
    assert_eq!([&seen[1], &seen[2], &seen[3]], [true, true, true], "{seen}");
}

fn errors() {
    check_failures(
        "await state.writeFile('/bad.json', '{nope}'); await state.writeFile('/ok.json', '{\"a\":[1]}')",
        &[
            (
                "state.readJson('/no.json')",
                "ENOENT: no such file or directory, open '/no.json'",
                Some("ENOENT"),
            ),
            (
                "state.queryJson('/bad.json', '')",
                "Invalid JSON in /bad.json: key must be a string at line 1 column 2",
                None,
            ),
            ("state.queryJson('/ok.json', '.a[')", "Invalid JSON path: .a[", None),
            ("state.queryJson('/ok.json', '[0]')", "JSON query expected array access at [0]", None),
            ("state.queryJson('/ok.json', '.a.b')", "JSON query expected object access at \"b\"", None),
            (
                "state.updateJson('/ok.json', [{ op: 'set', path: '', value: 1 }])",
                "JSON update path must not be empty",
                None,
            ),
            (
                "state.updateJson('/ok.json', [{ op: 'delete', path: '.' }])",
                "JSON delete path must not be empty",
                None,
            ),
            (
                "state.updateJson('/ok.json', [{ op: 'set', path: '.a.b', value: 1 }])",
                "JSON update expected object at \"b\"",
                None,
            ),
            ("state.writeJson('/x.json', 1n)", "Unable to serialize JSON for /x.json", None),
            ("state.writeJson('/x.json', () => 1)", "Unable to serialize JSON for /x.json", None),
        ],
    );
    let code = "await state.writeFile('/bad.json', '{nope}'); await state.readJson('/bad.json').catch((e) => e.message)";
    assert!(value(code).as_str().unwrap().starts_with("Invalid JSON in /bad.json: "));
}
