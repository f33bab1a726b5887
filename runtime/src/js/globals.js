// The web platform's globals, loaded at once: what a fork touches first would cost it.
(function () {
const { core } = __bootstrap;
const web = (name) => core.loadExtScript(`ext:deno_web/${name}.js`);

const { DOMException, QuotaExceededError } = web("01_dom_exception");
const url = web("00_url");
const { URLPattern } = web("01_urlpattern");
const event = web("02_event");
const timers = core.loadExtScript("ext:cowry/timers.js");
const abort = web("03_abort_signal");
const base64 = web("05_base64");
const streams = web("06_streams");
const encoding = web("08_text_encoding");
const file = web("09_file");
const { FileReader } = web("10_filereader");
const port = web("13_message_port");
const compression = web("14_compression");
const perf = web("15_performance");
const { console } = core.loadExtScript("ext:cowry/console.js");
const crypto = core.loadExtScript("ext:cowry/random.js");

event.saveGlobalThisReference(globalThis);

// Operations of the web platform name these classes.
for (const name of ["InvalidCharacterError", "NotSupportedError", "OperationError", "DataError", "NetworkError",
  "AbortError", "TimeoutError", "DataCloneError", "SyntaxError", "NotFoundError"]) {
  core.registerErrorBuilder(`DOMException${name}`, (message) => new DOMException(message, name));
}
core.registerErrorBuilder("DOMExceptionQuotaExceededError", (message) => new QuotaExceededError(message));

const classes = {
  AbortController: abort.AbortController,
  AbortSignal: abort.AbortSignal,
  Blob: file.Blob,
  ByteLengthQueuingStrategy: streams.ByteLengthQueuingStrategy,
  CloseEvent: event.CloseEvent,
  CompressionStream: compression.CompressionStream,
  CountQueuingStrategy: streams.CountQueuingStrategy,
  Crypto: crypto.Crypto,
  CustomEvent: event.CustomEvent,
  DecompressionStream: compression.DecompressionStream,
  DOMException,
  ErrorEvent: event.ErrorEvent,
  Event: event.Event,
  EventTarget: event.EventTarget,
  File: file.File,
  FileReader,
  MessageChannel: port.MessageChannel,
  MessageEvent: event.MessageEvent,
  MessagePort: port.MessagePort,
  Performance: perf.Performance,
  PerformanceEntry: perf.PerformanceEntry,
  PerformanceMark: perf.PerformanceMark,
  PerformanceMeasure: perf.PerformanceMeasure,
  ProgressEvent: event.ProgressEvent,
  PromiseRejectionEvent: event.PromiseRejectionEvent,
  QuotaExceededError,
  ReadableByteStreamController: streams.ReadableByteStreamController,
  ReadableStream: streams.ReadableStream,
  ReadableStreamBYOBReader: streams.ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: streams.ReadableStreamBYOBRequest,
  ReadableStreamDefaultController: streams.ReadableStreamDefaultController,
  ReadableStreamDefaultReader: streams.ReadableStreamDefaultReader,
  TextDecoder: encoding.TextDecoder,
  TextDecoderStream: encoding.TextDecoderStream,
  TextEncoder: encoding.TextEncoder,
  TextEncoderStream: encoding.TextEncoderStream,
  TransformStream: streams.TransformStream,
  TransformStreamDefaultController: streams.TransformStreamDefaultController,
  URL: url.URL,
  URLPattern,
  URLSearchParams: url.URLSearchParams,
  WritableStream: streams.WritableStream,
  WritableStreamDefaultController: streams.WritableStreamDefaultController,
  WritableStreamDefaultWriter: streams.WritableStreamDefaultWriter,
};

const values = {
  atob: base64.atob,
  btoa: base64.btoa,
  clearImmediate: timers.clearImmediate,
  clearInterval: timers.clearInterval,
  clearTimeout: timers.clearTimeout,
  console,
  crypto: crypto.crypto,
  performance: perf.performance,
  reportError: event.reportError,
  setImmediate: timers.setImmediate,
  setInterval: timers.setInterval,
  setTimeout: timers.setTimeout,
  structuredClone: core.loadExtScript("ext:cowry/clone.js").structuredClone,
  global: globalThis,
};

function define(name, value, enumerable) {
  Object.defineProperty(globalThis, name, { value, enumerable, writable: true, configurable: true });
}
for (const [name, value] of Object.entries(classes)) define(name, value, false);
for (const [name, value] of Object.entries(values)) define(name, value, true);

// Node's own.
define("Buffer", core.loadExtScript("ext:cowry/buffer.js").Buffer, false);
define("process", core.loadExtScript("ext:cowry/process.js"), false);

// Ours.
define("sql", core.loadExtScript("ext:cowry/sql.js"), false);
define("state", core.loadExtScript("ext:cowry/state.js").state, false);

return {};
})();
