// How many requests each path had, and how many of them failed.
export default sql`
  select path, count(*) as requests, sum(status >= 400) as failed
  from '/data/access.ndjson'
  group by path
  order by failed desc, path`;
