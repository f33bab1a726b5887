//! Everything that has to do with buckets, on whatever server there is: one on loopback, or the real one that
//! `COWRY_TEST_BUCKET` names.

use std::process::Command;

use cowry_s3_server::Server;

use crate::scene::{Scene, met, names, object, put};

/// What runs anywhere, by the names that the tests have in this binary.
const CASES: [&str; 4] = [
    "anywhere::a_bucket_is_mounted_and_written",
    "anywhere::results_are_promoted",
    "anywhere::content_lives_there",
    "anywhere::workspaces_are_pushed_and_pulled",
];

#[test]
fn a_bucket_is_mounted_and_written() {
    let scene = Scene::new();
    put(&scene.bucket, "in/2015/weather.csv", "day,rain\n1,3\n2,4\n");
    put(&scene.bucket, "in/gone.txt", "old");
    scene.place.write(
        "job.mjs",
        "import fs from 'fs';\nlet rain = 0;\nfor (const row of csv.rows('/data/2015/weather.csv')) rain += Number(row.rain);\n\
         fs.writeFileSync('/data/rain.txt', `${rain}`);\nfs.appendFileSync('/data/2015/weather.csv', '3,1\\n');\n\
         fs.unlinkSync('/data/gone.txt');\nfs.mkdirSync('/data/empty');\nexport default fs.readdirSync('/data');\n",
    );
    scene.check(
        r#"
$ cowry -w a.cowry run job.mjs --mount /data=BUCKET/in:rw
["2015","empty","rain.txt"]
! created workspace a.cowry
! wrote 3 objects (22 B) to BUCKET/in, removed 1
$ cowry run -e 'fs.readdirSync("/data")' --mount /data=BUCKET/in
["2015","empty","rain.txt"]
$ printf '.mount /data=BUCKET/in:rw\nfs.writeFileSync("/data/rain.txt", "8")\n' > session.txt; cowry -w a.cowry repl < session.txt
…
! wrote 1 object (1 B) to BUCKET/in
"#,
    );
    assert_eq!(object(&scene.bucket, "in/2015/weather.csv").as_deref(), Some("day,rain\n1,3\n2,4\n3,1\n"));
    assert_eq!(object(&scene.bucket, "in/rain.txt").as_deref(), Some("8"));
    assert_eq!(object(&scene.bucket, "in/gone.txt"), None);
}

#[test]
fn results_are_promoted() {
    let scene = Scene::new();
    let rule = "[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = 'BUCKET/results'\n";
    scene.place.write("cowry.toml", &rule.replace("BUCKET", &scene.bucket.location().to_string()));
    scene.check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.mkdirSync("/out"); fs.writeFileSync("/out/r.txt", "42"); fs.writeFileSync("/out/big", "x".repeat(9000000))'
$ cowry -w a.cowry runs finish latest
! promoted 2 files (8.6 MiB) to BUCKET/results
"#,
    );
    assert_eq!(object(&scene.bucket, "results/r.txt").as_deref(), Some("42"));
    assert_eq!(object(&scene.bucket, "results/big").map(|text| text.len()), Some(9_000_000));
}

#[test]
fn content_lives_there() {
    let scene = Scene::new();
    scene.check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/big", "x".repeat(300000))'
$ cowry -q -w a.cowry content BUCKET/content --move > /dev/null
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/more", Buffer.from(crypto.getRandomValues(new Uint8Array(60000))).toString("hex").repeat(20))'
$ rm -rf "$HOME/.cache"
$ cowry -w a.cowry fs cat /more | wc -c
2400000
$ cowry -w a.cowry check --deep
! read [..] sound objects in buckets; 0 objects that nothing refers to (0 B)
! no damage found
$ cowry -q -w a.cowry content --local --move > /dev/null
$ cowry -q -w a.cowry gc --grace 0s
$ cowry -w a.cowry fs cat /big | wc -c
300000
"#,
    );
    assert_eq!(names(&scene.bucket), [""; 0]);
}

#[test]
fn workspaces_are_pushed_and_pulled() {
    let scene = Scene::new();
    scene.check(
        r#"
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "hello")'
$ cowry -w site.cowry push BUCKET/pushes
! pushed revision 1 as site to BUCKET/pushes (push 1): sent 1 of 1 block, [..]
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "more")'
$ cowry -q -w site.cowry push BUCKET/pushes
$ cowry -q -w copy.cowry pull BUCKET/pushes --name site
$ cowry -w copy.cowry fs cat /a.txt
more
$ cowry push --prune 1 BUCKET/pushes --grace 0s
! removed 1 push and [..]
…
"#,
    );
    assert_eq!(names(&scene.bucket).iter().filter(|name| name.starts_with("pushes/pushes/")).count(), 1);
}

/// The switch to a real bucket, by another server that stands for one: this very binary runs the cases against it in a
/// process of their own, and leaves nothing there.
#[test]
fn the_environment_names_another_bucket() {
    let server = Server::start("elsewhere");
    let cases = Command::new(std::env::current_exe().expect("this binary"))
        .arg("--exact")
        .args(CASES)
        .env("COWRY_TEST_BUCKET", "s3://elsewhere/for/tests/")
        .envs(server.environment())
        .output()
        .expect("started");
    let told = String::from_utf8_lossy(&cases.stdout);
    assert!(cases.status.success(), "{told}{}", String::from_utf8_lossy(&cases.stderr));
    assert!(told.contains(&format!("{} passed", CASES.len())), "{told}");
    let (gets, puts, others) = server.requests();
    assert!(gets > 10 && puts > 10 && others > 4, "{gets} {puts} {others}");
    assert_eq!(names(&met("s3://elsewhere", &server.keys())), [""; 0]);
}
