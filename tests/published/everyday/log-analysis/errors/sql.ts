// Server errors: when, for whom, and what the same user did just before.
export default sql`
  select at, user, path, before from (
    select *, lag(path) over (partition by user order by at) as before
    from '/data/access.ndjson' where user is not null
  )
  where status = 500
  order by at`;
