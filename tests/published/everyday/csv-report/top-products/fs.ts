// The three products most sold by number, with their names: read as a stream, line by line.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** The cells of a line of CSV; a quoted cell may hold commas and doubled quotes. */
function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}

async function* table(path: string) {
  let names: string[] | undefined;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const row = cells(line);
    if (names) yield Object.fromEntries(names.map((name, i) => [name, row[i]]));
    else names = row;
  }
}

const sold = new Map<string, number>();
for await (const { product, qty } of table("/data/sales.csv")) sold.set(product, (sold.get(product) ?? 0) + Number(qty));
const top = [];
for await (const { product, name } of table("/data/products.csv")) top.push({ name, qty: sold.get(product) ?? 0 });
export default top.sort((a, b) => b.qty - a.qty).slice(0, 3);
