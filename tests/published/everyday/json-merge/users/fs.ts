// Two lists of users made one: of each id the record that was updated last, in order of ids.
import { readFileSync, writeFileSync } from "node:fs";

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const merged = new Map();
for (const user of [...read("/data/users-a.json"), ...read("/data/users-b.json")]) {
  const known = merged.get(user.id);
  if (!known || user.updated > known.updated) merged.set(user.id, user);
}
const users = [...merged.values()].sort((a, b) => a.id - b.id);
writeFileSync("/tmp/users.json", JSON.stringify(users));
export default read("/tmp/users.json");
