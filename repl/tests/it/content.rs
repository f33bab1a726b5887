//! Where a workspace keeps its content.

use crate::console::{Place, check};

const BIG: &str = r#"cowry -q -w a.cowry run -e 'fs.writeFileSync("/big", "x".repeat(300000)); fs.writeFileSync("/small", "1")'"#;

#[test]
fn content_is_moved_to_a_bucket_and_back() {
    let place = Place::new();
    place.run(BIG);
    place.check(
        r#"
$ cowry -w a.cowry content
new content goes into the file
in the file: 2 pieces (293[..])
$ cowry -w a.cowry content file://$PWD/bucket
new content goes to file:///[..]/work/bucket: pieces of 64 KiB and more
in the file: 2 pieces (293[..]), of which 1 (256 KiB) wait to be moved
$ cowry -w a.cowry content --move --compress zstd
new content goes to file:///[..]/work/bucket: pieces of 64 KiB and more, compressed
in the file: 1 piece ([..] KiB)
in file:///[..]/work/bucket/[..]: 1 piece (256 KiB)
! moved 1 piece (256 KiB) to the bucket
$ ls bucket/*/*/*.zst | wc -l
1
$ cowry -w a.cowry fs cat /big | wc -c
300000
$ cowry -w a.cowry check --deep
! read 1 sound object in buckets; 0 objects that nothing refers to (0 B)
! no damage found
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/big", "y".repeat(700000)); fs.readFileSync("/big", "utf8").length'
700000
$ find bucket -type f | wc -l
2
$ cowry -w a.cowry content --local --move
new content goes into the file
in the file: [..]
in file:///[..]/work/bucket/[..]: 0 pieces (0 B)
in buckets and no longer needed: [..], which `cowry gc` deletes
! moved [..] into the file
$ cowry -q -w a.cowry gc --grace 0s
$ find bucket -type f | wc -l
0
$ cowry -w a.cowry fs cat /big | wc -c
700000
"#,
    );
}

#[test]
fn an_object_that_is_gone_is_named() {
    let place = Place::new();
    place.run(BIG);
    place.check(
        r#"
$ cowry -q -w a.cowry content file://$PWD/bucket --move | wc -l
3
$ rm -r bucket/*/* ../home/.cache
$ cowry -w a.cowry fs cat /big | wc -c
0
! cowry: EIO: [..]: file:///[..]/work/bucket/[..]: there is no such object[..]
$ cowry -w a.cowry fs cat /small | wc -c
1
$ cowry -w a.cowry check
! no damage found
$ cowry -w a.cowry check --deep --json
{"sound":false,[..]"missing":["file:///[..]"],[..]"hit":["/big"],[..]}
[exit status: 125]
"#,
    );
}

#[test]
fn a_commit_says_why_the_bucket_did_not_take_it() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 1; cowry -w a.cowry content file://$PWD/bucket; touch bucket");
    place.check(
        r#"
$ cowry -w a.cowry run -e 'fs.writeFileSync("/big", "x".repeat(300000))'
! cowry: nothing committed: EIO: i/o error: file:///[..]/work/bucket/[..]; `cowry runs commit [..]` tries again
[exit status: 125]
$ cowry -w a.cowry runs commit latest
! cowry: file:///[..]/work/bucket/[..]
[exit status: 125]
$ rm bucket
$ cowry -w a.cowry runs commit latest
! committed revision [..]
"#,
    );
}

#[test]
fn what_cannot_be_is_refused() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 1
1
$ cowry -w a.cowry content ftp://b/x
! cowry: "ftp://" is not known; use s3://, gs://, az://, file:/// or memory://
[exit status: 125]
$ AWS_MAX_ATTEMPTS=1 AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s cowry -w a.cowry content s3://b/x
! cowry: cannot keep content: s3://b/x: the server cannot be reached; check the network and the endpoint
[exit status: 125]
$ cowry -w a.cowry content
new content goes into the file
in the file: 0 pieces (0 B)
$ cowry -w a.cowry content --compress zstd
! cowry: content is kept in the file: name a bucket, s3://bucket/prefix
[exit status: 125]
$ cowry -w a.cowry content memory://a/b
! cowry: memory:// forgets everything when the command ends: name a bucket, s3://bucket/prefix, or a folder, file:///folder
[exit status: 125]
$ cowry -w a.cowry content s3://key:secret@bucket
! cowry: [..] put keys into the environment [..]
[exit status: 125]
$ cowry -w a.cowry content --json
{"address":null,"above":null,"compress":null,"pieces":0,"bytes":0,"waiting":0,"waitingBytes":0,"unreferenced":0,"places":[]}
"#,
    );
}
