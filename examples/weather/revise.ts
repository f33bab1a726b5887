// A revision of the report that fails half way: it has already removed the summary
// and cut down the list of wet days when it meets a row it does not understand.
import { readFileSync, rmSync, writeFileSync } from "node:fs";

rmSync("/out/summary.json");
const [header, ...rows] = readFileSync("/out/wet-days.csv", "utf8").trim().split("\n");
const kept: string[] = [];
for (const row of rows) {
  const [date, precipitation, weather] = row.split(",");
  if (Number(precipitation) >= 10) kept.push(row);
  writeFileSync("/out/wet-days.csv", [header, ...kept].join("\n") + "\n");
  if (weather === "snow") throw new Error(`${date}: how much rain is snow?`);
}
