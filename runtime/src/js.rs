//! The bootstrap sources, and which of them stand behind which built-in module.

use std::sync::Arc;

use deno_core::ExtensionFileSource;

use crate::embedded;

/// Scripts of ours: each is one function expression that answers with what it exports.
macro_rules! scripts {
    ($($file:literal),* $(,)?) => {
        &[$((concat!("ext:cowry/", $file), include_str!(concat!("js/", $file)))),*]
    };
}

const SCRIPTS: &[(&str, &str)] = scripts![
    "assert.js",
    "assert_strict.js",
    "buffer.js",
    "clone.js",
    "commonjs.js",
    "console.js",
    "console_module.js",
    "cowry_fs.js",
    "crypto.js",
    "data.js",
    "data/csv.js",
    "data/json.js",
    "data/ndjson.js",
    "data/read.js",
    "data/write.js",
    "decorate.js",
    "decorate_metadata.js",
    "decorate_param.js",
    "equal.js",
    "errors.js",
    "events.js",
    "facade.js",
    "fs.js",
    "fs/arguments.js",
    "fs/constants.js",
    "fs/promises.js",
    "fs/stats.js",
    "fs/streams.js",
    "fs/sync.js",
    "fs/trees.js",
    "globals.js",
    "host_process.js",
    "intl.js",
    "intl/date.js",
    "intl/locale.js",
    "intl/number.js",
    "job.js",
    "main.js",
    "members.js",
    "module.js",
    "os.js",
    "path.js",
    "perf_hooks.js",
    "process.js",
    "querystring.js",
    "random.js",
    "show.js",
    "readline.js",
    "readline_promises.js",
    "shell.js",
    "shell/filesystem.js",
    "shell/workspace.js",
    "sql.js",
    "state.js",
    "state_module.js",
    "stream.js",
    "stream_promises.js",
    "string_decoder.js",
    "ticks.js",
    "timers.js",
    "timers_promises.js",
    "touch.js",
    "url.js",
    "util.js",
    "util_types.js",
    "vendor.js",
];

/// Files of packages, as they were published.
const VENDORED: &[(&str, &str)] = scripts![
    "vendor/base64-js/index.js",
    "vendor/buffer/index.js",
    "vendor/events/events.js",
    "vendor/ieee754/index.js",
    "vendor/path-browserify/index.js",
    "vendor/querystring-es3/decode.js",
    "vendor/querystring-es3/encode.js",
    "vendor/querystring-es3/index.js",
    "vendor/readable-stream/lib/internal/shims/process.js",
    "vendor/readable-stream/lib/internal/streams/add-abort-signal.js",
    "vendor/readable-stream/lib/internal/streams/buffer_list.js",
    "vendor/readable-stream/lib/internal/streams/compose.js",
    "vendor/readable-stream/lib/internal/streams/destroy.js",
    "vendor/readable-stream/lib/internal/streams/duplex.js",
    "vendor/readable-stream/lib/internal/streams/duplexify.js",
    "vendor/readable-stream/lib/internal/streams/end-of-stream.js",
    "vendor/readable-stream/lib/internal/streams/from.js",
    "vendor/readable-stream/lib/internal/streams/lazy_transform.js",
    "vendor/readable-stream/lib/internal/streams/legacy.js",
    "vendor/readable-stream/lib/internal/streams/operators.js",
    "vendor/readable-stream/lib/internal/streams/passthrough.js",
    "vendor/readable-stream/lib/internal/streams/pipeline.js",
    "vendor/readable-stream/lib/internal/streams/readable.js",
    "vendor/readable-stream/lib/internal/streams/state.js",
    "vendor/readable-stream/lib/internal/streams/transform.js",
    "vendor/readable-stream/lib/internal/streams/utils.js",
    "vendor/readable-stream/lib/internal/streams/writable.js",
    "vendor/readable-stream/lib/internal/validators.js",
    "vendor/readable-stream/lib/ours/browser.js",
    "vendor/readable-stream/lib/ours/errors.js",
    "vendor/readable-stream/lib/ours/primordials.js",
    "vendor/readable-stream/lib/ours/util.js",
    "vendor/readable-stream/lib/ours/util/inspect.js",
    "vendor/readable-stream/lib/stream.js",
    "vendor/readable-stream/lib/stream/promises.js",
    "vendor/string_decoder/lib/string_decoder.js",
];

