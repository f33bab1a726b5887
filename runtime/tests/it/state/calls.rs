//! How operations are called.

use cowry_runtime::state::{METHODS, declarations, prompt};
use cowry_runtime::{Job, Limits, Program, SourceKind};
use serde_json::json;

use super::{check_failures, value};
use crate::support::{Case, run, sandbox};

pub const CASES: &[Case] = &[
    ("state::takes_one_object_or_values_in_order", either_form),
    ("state::is_a_global_and_a_module", global_and_module),
    ("state::wrong_calls_say_what_is_right", wrong_calls),
    ("state::every_operation_of_the_table_can_be_called", every_one),
    ("state::a_batch_that_fails_is_undone_and_says_so", batch),
    ("state::declarations_are_typescript_for_what_is_there", declared),
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
                "state.rm({ path: '/none', options: { recursive: undefined, froce: true } })",
                "state.rm: there is no option \"froce\": recursive, force",
                None,
            ),
            (
                "state.writeJson('/a', {}, { indent: 4 })",
                "state.writeJson: there is no option \"indent\": spaces",
                None,
            ),
            (
                "state.replaceInFiles('/*', 'a', 'b', { dryrun: true })",
                "state.replaceInFiles: there is no option \"dryrun\": caseSensitive, regex, wholeWord, contextBefore, \
                 contextAfter, maxMatches, dryRun, rollbackOnError",
                None,
            ),
            (
                "state.find('/', { nme: '*.ts' })",
                "state.find: there is no option \"nme\": name, pathPattern, type, minDepth, maxDepth, empty, sizeMin, \
                 sizeMax, mtimeAfter, mtimeBefore",
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

/// None is a row without anything behind it.
fn every_one() {
    let calls = METHODS.iter().map(|method| {
        let required = method.params.iter().filter(|param| !param.optional);
        format!("() => state.{}({})", method.name, required.map(|_| "'/x'").collect::<Vec<_>>().join(", "))
    });
    let code = format!(
        "const missing = [];
         for (const call of [{}]) await call().catch((error) => {{
             if (/not supported/.test(error.message)) missing.push(String(call));
         }});
         missing",
        calls.collect::<Vec<_>>().join(", ")
    );
    assert_eq!(value(&code), json!([]));
}

fn batch() {
    let code = "import { StateBatchOperationError } from '@cloudflare/shell';
        await state.writeFile('/a', 'old'); await state.mkdir('/dir');
        const error = await state.applyEdits([{ path: '/a', content: 'new' }, { path: '/dir', content: 'x' }]).catch((e) => e);
        [error instanceof StateBatchOperationError, error.name, error.operation, error.rolledBack, error.code, await state.readFile('/a')]";
    assert_eq!(value(code), json!([true, "StateBatchOperationError", "applyEdits", true, "EISDIR", "old"]));
}

/// The global has the operations of the table in its order, and a program that begins with the declarations runs.
fn declared() {
    let names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(value("Object.keys(state)"), json!(names));
    let code = format!("{} export default await state.exists('/');", declarations());
    let job = Job::new(Program::Source { name: "job.ts".into(), code, kind: SourceKind::Module });
    assert_eq!(run(&mut sandbox(Limits::default()), &job).json(), "true");
    assert!(prompt().contains(&declarations()));
}

fn halves() {
    let code = "await state.writeFile('/a', 'x\\ud83d'); await state.writeJson('/b', { k: '\\ude00' });
        await state.updateJson('/b', [{ op: 'set', path: '.\\ud83d', value: 1 }]);
        [await state.readFile('/a'), await state.readFile('/b')]";
    assert_eq!(value(code)[0], "x\u{fffd}");
}
