// Server errors: when, for whom, and what the same user did just before.
import { readFileSync } from "node:fs";

const requests = readFileSync("/data/access.ndjson", "utf8").trim().split("\n").map((line) => JSON.parse(line));
const last = new Map<string, string>();
const errors = [];
for (const { at, path, status, user } of requests) {
  if (user && status === 500) errors.push({ at, user, path, before: last.get(user) ?? null });
  if (user) last.set(user, path);
}
export default errors;
