//! The built `cowry` command, from outside: what people type and what they see.

mod console;
mod embedding;
mod tour;
mod weather;
