//! Times: ISO 8601 in UTC for programs and files, how long ago for people at a terminal.

use cowry_shell_core::Timestamp;

/// A time such as `2026-11-20T08:00:00Z`.
pub fn iso(time: Timestamp) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(stamp) => stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        // The last years that nanoseconds reach are beyond no calendar of ours; say what is known.
        Err(_) => format!("{} ns", time.0),
    }
}

/// How long before `now` it was: `just now`, `5 minutes ago`. Beyond a month the date says more.
pub fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.0.saturating_sub(time.0) / 1_000_000_000;
    let told = |count: i64, unit: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural} ago")
    };
    match seconds {
        i64::MIN..0 => iso(time),
        0..5 => "just now".into(),
        5..60 => told(seconds, "second"),
        60..3_600 => told(seconds / 60, "minute"),
        3_600..86_400 => told(seconds / 3_600, "hour"),
        86_400..2_592_000 => told(seconds / 86_400, "day"),
        _ => iso(time),
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, ago, iso};

    #[test]
    fn times_are_iso_in_utc() {
        assert_eq!(iso(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(iso(Timestamp(1_795_219_200_500_000_000)), "2026-11-21T00:00:00Z");
    }

    #[test]
    fn how_long_ago() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        let now = at(10_000_000);
        for (seconds, expected) in [
            (2, "just now"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
            (2_592_000, "1970-03-27T17:46:40Z"),
            (-1, "1970-04-26T17:46:41Z"),
        ] {
            assert_eq!(ago(at(10_000_000 - seconds), now), expected);
        }
    }
}
