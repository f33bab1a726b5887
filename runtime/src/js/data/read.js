// Rows that are read in batches: what `csv`, `ndjson` and `json` have in common.
(function () {
const { core } = __bootstrap;
const { op_data_close, op_data_next, op_data_open, op_data_open_bytes, op_data_open_text } = core.ops;
const { invalidType, invalidValue } = core.loadExtScript("ext:cowry/errors.js");
const { pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");

const parse = JSON.parse, stringify = JSON.stringify;

// Options by name; a name that is none is a slip of the pen and not to be passed over.
function checked(options, names) {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) throw invalidType("options", "of type object", options);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw invalidValue(`options.${name}`, options[name], `is no option; there are: ${names.join(", ") || "none"}`);
  }
  return options;
}

// What the reader is told, and who is told of bad rows.
function plan(format, options, names) {
  const { onBad, skipBad, ...rest } = checked(options, names);
  if (onBad !== undefined && typeof onBad !== "function") throw invalidType("options.onBad", "of type function", onBad);
  for (const name of Object.keys(rest)) if (rest[name] === undefined) delete rest[name];
  const bad = onBad !== undefined ? { bad: "report" } : skipBad ? { bad: "skip" } : {};
  return { json: stringify({ ...rest, format, ...bad }), onBad };
}

function openText(data, json) {
  if (typeof data === "string") return op_data_open_text(data, json);
  if (data instanceof ArrayBuffer) data = new Uint8Array(data);
  if (!ArrayBuffer.isView(data)) throw invalidType("data", "of type string or an instance of Buffer, TypedArray, or ArrayBuffer", data);
  return op_data_open_bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), json);
}

// Integers that are not safe came as text.
function widen(rows, wide) {
  for (const row of rows) {
    for (const key of wide) if (typeof row[key] === "string") row[key] = BigInt(row[key]);
  }
}

// The next batch of rows; undefined at the end.
function batch(reader, onBad) {
  const text = op_data_next(reader.id);
  if (text === "") return undefined;
  const { rows, bad } = parse(text);
  if (reader.wide.length > 0) widen(rows, reader.wide);
  for (const row of bad) onBad(row);
  return rows;
}

// Rows one after another, for `for`, `for await` and the helpers of iterators.
class Rows extends Iterator {
  #reader;
  #onBad;
  #rows = [];
  #at = 0;

  constructor(reader, onBad) {
    super();
    this.#reader = reader;
    this.#onBad = onBad;
  }

  next() {
    while (this.#at >= this.#rows.length) {
      const rows = this.#reader === null ? undefined : batch(this.#reader, this.#onBad);
      if (rows === undefined) {
        this.return();
        return { value: undefined, done: true };
      }
      this.#rows = rows;
      this.#at = 0;
    }
    return { value: this.#rows[this.#at++], done: false };
  }

  return(value) {
    if (this.#reader !== null) op_data_close(this.#reader.id);
    this.#reader = null;
    this.#rows = [];
    return { value, done: true };
  }

  async *[Symbol.asyncIterator]() {
    for (const row of this) yield row;
  }

  get [Symbol.toStringTag]() {
    return "Rows";
  }
}

function all(reader, onBad) {
  const found = [];
  try {
    for (let rows; (rows = batch(reader, onBad)) !== undefined;) for (const row of rows) found.push(row);
  } finally {
    op_data_close(reader.id);
  }
  return found;
}

// The verbs that read, for one format.
function verbs(formatOf, names) {
  const open = (path, options) => {
    path = pathOf(path);
    const { json, onBad } = plan(formatOf(path), options, names);
    return [op_data_open(path, json), onBad];
  };
  return {
    parse(data, options) {
      const { json, onBad } = plan(formatOf(""), options, names);
      return all(openText(data, json), onBad);
    },
    read(path, options) {
      return all(...open(path, options));
    },
    rows(path, options) {
      return new Rows(...open(path, options));
    },
  };
}

return { Rows, checked, verbs };
})();
