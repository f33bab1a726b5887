//! Records of runs, and what failed ones wrote.

use crate::console::Place;

/// A workspace with one run that failed after it had written, and that run's id.
fn failed() -> (Place, String) {
    let place = Place::new();
    place.run("cowry -w a.cowry run -q -e 'fs.writeFileSync(\"/a\", \"1\\n\")'");
    place.run("cowry -w a.cowry run -q -m attempt -e 'console.log(\"hi\"); fs.writeFileSync(\"/a\", \"2\\n\"); throw 1'");
    let id = latest(&place);
    (place, id)
}

fn latest(place: &Place) -> String {
    let listed = place.run("cowry -w a.cowry runs -n 1");
    listed.split_whitespace().next().expect("a run").to_owned()
}

#[test]
fn a_record_tells_everything() {
    let (place, id) = failed();
    place.check(&format!(
        "
$ cowry -w a.cowry runs show {}
run       {id}
program   [eval] (blake3 …)
started   20…Z
took      … ms wall, … ms cpu
memory    … at most
outcome   threw
base      revision 1
files     not committed (it failed)
kept      until 20…Z (`cowry runs diff {id}`)
message   attempt

changes:
  M /a (discard)

error:
…

log:
  hi
",
        &id[..4]
    ));
}

#[test]
fn the_changes_of_a_failed_run_can_be_seen_and_committed_after_all() {
    let (place, id) = failed();
    place.check(&format!(
        "
$ cowry -w a.cowry runs diff {id}
M /a
--- a/a
+++ b/a
@@ -1 +1 @@
-1
+2
$ cowry -w a.cowry fs cat /a
1
$ cowry -w a.cowry runs commit {id}
! committed revision 2: run {id}
$ cowry -w a.cowry fs cat /a
2
"
    ));
}

#[test]
fn or_dropped() {
    let (place, id) = failed();
    place.check(&format!(
        "
$ cowry -w a.cowry runs drop {id}
! dropped what run {id} wrote; its record stays
$ cowry -w a.cowry runs commit {id}
! cowry: the changes of run {id} are not kept: …
[exit status: 125]
$ cowry -w a.cowry runs show {id} | grep files
files     dropped
"
    ));
}

#[test]
fn a_conflict_names_both_ways_out() {
    let (place, id) = failed();
    place.run("cowry -w a.cowry run -q -e 'fs.writeFileSync(\"/a\", \"3\\n\")'");
    place.check(&format!(
        "
$ cowry -w a.cowry runs commit {id}
! cowry: conflict: changed by others since the base: /a; `cowry runs commit {id} --theirs` takes the run's version, `--ours` leaves those paths out, `--merge` merges
[exit status: 122]
$ cowry -w a.cowry runs commit {id} --theirs
! committed revision 3: run {id}
$ cowry -w a.cowry fs cat /a
2
"
    ));
}

#[test]
fn a_run_that_another_commit_overtakes_conflicts() {
    let place = Place::new();
    place.run("cowry -w a.cowry run -q -e 'fs.writeFileSync(\"/a\", \"0\")'");
    // The slow run tells that it has begun by printing, and ends once it is told that the fast one has committed.
    place.write("told/README", "");
    place.write(
        "slow.js",
        "import fs from 'node:fs'\nconsole.log('begun')\n\
         export default async () => {\n\
           while (!fs.existsSync('/told/go')) await new Promise((resolve) => setTimeout(resolve, 10))\n\
           fs.writeFileSync('/a', 'slow')\n\
         }\n",
    );
    place.check(
        r#"
$ cowry -w a.cowry run --mount /told=told --wall 10min slow.js > log & until grep -qs begun log || ! kill -0 $!; do :; done; \
  cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "fast")'; touch told/go; wait $!
! cowry: conflict, nothing committed: /a changed meanwhile; `cowry runs commit … --merge` puts both together, `--theirs` takes the run's version of that, `--ours` the rest only
[exit status: 122]
$ cowry -w a.cowry fs cat /a
fast
"#,
    );
}
