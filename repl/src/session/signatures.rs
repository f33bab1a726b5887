//! What is known of functions beyond their names.

/// How a function is called, where that is known.
pub fn signature(_path: &[String], _name: &str) -> Option<String> {
    None
}
