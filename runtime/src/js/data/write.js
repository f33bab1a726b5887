// Rows that are written in pieces, from anything that can be iterated.
(function () {
const { core } = __bootstrap;
const { op_data_replace, op_data_replace_end, op_data_replace_write } = core.ops;
const { invalidType } = core.loadExtScript("ext:cowry/errors.js");
const { pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");
const fs = core.loadExtScript("ext:cowry/fs.js");

// How many rows are held at once.
const PIECE = 1000;

function sourceOf(rows) {
  if (typeof rows === "string" || rows == null) throw invalidType("rows", "an array or something else that can be iterated", rows);
  if (typeof rows[Symbol.iterator] === "function") return rows[Symbol.iterator]();
  if (typeof rows[Symbol.asyncIterator] === "function") return null;
  throw invalidType("rows", "an array or something else that can be iterated", rows);
}

// Calls `take` with up to a thousand rows at a time.
class Pieces {
  #count = 0;
  #piece = [];
  #take;
  constructor(take) {
    this.#take = take;
  }
  add(row) {
    this.#piece.push(row);
    this.#count += 1;
    if (this.#piece.length === PIECE) this.#pass();
  }
  // Passes the rest on, and answers with how many rows there were.
  end() {
    this.#pass();
    return this.#count;
  }
  #pass() {
    const piece = this.#piece;
    this.#piece = [];
    this.#take(piece);
  }
}

function pieces(rows, take) {
  const all = new Pieces(take);
  for (const row of rows) all.add(row);
  return all.end();
}

async function piecesLater(rows, take) {
  const all = new Pieces(take);
  for await (const row of rows) all.add(row);
  return all.end();
}

// Hands what `text` makes of pieces to `write`, and then ends it, saying whether all went well. Answers with how many
// rows there were, or with a promise of that if they come one after another.
function through(rows, text, write, end) {
  const take = (piece) => {
    const data = text(piece);
    if (data !== "") write(data);
  };
  if (sourceOf(rows) === null) return laterThrough(rows, take, end);
  let isWhole = false;
  try {
    const count = pieces(rows, take);
    isWhole = true;
    return count;
  } finally {
    end(isWhole);
  }
}

async function laterThrough(rows, take, end) {
  let isWhole = false;
  try {
    const count = await piecesLater(rows, take);
    isWhole = true;
    return count;
  } finally {
    end(isWhole);
  }
}

// Writes a file that takes the place of the one at `path` when all of it is there: the rows may come from that one, and
// if they fail it stays.
function toFile(path, rows, text) {
  sourceOf(rows);
  const id = op_data_replace(pathOf(path));
  return through(rows, text, (data) => op_data_replace_write(id, data), (isWhole) => op_data_replace_end(id, isWhole));
}

// Adds to the end of a file, on lines of its own.
function toEnd(path, rows, text) {
  sourceOf(rows);
  const fd = fs.openSync(pathOf(path), "a+");
  let gap = endsWithinLine(fd) ? "\n" : "";
  const write = (data) => {
    fs.writeSync(fd, gap + data);
    gap = "";
  };
  return through(rows, text, write, () => fs.closeSync(fd));
}

function endsWithinLine(fd) {
  const { size } = fs.fstatSync(fd);
  if (size === 0) return false;
  const last = new Uint8Array(1);
  return fs.readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 10;
}

return { pieces, sourceOf, toEnd, toFile };
})();
