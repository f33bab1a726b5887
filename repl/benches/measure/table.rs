//! Rows of figures, printed as Markdown, and the clock they are taken with.

use std::time::{Duration, Instant};

/// One figure beside what it is meant to reach.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The figure with its unit.
    pub figure: String,
    /// The target, or what it is compared with; empty if there is none.
    pub target: String,
}

impl Row {
    /// A figure with a target.
    pub fn new(what: impl Into<String>, figure: impl Into<String>, target: impl Into<String>) -> Row {
        Row { what: what.into(), figure: figure.into(), target: target.into() }
    }
}

/// A heading and its rows.
pub struct Table {
    /// What the rows have in common.
    pub title: &'static str,
    /// The figures.
    pub rows: Vec<Row>,
}

impl Table {
    /// The table as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n| measured | figure | target |\n|---|---|---|\n", self.title);
        for row in &self.rows {
            text.push_str(&format!("| {} | {} | {} |\n", row.what, row.figure, row.target));
        }
        text
    }
}

/// How long `work` takes.
pub fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let value = work();
    (start.elapsed(), value)
}

/// The value below which `percent` of the sorted samples lie.
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// Operations a second, the best of three rounds, as the machine is shared.
pub fn per_second(count: u64, mut round: impl FnMut(u64)) -> f64 {
    let best = (0..3).map(|r| time(|| round(r)).0).min().expect("three rounds");
    count as f64 / best.as_secs_f64()
}

/// A rate, readable.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e6 => format!("{:.2} M/s", r / 1e6),
        r if r >= 1e3 => format!("{:.0} k/s", r / 1e3),
        r => format!("{r:.0} /s"),
    }
}

/// Milliseconds with two decimals.
pub fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// Microseconds with one decimal.
pub fn us(duration: Duration) -> String {
    format!("{:.1} µs", duration.as_secs_f64() * 1e6)
}
