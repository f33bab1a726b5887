//! How a file of rows is to be read.

use super::super::value::Kind;

/// What lies between fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// Whatever cuts the first rows most evenly: a comma, semicolon, tab or vertical bar.
    #[default]
    Auto,
    /// This ASCII character.
    Given(u8),
}

/// Where the names of columns come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Header {
    /// The first row.
    #[default]
    First,
    /// The first row if it looks like names, else there are none.
    Auto,
    /// There are none: columns are `c1`, `c2`, ….
    None,
    /// These; the first row is data.
    Names(Vec<String>),
}

/// What decides about the kinds of columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Types {
    /// The first rows do. A later number is one though they were whole; what else does not fit stays text.
    #[default]
    Auto,
    /// Everything is text.
    Text,
    /// These columns are cast, and a value that does not fit makes its row a bad one; the others are as in `Auto`.
    Cast(Vec<(String, Kind)>),
}

/// Which fields without quotes are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// Empty ones, unless everything is text.
    #[default]
    Auto,
    /// Those that are one of these.
    Given(Vec<String>),
}

/// How a file of rows is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvOptions {
    pub(crate) delimiter: Delimiter,
    /// What quotes fields; none if `None`.
    pub(crate) quote: Option<u8>,
    pub(crate) header: Header,
    /// Which columns, in which order; all if `None`.
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) types: Types,
    pub(crate) nulls: Nulls,
    /// Lines that begin with it are left out.
    pub(crate) comment: Option<u8>,
    /// Rows may be shorter than the header, which makes nulls, or longer, which is left out.
    pub(crate) ragged: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            delimiter: Delimiter::Auto,
            quote: Some(b'"'),
            header: Header::First,
            columns: None,
            types: Types::Auto,
            nulls: Nulls::Auto,
            comment: None,
            ragged: false,
        }
    }
}

impl CsvOptions {
    /// The same for a file whose name says that it has tabs.
    pub(crate) fn tabbed(mut self) -> CsvOptions {
        if self.delimiter == Delimiter::Auto {
            self.delimiter = Delimiter::Given(b'\t');
        }
        self
    }
}
