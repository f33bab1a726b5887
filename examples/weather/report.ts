// Monthly climate of Seattle from daily observations.
//
// Reads /data/seattle-weather.csv, writes /out/summary.json and /out/wet-days.csv,
// keeps its scratch under /tmp. The result is the text that is printed.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

interface Day {
  date: string;
  precipitation: number; // mm
  max: number; // °C
  min: number; // °C
  weather: string;
}

interface Month {
  month: string; // 01 to 12, over all years
  days: number;
  wetDays: number;
  precipitation: number; // mm a year
  meanMax: number; // °C
  meanMin: number; // °C
}

const WET = 1.0; // mm: the World Meteorological Organization's wet day

function parse(csv: string): Day[] {
  const [header, ...lines] = csv.trim().split("\n");
  const column = new Map(header.split(",").map((name, i) => [name, i] as const));
  return lines.map((line, i) => {
    const cells = line.split(",");
    const number = (name: string): number => {
      const value = Number(cells[column.get(name)!]);
      if (Number.isNaN(value)) throw new Error(`line ${i + 2}: ${name} is no number`);
      return value;
    };
    return {
      date: cells[column.get("date")!],
      precipitation: number("precipitation"),
      max: number("temp_max"),
      min: number("temp_min"),
      weather: cells[column.get("weather")!],
    };
  });
}

const round = (value: number): number => Math.round(value * 10) / 10;
const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: number[]): number => round(sum(values) / values.length);

function byMonth(days: Day[]): Month[] {
  const years = new Set(days.map((day) => day.date.slice(0, 4))).size;
  const groups = Map.groupBy(days, (day) => day.date.slice(5, 7));
  return [...groups].map(([month, group]) => ({
    month,
    days: group.length,
    wetDays: group.filter((day) => day.precipitation >= WET).length,
    precipitation: round(sum(group.map((day) => day.precipitation)) / years),
    meanMax: mean(group.map((day) => day.max)),
    meanMin: mean(group.map((day) => day.min)),
  }));
}

const days = parse(readFileSync("/data/seattle-weather.csv", "utf8"));
const wet = days.filter((day) => day.precipitation >= WET);
const months = byMonth(days);

// Scratch: one file a year. The policy discards what lies under /tmp.
mkdirSync("/tmp/years", { recursive: true });
for (const day of days) appendFileSync(`/tmp/years/${day.date.slice(0, 4)}.txt`, `${day.date} ${day.weather}\n`);

mkdirSync("/out", { recursive: true });
writeFileSync(
  "/out/wet-days.csv",
  "date,precipitation,weather\n" + wet.map((d) => `${d.date},${d.precipitation},${d.weather}\n`).join(""),
);
const summary = {
  from: days[0].date,
  to: days[days.length - 1].date,
  days: days.length,
  wetDays: wet.length,
  precipitation: round(sum(days.map((day) => day.precipitation))),
  wettest: wet.reduce((a, b) => (b.precipitation > a.precipitation ? b : a)).date,
  hottest: days.reduce((a, b) => (b.max > a.max ? b : a)).date,
  months,
};
writeFileSync("/out/summary.json", JSON.stringify(summary, null, 2) + "\n");

console.log(`${summary.days} days, ${summary.from} to ${summary.to}: ${summary.wetDays} of them wet`);
console.log("month  wet days  mm/year  mean max  mean min");
for (const m of months) {
  console.log(
    [
      m.month.padEnd(5),
      String(m.wetDays).padStart(8),
      m.precipitation.toFixed(1).padStart(7),
      m.meanMax.toFixed(1).padStart(8),
      m.meanMin.toFixed(1).padStart(8),
    ].join("  "),
  );
}
