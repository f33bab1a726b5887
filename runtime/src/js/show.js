// How the value of an entry is shown at a prompt: as Node's inspector does, as a table, or as bytes.
(function () {
const { core } = __bootstrap;
const inspector = core.loadExtScript("ext:deno_web/01_console.js");
const { inspect } = core.loadExtScript("ext:cowry/util.js");

// A buffer of no more bytes is shown as the inspector does.
const SMALL = 32;
// How much of a larger one is shown unasked, and how much when it is asked for.
const PREVIEW = 256;
const DUMP = 64 << 10;
const WIDTH = 16;

function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (core.isAnyArrayBuffer(value)) return new Uint8Array(value);
  return typeof value === "string" ? new TextEncoder().encode(value) : null;
}

function hex(number, digits) {
  return number.toString(16).padStart(digits, "0");
}

function dumpLine(bytes, at) {
  const row = bytes.subarray(at, at + WIDTH);
  let codes = "", text = "";
  for (let i = 0; i < WIDTH; i++) {
    codes += (i === WIDTH / 2 ? "  " : " ") + (i < row.length ? hex(row[i], 2) : "  ");
    if (i < row.length) text += row[i] >= 32 && row[i] < 127 ? String.fromCharCode(row[i]) : ".";
  }
  return `${hex(at, 8)} ${codes}  |${text}|`;
}

function dump(bytes, most) {
  const lines = [];
  for (let at = 0; at < bytes.length && at < most; at += WIDTH) lines.push(dumpLine(bytes.subarray(0, most), at));
  if (bytes.length > most) lines.push(`... ${bytes.length - most} more bytes`);
  return lines.join("\n");
}

function preview(value) {
  const bytes = bytesOf(value);
  return `${value.constructor?.name ?? "Uint8Array"}(${bytes.length})\n${dump(bytes, PREVIEW)}`;
}

function isLongBuffer(value) {
  const isBytes = value instanceof Uint8Array || core.isAnyArrayBuffer(value);
  return isBytes && value.byteLength > SMALL;
}

function table(value) {
  let text = "";
  new inspector.Console((part) => {
    text += part;
  }).table(value);
  return text.trimEnd();
}

function show(value, how) {
  if (how === "table") return table(value);
  const bytes = how === "bytes" ? bytesOf(value) : null;
  if (bytes !== null) return dump(bytes, DUMP);
  if (!core.isProxy(value) && isLongBuffer(value)) return preview(value);
  return inspect(value, { colors: how === "coloured" });
}

return { show };
})();
