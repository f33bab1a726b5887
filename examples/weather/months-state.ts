// Months of the weather with `state` and `csv`: days, wet days, and the mean of the highest temperatures.
const days = csv.parse(await state.readFile({ path: "/data/seattle-weather.csv" }));

const months: Record<string, { days: number; wet: number; sum: number }> = {};
for (const { date, precipitation, temp_max } of days) {
  const month = (months[date.slice(5, 7)] ??= { days: 0, wet: 0, sum: 0 });
  month.days += 1;
  month.wet += precipitation >= 1 ? 1 : 0;
  month.sum += temp_max;
}
await state.writeJson({ path: "/tmp/months.json", value: months });

const kept = Object.entries(await state.readJson({ path: "/tmp/months.json" })) as [string, any][];
return kept
  .map(([month, { days, wet, sum }]) => ({ month, days, wet, max: Number((sum / days).toFixed(1)) }))
  .sort((a, b) => a.month.localeCompare(b.month));
