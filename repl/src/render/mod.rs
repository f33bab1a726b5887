//! How things look: text for people, JSON for programs.

mod buckets;
mod changes;
mod diff;
pub mod json;
pub mod preview;
mod run;
mod table;
mod time;
mod tree;

pub use buckets::{BucketLine, bucket_json, bucket_line, bucket_plan, unfinished_line};
pub use changes::{change_lines, counted, legible, shown, summary};
pub use diff::{diff_lines, stat_lines};
pub use run::{fate_words, millis, outcome_line, outcome_status, outcome_word, record_lines};
pub use table::Table;
pub use time::{ago, iso};
pub use tree::{entry_name, join, tree_lines};
