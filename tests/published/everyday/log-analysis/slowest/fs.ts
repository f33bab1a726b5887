// Requests and slowest request of each hour.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const hours = new Map<string, { hour: string; requests: number; slowest: number; path: string }>();
for await (const line of createInterface({ input: createReadStream("/data/access.ndjson") })) {
  const { at, ms, path } = JSON.parse(line);
  const hour = at.slice(0, 13);
  const known = hours.get(hour) ?? { hour, requests: 0, slowest: -1, path };
  known.requests += 1;
  if (ms > known.slowest) Object.assign(known, { slowest: ms, path });
  hours.set(hour, known);
}
export default [...hours.values()];
