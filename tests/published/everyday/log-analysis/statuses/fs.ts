// How many requests each path had, and how many of them failed.
import { readFileSync } from "node:fs";

const requests = readFileSync("/data/access.ndjson", "utf8").trim().split("\n").map((line) => JSON.parse(line));
const paths = Object.groupBy(requests, ({ path }) => path);
export default Object.entries(paths)
  .map(([path, found]) => ({ path, requests: found.length, failed: found.filter(({ status }) => status >= 400).length }))
  .sort((a, b) => b.failed - a.failed || (a.path < b.path ? -1 : 1));
