//! `detectFile`: what a file is, by its first bytes and, where they are text, by its name.

use cowry_vfs::OpenOptions;
use serde::Serialize;

use super::{State, StateError};

/// How much is looked at, in bytes.
const HEAD: usize = 8 << 10;

/// Extensions that mean something else to programmers than to the registry of media types, or that it does not know.
const TEXTS: &[(&str, &str)] = &[
    ("cjs", "text/javascript"),
    ("cts", "text/typescript"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("jsonl", "application/x-ndjson"),
    ("jsx", "text/javascript"),
    ("md", "text/markdown"),
    ("mjs", "text/javascript"),
    ("mts", "text/typescript"),
    ("ndjson", "application/x-ndjson"),
    ("svg", "image/svg+xml"),
    ("toml", "application/toml"),
    ("ts", "text/typescript"),
    ("tsv", "text/tab-separated-values"),
    ("tsx", "text/typescript"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
];

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Detected {
    /// Its media type.
    pub(crate) mime: String,
    /// That, with the extension in parentheses.
    pub(crate) description: String,
    /// What follows the last dot of its name, if anything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extension: Option<String>,
    /// Whether it is anything but UTF-8 text.
    pub(crate) binary: bool,
}

impl State<'_> {
    /// What a file is.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) fn detect_file(&self, path: &str) -> Result<Detected, StateError> {
        let file = self.vfs.open(path, OpenOptions::read())?;
        let head = file.read_bytes_at(0, HEAD).map_err(|error| StateError::of_read(error, path))?;
        Ok(detect(&head, path))
    }
}

fn detect(head: &[u8], path: &str) -> Detected {
    let extension = extension(path);
    let binary = !is_text(head);
    let mime = mime(head, extension.as_deref(), binary);
    let description = match &extension {
        Some(extension) => format!("{mime} ({extension})"),
        None => mime.clone(),
    };
    Detected { mime, description, extension, binary }
}

/// What the bytes of a binary file say counts more than its name; a text is what its name says.
fn mime(head: &[u8], extension: Option<&str>, binary: bool) -> String {
    let by_content = infer::get(head).map(|found| found.mime_type());
    let lower = extension.map(str::to_ascii_lowercase);
    let by_name = lower.as_deref().and_then(|extension| {
        let known = TEXTS.iter().find(|(text, _)| *text == extension).map(|(_, mime)| *mime);
        known.or_else(|| mime_guess::from_ext(extension).first_raw())
    });
    let found = match (binary, by_content, by_name) {
        // A registered name of a binary type says nothing true of a text.
        (false, _, Some(by_name)) if !is_media(by_name) => by_name,
        (false, by_content, _) => by_content.unwrap_or("text/plain"),
        (true, Some(by_content), Some(by_name)) if is_container(by_content) => by_name,
        (true, Some(by_content), _) => by_content,
        (true, None, Some(by_name)) if !is_textual(by_name) => by_name,
        (true, None, _) => "application/octet-stream",
    };
    found.to_owned()
}

fn is_media(mime: &str) -> bool {
    ["audio/", "video/", "font/"].iter().any(|kind| mime.starts_with(kind))
        || (mime.starts_with("image/") && mime != "image/svg+xml")
}

fn is_textual(mime: &str) -> bool {
    mime.starts_with("text/") || TEXTS.iter().any(|(_, text)| *text == mime)
}

/// Formats that are zip files inside cannot all be told by their first bytes.
fn is_container(mime: &str) -> bool {
    mime == "application/zip"
}

/// UTF-8 without control characters but those of text. It may end within a character, since it is only the beginning.
fn is_text(head: &[u8]) -> bool {
    let whole = match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_some() || head.len() < HEAD => return false,
        Err(error) => &head[..error.valid_up_to()],
        Ok(_) => head,
    };
    !whole.iter().any(|byte| *byte < 7)
}

/// A name that only begins with a dot has none.
fn extension(path: &str) -> Option<String> {
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_owned())
}
