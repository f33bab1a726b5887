//! Filesystem errors as JavaScript sees them: Node's message and Node's properties.

use std::borrow::Cow;
use std::fmt;

use cowry_vfs::Error;
use deno_error::{AdditionalProperties, JsErrorBox, JsErrorClass, PropertyValue};

/// A filesystem error that becomes an `Error` with `errno`, `code`, `syscall`, `path` and `dest`.
#[derive(Debug)]
pub(crate) struct FsError(Error);

impl From<Error> for FsError {
    fn from(error: Error) -> Self {
        FsError(error)
    }
}

/// The same where any error is expected.
pub(crate) fn fs_error(error: Error) -> JsErrorBox {
    JsErrorBox::from_err(FsError(error))
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for FsError {}

impl JsErrorClass for FsError {
    fn get_class(&self) -> Cow<'static, str> {
        "Error".into()
    }

    fn get_message(&self) -> Cow<'static, str> {
        self.0.to_string().into()
    }

    fn get_additional_properties(&self) -> AdditionalProperties {
        let errno = self.0.errno();
        let text =
            |key: &'static str, value: &str| (key.into(), PropertyValue::String(value.to_owned().into()));
        let mut properties = vec![
            ("errno".into(), PropertyValue::Number(-f64::from(errno.code()))),
            text("code", errno.name()),
            text("syscall", self.0.op()),
        ];
        properties.extend(self.0.path().map(|path| text("path", path)));
        properties.extend(self.0.dest().map(|dest| text("dest", dest)));
        Box::new(properties.into_iter())
    }

    fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}
