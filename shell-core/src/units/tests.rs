use std::time::Duration;

use super::{format_duration, format_size, parse_duration, parse_size};

#[test]
fn sizes_with_a_unit() {
    for (text, bytes) in [
        ("0B", 0),
        ("512B", 512),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("64 KiB", 65_536),
        ("128MiB", 128 << 20),
        ("128mib", 128 << 20),
        ("1.5GB", 1_500_000_000),
        ("1GiB", 1 << 30),
        (" 2TiB ", 2 << 40),
    ] {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
}

#[test]
fn sizes_refused_with_a_reason() {
    for (text, says) in [
        ("128", "write \"128MiB\" instead of 128"),
        ("", "write a number and a unit"),
        ("MiB", "write a number and a unit"),
        ("-1MiB", "write a number and a unit"),
        (".5MiB", "write a number and a unit"),
        ("1.MiB", "write a number and a unit"),
        ("1.2.3MiB", "write a number and a unit"),
        ("12 parsecs", "unknown unit \"parsecs\""),
        ("30s", "use B, kB"),
        ("99999999999TiB", "too large"),
        ("99999999999999999999B", "too large"),
    ] {
        let error = parse_size(text).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn durations_with_a_unit() {
    for (text, duration) in [
        ("30s", Duration::from_secs(30)),
        ("0s", Duration::ZERO),
        ("250ms", Duration::from_millis(250)),
        ("250us", Duration::from_micros(250)),
        ("1.5h", Duration::from_secs(5400)),
        ("2 h", Duration::from_secs(7200)),
        ("1h30m", Duration::from_secs(5400)),
        ("1h 30m 5s", Duration::from_secs(5405)),
        ("2d", Duration::from_secs(172_800)),
        ("1w", Duration::from_secs(604_800)),
        ("5min", Duration::from_secs(300)),
    ] {
        assert_eq!(parse_duration(text), Ok(duration), "{text}");
    }
}

#[test]
fn durations_refused_with_a_reason() {
    for (text, says) in [
        ("30", "write \"30s\" instead of 30"),
        ("1h30", "write \"30s\" instead of 30"),
        ("", "write a number and a unit"),
        ("soon", "write a number and a unit"),
        ("3 fortnights", "unknown unit"),
        ("99999999w", "too large"),
    ] {
        let error = parse_duration(text).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn what_is_written_reads_back() {
    for nanos in [0, 1, 1500, 2_000_000, 30_000_000_000, 5_400_000_000_000, 86_400_000_000_000] {
        let duration = Duration::from_nanos(nanos);
        assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }
    for bytes in [0, 7, 1024, 65_536, 128 << 20, 1 << 30, 3 << 40] {
        assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
    }
    assert_eq!(format_size(1536), "1.5 KiB");
    assert_eq!(format_duration(Duration::from_secs(90)), "90s");
}
