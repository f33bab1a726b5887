//! How the operations of `state` are called.

use cowry_shell_core::state::{METHODS, Method};

/// How a function is called, what it answers and does, where that is known.
pub fn signature(path: &[String], name: &str) -> Option<String> {
    let method = method(path, name)?;
    Some(format!("{name}({}): Promise<{}>  {}", arguments(method), method.result, method.doc))
}

/// The arguments of the call that has just been opened at the end of what is typed, `state.readFile(`, or that can be:
/// `state.readFile`. A name that Tab has completed was the only one, and was not listed.
pub fn opened(typed: &str) -> Option<String> {
    let called = typed.strip_suffix('(');
    let name = called.unwrap_or(typed);
    let start = name.rfind("state.").filter(|at| {
        let before = name[..*at].chars().next_back();
        before.is_none_or(|c| !super::lex::is_word(c) && c != '.')
    })?;
    let arguments = method(&["state".to_owned()], &name[start + "state.".len()..]).map(arguments)?;
    Some(if called.is_some() { arguments } else { format!("({arguments})") })
}

fn method(path: &[String], name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| path == ["state"] && method.name == name)
}

fn arguments(method: &Method) -> String {
    let field = |param: &cowry_shell_core::state::Param| {
        format!("{}{}: {}", param.name, if param.optional { "?" } else { "" }, param.ty)
    };
    let fields: Vec<String> = method.params.iter().map(field).collect();
    if fields.is_empty() { String::new() } else { format!("{{ {} }}", fields.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::{METHODS, opened, signature};

    fn of(path: &str, name: &str) -> Option<String> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        signature(&path, name)
    }

    #[test]
    fn every_operation_of_state_has_one() {
        assert!(METHODS.iter().all(|method| of("state", method.name).is_some()));
        assert_eq!(
            of("state", "readFile").as_deref(),
            Some("readFile({ path: string }): Promise<string>  The text of a file (UTF-8).")
        );
    }

    #[test]
    fn others_have_none() {
        assert_eq!(of("state", "nothing"), None);
        assert_eq!(of("fs", "readFile"), None);
        assert_eq!(of("my.state", "readFile"), None);
    }

    #[test]
    fn a_call_that_is_opened_tells_its_arguments() {
        assert_eq!(opened("await state.readFile(").as_deref(), Some("{ path: string }"));
        assert_eq!(opened("await state.readFile").as_deref(), Some("({ path: string })"));
        for typed in ["state.readFil", "state.readFile({", "my.state.readFile(", "estate.readFile(", "f("] {
            assert_eq!(opened(typed), None, "{typed}");
        }
    }
}
