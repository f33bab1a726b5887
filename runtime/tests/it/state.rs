//! `state`, from programs.

use crate::support::{Case, eval};

pub const CASES: &[Case] = &[("state::files_are_written_and_read_in_either_form", either_form)];

fn either_form() {
    let code = "import { state as same } from 'cowry:state';
        await state.writeFile({ path: '/a/b.txt', content: 'one' });
        await state.appendFile('a/b.txt', ' two');
        await state.writeFileBytes('/raw', new Uint8Array([1, 2]));
        [await state.readFile({ path: '/a/b.txt' }), [...await state.readFileBytes('/raw')], same === state]";
    assert_eq!(eval(code).json(), r#"["one two",[1,2],true]"#);
}
