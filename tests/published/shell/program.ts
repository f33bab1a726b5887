import { Shell } from "@cloudflare/shell";

const shell = new Shell();

// Keep the raw data as a scratch file
await shell.writeFile("/tmp/data.csv", csvData);

// Filter it: only the rows that matter
const raw = await shell.readFile("/tmp/data.csv");
const [header, ...rows] = raw.trim().split("\n");
const active = rows.filter((row) => row.split(",")[2] === "active");
await shell.writeFile("/tmp/filtered.csv", [header, ...active].join("\n"));

// Read it back for the answer
const result = await shell.readFile("/tmp/filtered.csv");
return { rows: active.length, files: (await shell.readdir("/tmp")).sort(), result };
