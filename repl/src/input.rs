//! `--input`: JSON, a file of it, or standard input.

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::stdin;

/// The JSON text that `given` stands for, checked.
pub fn read(given: &str, out: &mut Output) -> Outcome<String> {
    let (name, bytes) = match given.strip_prefix('@') {
        Some(file) => {
            let path = Path::new(file);
            (file, std::fs::read(path).map_err(|error| Failure::host("read", path, &error))?)
        }
        None if given == "-" => ("standard input", stdin::whole(out)?),
        None => ("--input", given.as_bytes().to_vec()),
    };
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::new(format!("{name} is no JSON: it is not UTF-8")))?;
    check(name, &text)?;
    Ok(text)
}

fn check(name: &str, text: &str) -> Outcome<()> {
    let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) else { return Ok(()) };
    let advice = match name {
        "--input" if text.trim().is_empty() => "; give `null` where there is nothing",
        // Forgetting the quotes round a string is the likeliest mistake.
        "--input" if !text.trim_start().starts_with(['{', '[', '"']) => {
            "; a string needs quotes, as in '\"text\"', a file is @FILE"
        }
        _ => "",
    };
    Err(Failure::new(format!("{name} is no JSON: {error}{advice}")))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn bad_json_is_told_with_its_place() {
        let told = |text| check("--input", text).expect_err("refused").to_string();
        assert_eq!(told("{\"a\": }"), "--input is no JSON: expected value at line 1 column 7");
        assert!(told("hello").contains("a string needs quotes"));
        assert!(check("--input", "{\"a\": [1, 2.5, null]}").is_ok());
    }
}
