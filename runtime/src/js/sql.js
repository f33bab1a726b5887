// `cowry:sql`: SQL over files.
(function () {
const { core } = __bootstrap;
const { op_sql_batch, op_sql_close, op_sql_columns, op_sql_open, op_sql_text, op_sql_write } = core.ops;
const { invalidType, invalidValue } = core.loadExtScript("ext:cowry/errors.js");
const { pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
const { checked } = core.loadExtScript("ext:cowry/data/read.js");

const TEXTS = ["csv", "tsv", "json", "ndjson"];
const FORMS = ["rows", "arrays", ...TEXTS];

// A value as the operation reads it: its kind and its text.
function written(value, name) {
  switch (typeof value) {
    case "undefined":
      return ["null", ""];
    case "boolean":
      return ["integer", value ? "1" : "0"];
    case "bigint":
      return ["integer", String(value)];
    case "number":
      return [Number.isSafeInteger(value) ? "integer" : "real", String(value)];
    case "string":
      return ["text", value];
    case "object":
      if (value === null) return ["null", ""];
      if (value instanceof Date) return ["text", value.toISOString()];
      if (value instanceof URL) return ["text", pathOf(value)];
      if (Array.isArray(value)) return ["list", JSON.stringify(value)];
      if (ArrayBuffer.isView(value)) {
        return ["blob", Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")];
      }
  }
  throw invalidType(name, "a value that SQL has: null, boolean, number, bigint, string, Date, bytes or an array", value);
}

function parametersOf(values) {
  if (values == null) return { list: [], named: [] };
  if (Array.isArray(values)) return { list: values.map((value, i) => written(value, `params[${i}]`)), named: [] };
  if (typeof values !== "object") throw invalidType("params", "an array or an object", values);
  return { list: [], named: Object.entries(values).map(([name, value]) => [name, written(value, `params.${name}`)]) };
}

// A template's values become parameters, whatever is in them.
function callOf(text, rest, names) {
  if (Array.isArray(text) && Array.isArray(text.raw)) {
    return { text: text.reduce((sql, part, i) => `${sql}?${i}${part}`), values: rest, options: {} };
  }
  if (typeof text !== "string") throw invalidType("text", "of type string", text);
  const [values, options] = rest;
  return { text, values, options: checked(options ?? undefined, names) };
}

function using({ text, values }, work) {
  const statement = op_sql_open(text, JSON.stringify(parametersOf(values)));
  try {
    return work(statement);
  } finally {
    op_sql_close(statement);
  }
}

// What JSON has no form for is put where a null holds its place.
function fill({ rows, odd }, keys) {
  for (const [row, column, kind, text] of odd) {
    const value = kind === "integer" ? BigInt(text) : kind === "real" ? Number(text) : new Uint8Array(Buffer.from(text, "hex"));
    Object.defineProperty(rows[row], keys[column], { value, writable: true, enumerable: true, configurable: true });
  }
  return rows;
}

function* batches(statement, columns, arrays) {
  const keys = arrays ? columns.map((_, i) => i) : columns;
  for (let last = false; !last;) {
    const batch = JSON.parse(op_sql_batch(statement, arrays));
    last = batch.last;
    yield fill(batch, keys);
  }
}

function all(statement, arrays) {
  const columns = JSON.parse(op_sql_columns(statement));
  const rows = [];
  for (const batch of batches(statement, columns, arrays)) {
    for (const row of batch) rows.push(row);
  }
  return arrays ? { columns, rows } : rows;
}

function* texts(statement, format) {
  for (let text; (text = op_sql_text(statement, format)) !== "";) yield text;
}

function formOf(form, known) {
  if (!known.includes(form)) throw invalidValue("options.as", form, `must be one of ${known.join(", ")}`);
  return form;
}

function sql(text, ...rest) {
  const call = callOf(text, rest, ["as", "to"]);
  const { as, to } = call.options;
  if (to !== undefined) {
    const path = pathOf(to, "options.to");
    const format = as === undefined ? "" : formOf(as, TEXTS);
    return using(call, (statement) => ({ path, rows: op_sql_write(statement, format, path) }));
  }
  const form = formOf(as ?? "rows", FORMS);
  return using(call, (statement) => {
    if (form === "rows" || form === "arrays") return all(statement, form === "arrays");
    return [...texts(statement, form)].join("");
  });
}

// Rows one after another, without holding all of them.
function* iterate(text, ...rest) {
  const { text: statementText, values } = callOf(text, rest, []);
  const statement = op_sql_open(statementText, JSON.stringify(parametersOf(values)));
  try {
    const columns = JSON.parse(op_sql_columns(statement));
    for (const batch of batches(statement, columns, false)) yield* batch;
  } finally {
    op_sql_close(statement);
  }
}

// The result as text, a piece at a time.
function* stream(text, ...rest) {
  const { text: statementText, values, options } = callOf(text, rest, ["as"]);
  const format = formOf(options.as ?? "csv", TEXTS);
  const statement = op_sql_open(statementText, JSON.stringify(parametersOf(values)));
  try {
    yield* texts(statement, format);
  } finally {
    op_sql_close(statement);
  }
}

return Object.assign(sql, { iterate, sql, stream });
})();
