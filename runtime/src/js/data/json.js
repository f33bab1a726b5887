// `json`: parts of big documents by path.
(function () {
const { core } = __bootstrap;
const { op_data_get } = core.ops;
const { invalidType } = core.loadExtScript("ext:cowry/errors.js");
const { pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");
const { verbs } = core.loadExtScript("ext:cowry/data/read.js");

const { rows: rowsAt } = verbs(() => "json", ["encoding", "skipBad", "onBad", "at"]);
const parse = JSON.parse;

function placeOf(at) {
  if (typeof at !== "string" && !Array.isArray(at)) throw invalidType("at", "of type string or an array of names and indexes", at);
  return at;
}

// Only its brackets and strings were looked at before.
function valueOf(text, path, place) {
  try {
    return parse(text);
  } catch (error) {
    const at = place.length === 0 ? "" : ` at ${JSON.stringify(place)}`;
    throw new SyntaxError(`${path}: what is there${at} is not JSON: ${error.message}`);
  }
}

// The value at a path, or the values at several as an array; undefined where there is nothing.
function get(path, ...places) {
  if (places.length === 0) places = [""];
  const found = op_data_get(pathOf(path), places.map(placeOf), "auto");
  const values = found.map((text, index) => (text === null ? undefined : valueOf(text, path, places[index])));
  return places.length === 1 ? values[0] : values;
}

// The elements of the array at a path, one after another.
function rows(path, at = "", options = undefined) {
  return rowsAt(path, { ...options, at: placeOf(at) });
}

return { get, rows };
})();
