// Revenue by region in March 2026, largest first. Rows that lack a figure or a region do not count.
const rows = csv.parse(await state.readFile({ path: "/data/sales.csv" }));
const sums: Record<string, number> = {};
for (const { date, region, qty, price } of rows) {
  if (!date.startsWith("2026-03") || region == null || qty == null || price == null) continue;
  sums[region] = (sums[region] ?? 0) + qty * price;
}
await state.writeJson({ path: "/tmp/sums.json", value: sums });
const kept = await state.readJson({ path: "/tmp/sums.json" });
return Object.entries(kept)
  .map(([region, revenue]) => ({ region, revenue: Math.round(Number(revenue) * 100) / 100 }))
  .sort((a, b) => b.revenue - a.revenue);
