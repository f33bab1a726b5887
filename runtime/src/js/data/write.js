// Rows that are written in pieces, from anything that can be iterated.
(function () {
const { core } = __bootstrap;
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

// Calls `take` with up to a thousand rows at a time; answers with how many there were.
function pieces(rows, take) {
  let count = 0, piece = [];
  for (const row of rows) {
    piece.push(row);
    count += 1;
    if (piece.length === PIECE) {
      take(piece);
      piece = [];
    }
  }
  take(piece);
  return count;
}

async function piecesLater(rows, take) {
  let count = 0, piece = [];
  for await (const row of rows) {
    piece.push(row);
    count += 1;
    if (piece.length === PIECE) {
      take(piece);
      piece = [];
    }
  }
  take(piece);
  return count;
}

// Writes what `text` makes of pieces to a file. Answers with how many rows there were, or with a promise of that if
// they come one after another.
function toFile(path, flags, rows, text) {
  const isSync = sourceOf(rows) !== null;
  const fd = fs.openSync(pathOf(path), flags);
  const take = (piece) => {
    const data = text(piece);
    if (data !== "") fs.writeSync(fd, data);
  };
  if (!isSync) return piecesLater(rows, take).finally(() => fs.closeSync(fd));
  try {
    return pieces(rows, take);
  } finally {
    fs.closeSync(fd);
  }
}

return { pieces, sourceOf, toFile };
})();
