// How many cells of each column are empty, and in which rows.
import { readFile } from "node:fs/promises";

const [header, ...lines] = (await readFile("/data/sales.csv", "utf8")).trim().split("\n");
const rows = lines.map((line) => line.split(","));
export default header
  .split(",")
  .map((column, i) => ({ column, ids: rows.filter((row) => row[i] === "").map((row) => Number(row[0])) }))
  .filter(({ ids }) => ids.length > 0);
