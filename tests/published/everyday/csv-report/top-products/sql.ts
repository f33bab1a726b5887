// The three products most sold by number, with their names.
export default sql`
  select p.name, sum(s.qty) as qty
  from '/data/sales.csv' as s join '/data/products.csv' as p using (product)
  group by p.product
  order by qty desc
  limit ${3}`;
