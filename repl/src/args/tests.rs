use super::{Cli, Command, parse};
use crate::command::run_args::Keep;
use clap::CommandFactory;

fn words(line: &str) -> Vec<std::ffi::OsString> {
    line.split(' ').map(Into::into).collect()
}

fn parsed(line: &str) -> Cli {
    parse(words(line)).unwrap_or_else(|failure| panic!("{line}: {failure:?}"))
}

fn refusal(line: &str) -> String {
    parse(words(line)).expect_err("refused").expect("a mistake").to_string()
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_an_example() {
    fn walk(command: &clap::Command, name: &str) {
        let name = format!("{name} {}", command.get_name());
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("cowry "), "no example in `{name} --help`");
        command.get_subcommands().for_each(|below| walk(below, &name));
    }
    walk(&Cli::command(), "");
}

#[test]
fn rules_keep_the_order_they_were_given_in() {
    let Command::Run(run) = parsed("cowry run -e 1 --discard a --persist b --discard c").command else {
        panic!("not a run")
    };
    let expected = [(Keep::Discard, "a"), (Keep::Persist, "b"), (Keep::Discard, "c")];
    assert_eq!(run.policy.keeps.0, expected.map(|(keep, glob)| (keep, glob.to_owned())));
}

#[test]
fn what_follows_the_dashes_belongs_to_the_program() {
    let Command::Run(run) = parsed("cowry run job.ts -- --json -x").command else { panic!("not a run") };
    assert_eq!(run.args, ["--json", "-x"]);
}

#[test]
fn an_option_of_cowry_is_understood_before_and_after_the_command() {
    assert!(parsed("cowry --json log").global.json);
    assert!(parsed("cowry log --json").global.json);
}

#[test]
fn a_mistake_is_one_line_that_says_where_to_read_on() {
    for line in
        ["cowry", "cowry run", "cowry nonsense", "cowry run a.ts --memory 5", "cowry fs", "cowry log --x"]
    {
        let told = refusal(line);
        assert!(!told.contains('\n') && told.contains("--help"), "{line}: {told}");
    }
}

#[test]
fn a_bare_number_is_refused_with_what_to_write() {
    let told = refusal("cowry run a.ts --memory 128");
    assert!(told.contains("needs a unit"), "{told}");
}
