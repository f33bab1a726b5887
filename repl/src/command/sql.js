// What `cowry sql` runs: prints the result of a statement as text.
const { statement, format } = input;
const SHOWN = 1000;

// A cell as a terminal can take it.
function cell(value) {
  if (value === null) return "";
  const text = value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function* table() {
  const rows = [];
  let isNumber = {};
  let more = false;
  for (const row of sql.iterate(statement)) {
    if (rows.length === SHOWN) {
      more = true;
      break;
    }
    for (const name in row) {
      if (row[name] !== null) isNumber[name] = (isNumber[name] ?? true) && /^(number|bigint)$/.test(typeof row[name]);
    }
    rows.push(row);
  }
  if (rows.length === 0) return;
  const names = Object.keys(rows[0]);
  const lines = [names.map(cell), ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, at) => Math.max(...lines.map((line) => [...line[at]].length)));
  for (const [number, line] of lines.entries()) {
    const padded = line.map((text, at) => {
      const blanks = " ".repeat(widths[at] - [...text].length);
      return isNumber[names[at]] ? blanks + text : text + blanks;
    });
    yield `${padded.join("  ").trimEnd()}\n`;
    if (number === 0) yield `${widths.map((width) => "-".repeat(width)).join("  ")}\n`;
  }
  if (more) yield `… and more rows: --format csv prints all of them\n`;
}

try {
  for (const text of format === "table" ? table() : sql.stream(statement, [], { as: format })) process.stdout.write(text);
} catch (error) {
  process.stderr.write(error.message);
  process.exitCode = 1;
}
