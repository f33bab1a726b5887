// Requests and slowest request of each hour.
export default sql`
  select substr(at, 1, 13) as hour, count(*) as requests, max(ms) as slowest, path
  from '/data/access.ndjson'
  group by hour
  order by hour`;
