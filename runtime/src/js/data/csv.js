// `csv`: rows of delimited text.
(function () {
const { core } = __bootstrap;
const { op_data_csv } = core.ops;
const { invalidType } = core.loadExtScript("ext:cowry/errors.js");
const { checked, verbs } = core.loadExtScript("ext:cowry/data/read.js");
const { pieces, sourceOf, toFile } = core.loadExtScript("ext:cowry/data/write.js");

const READ = ["delimiter", "quote", "header", "columns", "types", "encoding", "nullValues", "comment", "ragged", "skipBad", "onBad"];
const WRITE = ["delimiter", "quote", "header", "columns", "lineEnd", "nullValue", "bom"];
const isTsv = (path) => /\.(tsv|tab)$/i.test(path);
const { parse, read, rows } = verbs((path) => (isTsv(path) ? "tsv" : "csv"), READ);

// BigInts as numbers are written: JSON has no word for them.
function jsonOf(rows) {
  try {
    return JSON.stringify(rows);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? String(value) : value));
  }
}

// Bytes have no text of their own, and JSON makes an object of them.
function refuseBytes(rows, columns, first) {
  rows.forEach((row, i) => {
    if (typeof row !== "object" || row === null) return;
    if (ArrayBuffer.isView(row)) throw invalidType("rows", "objects or arrays", row);
    for (const name of Array.isArray(row) ? row.keys() : columns) {
      const value = row[name];
      if (typeof value !== "object" || value === null || !(ArrayBuffer.isView(value) || value instanceof ArrayBuffer)) continue;
      throw invalidType(`row ${first + i}: ${name}`, "no bytes; make text of them, as with Buffer.from(bytes).toString('base64')", value);
    }
  });
}

// All the names that rows have, in the order they appear.
function namesOf(rows) {
  const names = new Set();
  for (const row of rows) {
    if (Array.isArray(row)) continue;
    if (typeof row !== "object" || row === null) throw invalidType("rows", "objects or arrays", row);
    for (const name of Object.keys(row)) names.add(name);
  }
  return [...names];
}

// A function that makes text of one piece after another. The columns are those of the first piece unless they are given.
function writer(options, columns = options.columns) {
  const { delimiter, quote, lineEnd, nullValue, header = true, bom = false } = options;
  let first = 1, json;
  return (piece) => {
    const begins = json === undefined;
    if (begins) {
      columns ??= namesOf(piece);
      json = JSON.stringify({ delimiter, quote, lineEnd, nullValue, columns, chosen: options.columns !== undefined });
    }
    refuseBytes(piece, columns, first);
    const text = op_data_csv(jsonOf(piece), json, first, begins && header && columns.length > 0);
    first += piece.length;
    return begins && bom ? `\ufeff${text}` : text;
  };
}

function optionsOf(options, rows, path = "") {
  const { ...given } = checked(options, WRITE);
  if (given.columns !== undefined && !Array.isArray(given.columns)) throw invalidType("options.columns", "an array of names", given.columns);
  if (given.delimiter === undefined && isTsv(path)) given.delimiter = "\t";
  sourceOf(rows);
  return given;
}

// An array can be gone through twice, so that no column comes too late.
function columnsOf(rows, options) {
  return options.columns ?? (Array.isArray(rows) ? namesOf(rows) : undefined);
}

function stringify(rows, options) {
  const given = optionsOf(options, rows);
  if (sourceOf(rows) === null) throw invalidType("rows", "an array or an iterable; write() takes async ones", rows);
  const out = [];
  const text = writer(given, columnsOf(rows, given));
  pieces(rows, (piece) => out.push(text(piece)));
  return out.join("");
}

function write(path, rows, options) {
  const given = optionsOf(options, rows, String(path));
  return toFile(path, rows, writer(given, columnsOf(rows, given)));
}

return { parse, read, rows, stringify, write };
})();
