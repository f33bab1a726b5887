// Revenue by region in March 2026, largest first. Rows that lack a figure or a region do not count.
export default sql`
  select region, round(sum(qty * price), 2) as revenue
  from '/data/sales.csv'
  where date like '2026-03%' and region is not null and qty is not null and price is not null
  group by region
  order by revenue desc`;
