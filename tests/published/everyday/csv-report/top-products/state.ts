// The three products most sold by number, with their names.
const read = async (path: string) => csv.parse(await state.readFile({ path }));
const sold = new Map<string, number>();
for (const { product, qty } of await read("/data/sales.csv")) sold.set(product, (sold.get(product) ?? 0) + (qty ?? 0));
const products = await read("/data/products.csv");
return products
  .map(({ product, name }) => ({ name, qty: sold.get(product) ?? 0 }))
  .sort((a, b) => b.qty - a.qty)
  .slice(0, 3);
