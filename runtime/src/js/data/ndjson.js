// `ndjson`: a JSON value on each line.
(function () {
const { core } = __bootstrap;
const { invalidType } = core.loadExtScript("ext:cowry/errors.js");
const { verbs } = core.loadExtScript("ext:cowry/data/read.js");
const { pieces, sourceOf, toEnd, toFile } = core.loadExtScript("ext:cowry/data/write.js");

const { parse, read, rows } = verbs(() => "ndjson", ["encoding", "skipBad", "onBad"]);
const stringOf = JSON.stringify;

function text(piece) {
  let out = "";
  for (const row of piece) out += `${stringOf(row) ?? "null"}\n`;
  return out;
}

function stringify(rows) {
  if (sourceOf(rows) === null) throw invalidType("rows", "an array or an iterable; write() takes async ones", rows);
  const out = [];
  pieces(rows, (piece) => out.push(text(piece)));
  return out.join("");
}

function write(path, rows) {
  return toFile(path, rows, text);
}

// Adds rows, or a single one, to the end of a file.
function append(path, rows) {
  const many = rows != null && typeof rows === "object" &&
    (typeof rows[Symbol.iterator] === "function" || typeof rows[Symbol.asyncIterator] === "function");
  return toEnd(path, many ? rows : [rows], text);
}

return { append, parse, read, rows, stringify, write };
})();
