// How many cells of each column are empty, and in which rows.
const found = [];
for (const column of ["id", "date", "region", "product", "qty", "price"]) {
  const rows = await sql(`select id from '/data/sales.csv' where "${column}" is null order by id`);
  if (rows.length > 0) found.push({ column, ids: rows.map((row) => row.id) });
}
export default found;
