// Events in order of time, each with the city of its device.
import { readFile, writeFile } from "node:fs/promises";

const devices = JSON.parse(await readFile("/data/devices.json", "utf8"));
const cities = new Map(devices.map(({ device, place }: any) => [device, place.city]));
const events = (await readFile("/data/events.ndjson", "utf8")).trim().split("\n").map((line) => JSON.parse(line));
const located = events
  .map(({ at, device, kind }) => ({ at, kind, city: cities.get(device) ?? null }))
  .sort((a, b) => (a.at < b.at ? -1 : 1));
await writeFile("/tmp/located.ndjson", located.map((event) => JSON.stringify(event) + "\n").join(""));
export default located;
