// How many cells of each column are empty, and in which rows.
const rows = csv.parse(await state.readFile({ path: "/data/sales.csv" }));
return Object.keys(rows[0])
  .map((column) => ({ column, ids: rows.filter((row) => row[column] == null).map((row) => row.id) }))
  .filter(({ ids }) => ids.length > 0);
