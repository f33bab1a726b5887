// Events in order of time, each with the city of its device.
export default sql`
  select at, kind, place ->> '$.city' as city
  from '/data/events.ndjson' left join '/data/devices.json' using (device)
  order by at`;
