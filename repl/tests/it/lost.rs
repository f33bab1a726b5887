//! Objects that are gone from a bucket: what is saved of the rest, and what is said.

use crate::console::Place;

/// Three files whose content is in the bucket, of which the object of `/f2` is gone.
fn place() -> Place {
    let place = Place::new();
    place.run(
        "cowry -q -w a.cowry run -e 1; cowry -w a.cowry content file://$PWD/bucket; \
         for n in 1 2 3; do cowry -q -w a.cowry run -e \"fs.writeFileSync('/f$n', '$n'.repeat(100000))\"; \
         test $n = 2 && find bucket -type f > two; done; \
         for object in $(cat two); do grep -q 2222 $object && rm $object; done; rm -rf ../home/.cache",
    );
    place
}

#[test]
fn a_deep_check_names_the_files_that_lost_something() {
    place().check(
        r#"
$ cowry -w a.cowry check
! no damage found
$ cowry -w a.cowry check --deep
file:///[..]/work/bucket/[..] is missing
/f2 cannot be read whole
! read 2 sound objects in buckets; 0 objects that nothing refers to (0 B)
! the file itself is sound; what those objects held is lost unless they are put back: `cowry check --salvage DIR` saves everything else
[exit status: 125]
$ cowry -w a.cowry fs cat /f2
! cowry: EIO: [..]: file:///[..]/work/bucket/[..]: there is no such object; `cowry check --deep` names all files that lost something
[exit status: 125]
"#,
    );
}

#[test]
fn a_salvage_saves_everything_else() {
    place().check(
        r#"
$ cowry -w a.cowry check --salvage saved
mended the tree takes up 300000 bytes in 4 nodes
! skipped /f2: file:///[..]/work/bucket/[..]: there is no such object
! wrote saved: [..]
[exit status: 125]
$ cat saved/f1 saved/f3 | wc -c; ls saved
200000
f1
f3
$ cowry -w a.cowry check --salvage saved.tar
mended the tree takes up 300000 bytes in 4 nodes
! skipped /f2: file:///[..]/work/bucket/[..]: there is no such object
! wrote saved.tar: [..]
[exit status: 125]
$ tar -tf saved.tar
f1
f3
"#,
    );
}

#[test]
fn a_move_brings_everything_else() {
    place().check(
        r#"
$ cp a.cowry copy.cowry; cowry -w copy.cowry content --move > /dev/null
! moved 2 pieces (195.3 KiB) to the bucket
! lost: file:///[..]/work/bucket/[..]: there is no such object
! cowry: 1 piece could not be moved, since what held them is missing or damaged: `cowry check --deep` names the files
[exit status: 125]
$ cowry -w a.cowry content --local --move | head -n 1
new content goes into the file
! moved 2 pieces (195.3 KiB) into the file
! lost: file:///[..]/work/bucket/[..]: there is no such object
! cowry: 1 piece could not be moved, since what held them is missing or damaged: `cowry check --deep` names the files
$ rm -r bucket ../home/.cache; cowry -w a.cowry fs cat /f1 | wc -c; cowry -w a.cowry fs cat /f3 | wc -c
100000
100000
"#,
    );
}

#[test]
fn a_program_is_told_a_number_and_whoever_runs_it_the_object() {
    let place = place();
    place.check(
        r#"
$ cowry -w a.cowry run -e 'let told = ""; try { fs.readFileSync("/f2") } catch (error) { told = JSON.stringify([error, error.message, error.stack]) } [told.includes("EIO"), told.includes("bucket")]'
[true,false]
! cowry: the program could not read /f2: file:///[..]/work/bucket/[..]: there is no such object
$ cowry -w a.cowry runs show latest | grep -A 1 'not read'
not read:
  /f2: file:///[..]/work/bucket/[..]: there is no such object
"#,
    );
}

#[test]
fn what_a_run_wrote_to_a_bucket_survives_a_refusal() {
    let place = Place::new();
    place.run("mkdir b; echo theirs > b/o");
    place.check(
        r#"
$ cowry -w a.cowry run --mount /d=file://$PWD/b:rw -e 'fs.writeFileSync("/d/p", "precious"); fs.unlinkSync("/d/o"); fs.symlinkSync("x", "/d/l\nn")'
! created workspace a.cowry
! cowry: nothing committed: file:///[..]/work/b/l\nn: a bucket keeps no symbolic links; write a file there, or discard the link by a rule; `cowry runs commit [..]` tries again, and with --ours leaves out what a bucket cannot keep
[exit status: 125]
$ cowry -w a.cowry runs
[..] not committed (file:///[..]/work/b/l\nn: a bucket keeps no symbolic links; [..])
$ cowry -w a.cowry runs commit latest --ours
! run [..] changed nothing of the workspace; it is written to /d
! wrote 1 object (8 B) to file:///[..]/work/b, removed 1
$ ls b; cat b/p; echo
p
precious
$ cowry -w a.cowry run --mount /d=file://$PWD/b:rw -e 'fs.unlinkSync("/d/p")'
! removed 1 object from file:///[..]/work/b
"#,
    );
}

#[test]
fn a_conflict_in_a_bucket_says_what_can_be_done_and_that_is_true() {
    let place = Place::new();
    place.run("mkdir b; echo base > b/o; mkdir s; touch s/go");
    place.write(
        "job.mjs",
        "import fs from 'fs';\nfs.readFileSync('/d/o');\nfs.writeFileSync('/d/o', 'mine');\nfs.writeFileSync('/d/p', 'precious');\nfs.writeFileSync('/ws', '1');\nthrow new Error('stop');\n",
    );
    place.check(
        r#"
$ cowry -q -w a.cowry run job.mjs --mount /d=file://$PWD/b:rw 2> /dev/null; echo theirs, and longer > b/o
$ cowry -w a.cowry runs commit latest
! cowry: conflict: changed by others since the base: /d/o; `cowry runs commit latest --theirs` takes the run's version, `--ours` leaves those paths out, `--merge` merges
[exit status: 122]
$ cowry -w a.cowry runs diff latest
…
$ cowry -w a.cowry runs commit latest --theirs
! committed revision 1: run [..]
! wrote 2 objects (12 B) to file:///[..]/work/b
$ cat b/o b/p; echo; cowry -w a.cowry fs cat /ws; echo
mineprecious
1
"#,
    );
}
