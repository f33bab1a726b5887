//! How operations are called.

use serde_json::json;

use super::{check_failures, value};
use crate::support::Case;

pub const CASES: &[Case] = &[
    ("state::takes_one_object_or_values_in_order", either_form),
    ("state::is_a_global_and_a_module", global_and_module),
    ("state::wrong_calls_say_what_is_right", wrong_calls),
    ("state::halves_of_characters_are_replaced", halves),
];

fn either_form() {
    let code = "
        await state.writeFile({ path: '/a/b.txt', content: 'one' });
        await state.appendFile('a/b.txt', ' two');
        await state.writeFileBytes('/raw', new Uint8Array([1, 255]));
        await state.appendFile({ path: '/raw', content: new Uint8Array([0]) });
        await state.mkdir('/x/y', { recursive: true });
        await state.mkdir({ path: '/x/z', options: null });
        [await state.readFile({ path: '/a/b.txt' }), [...await state.readFileBytes('/raw')],
         await state.readdir('/x'), state.readFile('/a/b.txt') instanceof Promise]";
    assert_eq!(value(code), json!(["one two", [1, 255, 0], ["y", "z"], true]));
}

fn global_and_module() {
    let code = "import { state as imported } from 'cowry:state';
        [imported === state, require('cowry:state').state === state, Object.keys(state).length, state.readFile.name]";
    assert_eq!(value(code), json!([true, true, 46, "readFile"]));
}

fn wrong_calls() {
    check_failures(
        "",
        &[
            (
                "state.readFile({ file: '/a' })",
                "state.readFile takes a single object argument: state.readFile({ path })",
                None,
            ),
            (
                "state.readFile('/a', 'utf8')",
                "state.readFile takes a single object argument: state.readFile({ path })",
                None,
            ),
            (
                "state.writeFile({ path: '/a' })",
                "state.writeFile: missing required parameter \"content\" — expected state.writeFile({ path, content })",
                None,
            ),
            (
                "state.readFile()",
                "state.readFile: missing required parameter \"path\" — expected state.readFile({ path })",
                None,
            ),
            (
                "state.writeFile('/a', 1)",
                "state.writeFile: parameter \"content\" must be a string — expected state.writeFile({ path, content })",
                None,
            ),
            (
                "state.mkdir({ path: 7 })",
                "state.mkdir: parameter \"path\" must be a string — expected state.mkdir({ path, options? })",
                None,
            ),
            (
                "state.writeFileBytes('/a', 'text')",
                "state.writeFileBytes: parameter \"content\" must be a Uint8Array — expected \
                 state.writeFileBytes({ path, content })",
                None,
            ),
            (
                "state.find('/', { mtimeAfter: 'soon' })",
                "state.find: parameter \"options.mtimeAfter\" must be a Date or the text of one — expected \
                 state.find({ path, options? })",
                None,
            ),
        ],
    );
}

fn halves() {
    let code = "await state.writeFile('/a', 'x\\ud83d'); await state.writeJson('/b', { k: '\\ude00' });
        await state.updateJson('/b', [{ op: 'set', path: '.\\ud83d', value: 1 }]);
        [await state.readFile('/a'), await state.readFile('/b')]";
    assert_eq!(value(code)[0], "x\u{fffd}");
}
