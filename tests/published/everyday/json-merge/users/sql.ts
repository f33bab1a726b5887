// Two lists of users made one: of each id the record that was updated last, in order of ids.
export default sql`
  select id, name, email, max(updated) as updated
  from (select * from '/data/users-a.json' union all select * from '/data/users-b.json')
  group by id
  order by id`;
