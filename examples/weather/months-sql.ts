// Months of the weather with `sql`: days, wet days, and the mean of the highest temperatures.
export default sql`
  select substr(date, 6, 2) as month, count(*) as days, sum(precipitation >= 1) as wet, round(avg(temp_max), 1) as max
  from '/data/seattle-weather.csv'
  group by month
  order by month`;
