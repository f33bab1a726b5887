//! What pushes are called.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The longest name, in bytes.
const LONGEST: usize = 100;

/// What a push may be called: letters, digits, `-`, `_` and `.` of ASCII, up to 100 bytes, and no dot at the beginning.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PushName(String);

/// Why something is no name of a push.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} cannot name a push: use letters, digits, - _ and . of ASCII, up to 100, not beginning with a dot"
)]
pub struct PushNameError(pub String);

impl PushName {
    /// The name by which a workspace is pushed unless it is said otherwise: that of its file, without the extension. What
    /// a name cannot have becomes `-`.
    pub fn of_file(file: &Path) -> PushName {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let fit = |c: char| if fits(c) { c } else { '-' };
        let name: String = stem.trim_start_matches('.').chars().map(fit).take(LONGEST).collect();
        PushName(if name.is_empty() { "workspace".into() } else { name })
    }

    /// The name as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fits(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

impl FromStr for PushName {
    type Err = PushNameError;

    fn from_str(text: &str) -> Result<PushName, PushNameError> {
        let is_one =
            !text.is_empty() && text.len() <= LONGEST && !text.starts_with('.') && text.chars().all(fits);
        if is_one { Ok(PushName(text.to_owned())) } else { Err(PushNameError(text.to_owned())) }
    }
}

impl fmt::Display for PushName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
