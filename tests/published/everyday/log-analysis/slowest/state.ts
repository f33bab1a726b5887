// Requests and slowest request of each hour.
const requests = ndjson.parse(await state.readFile({ path: "/data/access.ndjson" }));
const hours = Object.groupBy(requests, ({ at }) => at.slice(0, 13));
const report = Object.entries(hours).map(([hour, found]) => {
  const { ms, path } = found.reduce((a, b) => (b.ms > a.ms ? b : a));
  return { hour, requests: found.length, slowest: ms, path };
});
await state.writeJson({ path: "/out/slowest.json", value: report });
return report;
