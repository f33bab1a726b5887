// `sql`: statements over files.
import fs from "node:fs";
import sql, { iterate, stream, sql as named } from "cowry:sql";

const wrong = (work) => {
  try {
    return work();
  } catch (error) {
    return `${error.code}: ${error.message}${error.line === undefined ? "" : ` (line ${error.line} of ${error.path})`}`;
  }
};

fs.writeFileSync("sales.csv", "date,region,qty,price\n2026-03-01,north,2,1.5\n2026-03-02,south,3,2\n2026-04-01,north,5,1\n");
fs.writeFileSync("regions.json", JSON.stringify([{ name: "north", boss: "Ann" }, { name: "south", boss: "Bob" }]));

console.log("same:", sql === named, sql === globalThis.sql, Object.keys(globalThis).includes("sql"));
console.log(sql`select region, sum(qty*price) as total from '/work/sales.csv' where date like '2026-03%' group by 1`);
console.log(await sql`select boss, qty from 'sales.csv' join 'regions.json' on region = name order by qty desc`);

const [file, region, least] = ["sales.csv", "north", 3];
console.log(sql`select qty from ${file} where region = ${region} and qty > ${least}`);
console.log(sql`select qty from ${file} where region in ${["south", "west"]}`);
console.log(sql`select count(*) n from ${file} where region = ${"' or 1=1 --"}`);
console.log(sql("select ?2 a, ?1 b, ? c", [1, "x", null]), sql("select :a + @b as c", { a: 1, b: 2n }));
console.log(sql("select 9007199254740993 a, x'01ff' b, 9e999 c, null d, 'é' e, 1.0 f, 2 \"__proto__\"")[0]);
console.log(sql`select typeof(${1n << 60n}) a, typeof(${true}) b, typeof(${1.5}) c, typeof(${new Uint8Array(2)}) d, ${new Date(0)} e, ${[1, "b"]} f`);

console.log(sql("select qty, region, qty from 'sales.csv' limit 2", [], { as: "arrays" }));
console.log(JSON.stringify(sql("select qty, region from 'sales.csv'", [], { as: "csv" })));
console.log(sql("select qty, region from 'sales.csv'", null, { as: "json" }));
console.log(sql("select qty, region from 'sales.csv' order by qty desc limit 1", null, { to: "best.ndjson" }), fs.readFileSync("best.ndjson", "utf8"));
console.log(sql("select * from 'best.ndjson'", null, { as: "tsv", to: "best.txt" }), fs.readFileSync("best.txt", "utf8"));

let count = 0;
for (const { i } of iterate`with recursive n(i) as (select 1 union all select i + 1 from n) select i from n`) {
  if (i > 100_000) break;
  count += i;
}
console.log("endless:", count, [...stream("select 1 a", [])]);
const open = [];
console.log(wrong(() => { for (;;) { const rows = iterate`select 1`; rows.next(); open.push(rows); } }), open.length);
open.forEach((rows) => rows.return());

console.log(wrong(() => sql`select * from 'none.csv'`));
console.log(wrong(() => sql`select nowhere from 'sales.csv'`));
console.log(wrong(() => sql`delete from 'sales.csv'`));
console.log(wrong(() => sql`select 1; select 2`));
console.log(wrong(() => sql("select ?", [{}])));
console.log(wrong(() => sql("select ?", [1n << 64n])));
console.log(wrong(() => sql("select ?", [])));
console.log(wrong(() => sql("select 1", [], { as: "xml" })));
console.log(wrong(() => sql("select 1", [], { to: "x.xml" })));
console.log(wrong(() => sql(1)));
fs.writeFileSync("bad.csv", "a,b\n1,2\n3\n");
console.log(wrong(() => sql`select sum(b) from 'bad.csv'`));
console.log(sql`select sum(b) s from csv('bad.csv', 'bad=skip')`, fs.readdirSync(".").join());
console.log(wrong(() => sql("select 1", null, { ass: "csv" })));
console.log(wrong(() => [...iterate("select 1", null, { as: "csv" })]));
console.log(sql("select 1 as a, 2 as a"));
