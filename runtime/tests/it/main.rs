//! The runtime from outside: one process per sandbox, so this binary is its own zygote.

mod support;

mod data;
mod files;
mod jobs;
mod js;
mod leaks;
mod limits;
mod programs;
mod randomness;
mod sessions;
mod sql;
mod state;
mod waiting;
mod walls;
mod zygotes;

use libtest_mimic::Arguments;

fn main() {
    cowry_runtime::init();
    let arguments = Arguments::from_args();
    let cases = [
        jobs::CASES,
        data::CASES,
        files::CASES,
        limits::CASES,
        programs::CASES,
        randomness::CASES,
        sessions::CASES,
        sql::CASES,
        zygotes::CASES,
        leaks::CASES,
        waiting::CASES,
        walls::CASES,
    ];
    let cases = cases.concat().into_iter().chain(state::cases());
    let trials = cases.map(support::trial).chain(js::trials()).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
