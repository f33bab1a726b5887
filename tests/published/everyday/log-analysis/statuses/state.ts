// How many requests each path had, and how many of them failed.
const count = async (query: string) => {
  const found = await state.searchText({ path: "/data/access.ndjson", query, options: { regex: true } });
  return found.length;
};
const lines = (await state.readFile({ path: "/data/access.ndjson" })).trim().split("\n");
const paths = [...new Set(lines.map((line) => JSON.parse(line).path))];
const report = [];
for (const path of paths) {
  const field = `"path":"${path.replaceAll(".", "\\.")}"`;
  report.push({ path, requests: await count(field), failed: await count(`${field},"status":[45]\\d\\d`) });
}
return report.sort((a, b) => b.failed - a.failed || (a.path < b.path ? -1 : 1));
