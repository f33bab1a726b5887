// What each user ordered; orders of users that are in no list are under the name null.
import fs from "node:fs";

const read = (path: string) => JSON.parse(fs.readFileSync(path, "utf8"));
const names = new Map<number, string>();
for (const path of ["/data/users-b.json", "/data/users-a.json"]) for (const { id, name } of read(path)) names.set(id, name);
const byName = Map.groupBy<string | null, any>(read("/data/orders.json"), ({ user }) => names.get(user) ?? null);
export default [...byName]
  .map(([name, orders]) => ({ name, orders: orders.length, total: orders.reduce((sum, { total }) => sum + total, 0) }))
  .sort((a, b) => b.total - a.total);
