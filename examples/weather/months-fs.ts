// Months of the weather with Node's `fs`: days, wet days, and the mean of the highest temperatures.
import { readFileSync } from "node:fs";

const [, ...lines] = readFileSync("/data/seattle-weather.csv", "utf8").trim().split("\n");
const days = lines.map((line) => line.split(",")).map(([date, rain, max]) => ({ date, rain: Number(rain), max: Number(max) }));

export default [...Map.groupBy(days, ({ date }) => date.slice(5, 7))]
  .map(([month, days]) => ({
    month,
    days: days.length,
    wet: days.filter(({ rain }) => rain >= 1).length,
    max: Number((days.reduce((sum, { max }) => sum + max, 0) / days.length).toFixed(1)),
  }))
  .sort((a, b) => a.month.localeCompare(b.month));
