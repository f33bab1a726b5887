//! Sizes and durations as people write them: a number and a unit.
//!
//! A bare number is refused everywhere, since nobody can tell seconds from milliseconds by looking at one.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

/// Why a size or a duration could not be read. The message says what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

const SIZES: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1000),
    ("mb", 1000 * 1000),
    ("gb", 1000 * 1000 * 1000),
    ("tb", 1000 * 1000 * 1000 * 1000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

const DURATIONS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1000),
    ("µs", 1000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Reads a size such as `128MiB`, `64 KiB`, `1.5GB` or `512B` into bytes.
///
/// Units are those of 1000 (`kB`, `MB`, `GB`, `TB`) and of 1024 (`KiB`, `MiB`, `GiB`, `TiB`), in any case.
///
/// # Errors
/// If there is no unit, an unknown one, or more than 2⁶³−1 bytes.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let kind = Kind { what: "size", units: SIZES, listed: "B, kB, MB, GB, KiB, MiB or GiB", example: "MiB" };
    kind.parse(text)
}

/// Reads a duration such as `30s`, `1.5h`, `250ms` or `1h30m`.
///
/// # Errors
/// If there is no unit, an unknown one, or more than about 290 years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let kind = Kind { what: "duration", units: DURATIONS, listed: "ms, s, m, h or d", example: "s" };
    let mut nanos = 0u64;
    for part in split_parts(text.trim()) {
        nanos = nanos.checked_add(kind.parse(part)?).ok_or_else(|| kind.too_large(text))?;
    }
    if text.trim().is_empty() {
        return Err(kind.malformed(text));
    }
    Ok(Duration::from_nanos(nanos))
}

/// Writes a size in the largest unit of 1024 that keeps it exact, or else with one decimal.
pub fn format_size(bytes: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, factor)| bytes >= *factor) {
        None => format!("{bytes} B"),
        Some((unit, factor)) if bytes.is_multiple_of(factor) => format!("{} {unit}", bytes / factor),
        Some((unit, factor)) => format!("{:.1} {unit}", bytes as f64 / factor as f64),
    }
}

/// Writes a duration the way [`parse_duration`] reads it, in the largest unit that keeps it exact.
pub fn format_duration(duration: Duration) -> String {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos == 0 {
        return "0s".into();
    }
    let units = ["d", "h", "m", "s", "ms", "us", "ns"];
    let exact = units.into_iter().find_map(|unit| {
        let factor = DURATIONS.iter().find(|(name, _)| *name == unit)?.1;
        nanos.is_multiple_of(factor).then(|| format!("{}{unit}", nanos / factor))
    });
    exact.expect("every number of nanoseconds is a multiple of one")
}

/// A number of bytes, read and written with its unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Size(pub u64);

/// A span of time, read and written with its unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span(pub Duration);

macro_rules! unit_text {
    ($type:ident, $parse:ident, $format:ident, $number:literal) => {
        impl std::str::FromStr for $type {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<$type, UnitError> {
                $parse(text).map($type)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$format(self.0))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("text with a unit, such as ", $number))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<$type, E> {
                        $parse(&n.to_string()).map($type).map_err(E::custom)
                    }
                    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<$type, E> {
                        $parse(&n.to_string()).map($type).map_err(E::custom)
                    }
                    fn visit_f64<E: serde::de::Error>(self, n: f64) -> Result<$type, E> {
                        $parse(&n.to_string()).map($type).map_err(E::custom)
                    }
                }
                d.deserialize_any(Text)
            }
        }
    };
}

unit_text!(Size, parse_size, format_size, "\"128MiB\"");
unit_text!(Span, parse_duration, format_duration, "\"30s\"");

struct Kind {
    what: &'static str,
    units: &'static [(&'static str, u64)],
    listed: &'static str,
    example: &'static str,
}

impl Kind {
    fn parse(&self, text: &str) -> Result<u64, UnitError> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..split], text[split..].trim());
        if number.is_empty() || number.starts_with('.') || number.ends_with('.') {
            return Err(self.malformed(text));
        }
        if unit.is_empty() {
            return Err(UnitError(format!(
                "a {} needs a unit: write \"{number}{}\" instead of {number}",
                self.what, self.example
            )));
        }
        let lower = unit.to_lowercase();
        let Some((_, factor)) = self.units.iter().find(|(name, _)| *name == lower) else {
            return Err(UnitError(format!(
                "unknown unit \"{unit}\" in \"{text}\": use {}, as in \"30{}\"",
                self.listed, self.example
            )));
        };
        self.scale(text, number, *factor)
    }

    /// Multiplies exactly where there is no fraction, and rounds down to one where there is.
    fn scale(&self, text: &str, number: &str, factor: u64) -> Result<u64, UnitError> {
        let value = match number.parse::<u64>() {
            Ok(whole) => whole.checked_mul(factor),
            Err(_) if number.contains('.') => {
                let real = number.parse::<f64>().map_err(|_| self.malformed(text))? * factor as f64;
                (real < i64::MAX as f64).then_some(real as u64)
            }
            Err(_) => None,
        };
        value.filter(|v| *v <= i64::MAX as u64).ok_or_else(|| self.too_large(text))
    }

    fn malformed(&self, text: &str) -> UnitError {
        UnitError(format!(
            "\"{text}\" is no {}: write a number and a unit, such as \"30{}\"",
            self.what, self.example
        ))
    }

    fn too_large(&self, text: &str) -> UnitError {
        UnitError(format!("the {} \"{text}\" is too large", self.what))
    }
}

/// Cuts `1h30m` before every number that follows a unit.
fn split_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_unit) = (0, false);
    for (at, c) in text.char_indices() {
        let number = c.is_ascii_digit() || c == '.';
        if number && in_unit {
            parts.push(&text[start..at]);
            start = at;
        }
        in_unit = !number && (in_unit || !c.is_whitespace());
    }
    parts.push(&text[start..]);
    parts
}
