// Revenue by region in March 2026, largest first. Rows that lack a figure or a region do not count.
import { readFileSync } from "node:fs";

const [header, ...lines] = readFileSync("/data/sales.csv", "utf8").trim().split("\n");
const names = header.split(",");
const rows = lines.map((line) => Object.fromEntries(line.split(",").map((cell, i) => [names[i], cell])));
const sums = new Map<string, number>();
for (const { date, region, qty, price } of rows) {
  if (!date.startsWith("2026-03") || !region || !qty || !price) continue;
  sums.set(region, (sums.get(region) ?? 0) + Number(qty) * Number(price));
}
export default [...sums]
  .map(([region, revenue]) => ({ region, revenue: Math.round(revenue * 100) / 100 }))
  .sort((a, b) => b.revenue - a.revenue);
