// What each user ordered; orders of users that are in no list are under the name null.
export default sql`
  with names as (
    select id, name from '/data/users-a.json'
    union all
    select id, name from '/data/users-b.json' where id not in (select id from '/data/users-a.json')
  )
  select name, count(*) as orders, sum(total) as total
  from '/data/orders.json' left join names on id = user
  group by name
  order by total desc`;
