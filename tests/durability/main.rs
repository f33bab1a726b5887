//! Tests that try to break a workspace: processes killed at any point, power cut with writes half done, full disks and
//! I/O errors, operations that fail between their steps, damaged files. Whatever was acknowledged must be there after,
//! and `check` find nothing; what is damaged must be reported and never misread.
//!
//! The workers that are killed are this program itself, see `kill`.

mod damage;
mod disk;
mod fail;
mod kill;
mod power;
mod share;
mod state;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == kill::WORKER) {
        return kill::work(&words[2..]);
    }
    disk::install();
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> =
        [power::trials(), kill::trials(), fail::trials(), damage::trials(), share::trials()]
            .into_iter()
            .flatten()
            .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// A trial that fails if it panics.
fn trial(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}
