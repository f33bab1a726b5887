//! The built `cowry` command, from outside: what people type and what they see.

mod console;
mod embedding;
mod files;
mod history;
mod json;
mod mistakes;
mod output;
mod prompt;
mod runs;
mod strict;
mod tour;
mod weather;