/// Built-in modules as programs import them, and the script whose exports they are.
pub(crate) const BUILTIN_MODULES: &[(&str, &str)] = &[
    ("node:assert", "ext:cowry/assert.js"),
    ("node:assert/strict", "ext:cowry/assert_strict.js"),
    ("node:buffer", "ext:cowry/buffer.js"),
    ("node:console", "ext:cowry/console_module.js"),
    ("node:crypto", "ext:cowry/crypto.js"),
    ("node:events", "ext:cowry/events.js"),
    ("node:fs", "ext:cowry/fs.js"),
    ("node:fs/promises", "ext:cowry/fs/promises.js"),
    ("node:module", "ext:cowry/module.js"),
    ("node:os", "ext:cowry/os.js"),
    ("node:path", "ext:cowry/path.js"),
    ("node:path/posix", "ext:cowry/path.js"),
    ("node:perf_hooks", "ext:cowry/perf_hooks.js"),
    ("node:process", "ext:cowry/process.js"),
    ("node:querystring", "ext:cowry/querystring.js"),
    ("node:readline", "ext:cowry/readline.js"),
    ("node:readline/promises", "ext:cowry/readline_promises.js"),
    ("node:stream", "ext:cowry/stream.js"),
    ("node:stream/promises", "ext:cowry/stream_promises.js"),
    ("node:string_decoder", "ext:cowry/string_decoder.js"),
    ("node:timers", "ext:cowry/timers.js"),
    ("node:timers/promises", "ext:cowry/timers_promises.js"),
    ("node:url", "ext:cowry/url.js"),
    ("node:util", "ext:cowry/util.js"),
    ("node:util/types", "ext:cowry/util_types.js"),
    ("cowry:csv", "ext:cowry/data/csv.js"),
    ("cowry:fs", "ext:cowry/cowry_fs.js"),
    ("cowry:json", "ext:cowry/data/json.js"),
    ("cowry:ndjson", "ext:cowry/data/ndjson.js"),
    ("cowry:shell", "ext:cowry/shell.js"),
    ("cowry:sql", "ext:cowry/sql.js"),
    ("cowry:state", "ext:cowry/state_module.js"),
    ("cowry:commonjs", "ext:cowry/facade.js"),
    ("cowry:decorate", "ext:cowry/decorate.js"),
    ("cowry:decorateMetadata", "ext:cowry/decorate_metadata.js"),
    ("cowry:decorateParam", "ext:cowry/decorate_param.js"),
];

/// Modules of Node's that are not here, for errors that say so.
pub(crate) const ABSENT_MODULES: &[&str] = &[
    "async_hooks",
    "child_process",
    "cluster",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "http",
    "http2",
    "https",
    "inspector",
    "net",
    "punycode",
    "repl",
    "sqlite",
    "sys",
    "test",
    "tls",
    "trace_events",
    "tty",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Every script, ready to be registered.
pub(crate) fn scripts() -> Vec<ExtensionFileSource> {
    let ours = SCRIPTS.iter().map(|(name, source)| (*name, embedded::bare(source)));
    let vendored = VENDORED.iter().map(|(name, source)| (*name, as_function(source)));
    ours.chain(vendored).map(|(name, source)| ExtensionFileSource::new_computed(name, source)).collect()
}

/// A CommonJS file as an expression that is its wrapper function.
fn as_function(source: &str) -> Arc<str> {
    // Without parentheses, for the reason that `embedded::bare` has.
    format!("\"use strict\"; return (0), function (exports, require, module) {{{source}\n}};").into()
}
