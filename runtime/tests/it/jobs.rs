//! What a job can come to.

use cowry_runtime::{Event, Job, Limits, Outcome};

use crate::support::{Case, eval, run, sandbox};

pub const CASES: &[Case] = &[
    ("job::the_value_of_an_expression_is_the_result", value),
    ("job::an_exception_is_reported_with_name_and_message", throws),
    ("job::process_exit_sets_the_exit_code", exits),
    ("job::what_is_logged_arrives_in_order", logs),
    ("job::a_sandbox_takes_one_job_after_another", several),
];

fn value() {
    assert_eq!(eval("[1, 2].map(n => n * 21)").json(), "[21,42]");
}

fn throws() {
    match eval("null.nothing").outcome() {
        Outcome::Threw(thrown) => assert_eq!(thrown.name, "TypeError"),
        other => panic!("{other:?}"),
    }
}

fn exits() {
    assert_eq!(*eval("process.exit(7)").outcome(), Outcome::Completed { exit_code: 7 });
}

fn logs() {
    let done = eval("for (let i = 0; i < 3; i++) console.log(i)");
    let texts = done.events.iter().map(|e| match e {
        Event::Console { text, .. } => text.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["0", "1", "2"]);
}

fn several() {
    let mut sandbox = sandbox(Limits::default());
    for n in 0..5 {
        assert_eq!(run(&mut sandbox, &Job::expression(format!("{n} + 1"))).json(), (n + 1).to_string());
    }
}
