//! The weather example's figures, against sums in whole tenths that Cowry had no part in.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::console::Place;

/// A day of the data set: month, and precipitation, highest and lowest temperature in tenths.
struct Day {
    date: String,
    precipitation: i64,
    max: i64,
    min: i64,
}

/// Tenths of a decimal number with at most one digit behind the point.
fn tenths(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    whole.parse::<i64>().expect("a number") * 10 + sign * fraction.parse::<i64>().expect("one digit")
}

fn days(csv: &str) -> Vec<Day> {
    csv.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            Day {
                date: cells[0].into(),
                precipitation: tenths(cells[1]),
                max: tenths(cells[2]),
                min: tenths(cells[3]),
            }
        })
        .collect()
}

/// Whether a figure rounded to one decimal is `tenths / divisor`, halves to either side.
fn is_rounded(figure: &Value, tenths: i64, divisor: i64) -> bool {
    let exact = tenths as f64 / 10.0 / divisor as f64;
    (figure.as_f64().expect("a number") - exact).abs() <= 0.05 + 1e-9
}

#[test]
fn the_figures_are_those_of_an_independent_sum() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the repository");
    let place = Place::new();
    std::os::unix::fs::symlink(root.join("examples"), place.path().join("examples")).expect("linked");
    place.run("cowry run -w w.cowry --mount /data=examples/weather/data examples/weather/report.ts");
    let summary: Value =
        serde_json::from_str(&place.run("cowry fs cat -w w.cowry /out/summary.json")).expect("JSON");
    let csv = std::fs::read_to_string(root.join("examples/weather/data/seattle-weather.csv")).expect("there");
    let days = days(&csv);
    assert!(days.len() >= 1_400);
    assert_eq!(summary["days"], days.len());
    let wet: Vec<&Day> = days.iter().filter(|day| day.precipitation >= 10).collect();
    assert_eq!(summary["wetDays"], wet.len());
    assert!(is_rounded(&summary["precipitation"], days.iter().map(|day| day.precipitation).sum(), 1));

    let mut months: BTreeMap<&str, Vec<&Day>> = BTreeMap::new();
    for day in &days {
        months.entry(&day.date[5..7]).or_default().push(day);
    }
    let reported = summary["months"].as_array().expect("a list");
    assert_eq!(reported.len(), months.len());
    for (figures, (month, days)) in reported.iter().zip(months) {
        let count = days.len() as i64;
        let sum = |of: fn(&Day) -> i64| days.iter().map(|day| of(day)).sum::<i64>();
        assert_eq!(figures["month"], month);
        assert_eq!(figures["days"], count);
        assert_eq!(figures["wetDays"], days.iter().filter(|day| day.precipitation >= 10).count());
        assert!(is_rounded(&figures["precipitation"], sum(|day| day.precipitation), 4), "{figures}");
        assert!(is_rounded(&figures["meanMax"], sum(|day| day.max), count), "{figures}");
        assert!(is_rounded(&figures["meanMin"], sum(|day| day.min), count), "{figures}");
    }

    let listed = place.run("cowry fs cat -w w.cowry /out/wet-days.csv");
    let dates: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(dates, wet.iter().map(|day| day.date.as_str()).collect::<Vec<_>>());
    assert_eq!(place.run("cowry fs ls -w w.cowry /"), "out/\n");
}
