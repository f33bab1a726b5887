use std::path::Path;
use std::time::Duration;

use cowry_vfs::VPathBuf;
use cowry_vfs::commit::{Judge, Verdict};

use super::{FileRules, Glob, Keep, LimitSettings, Policy, Rule, When};
use crate::mount::{Mount, MountMode};

fn path(text: &str) -> VPathBuf {
    VPathBuf::parse(text).expect(text)
}

fn parse(text: &str) -> Policy {
    Policy::parse(text, "cowry.toml", Path::new("/etc/jobs")).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    Policy::parse(text, "cowry.toml", Path::new("")).expect_err(text).to_string()
}

#[test]
fn globs_match_paths() {
    for (glob, yes, no) in [
        ("/out/**", &["/out", "/out/a", "/out/a/b"][..], &["/", "/outer", "/a/out"][..]),
        ("/out/", &["/out", "/out/a"], &["/outer"]),
        ("/out/*", &["/out/a"], &["/out", "/out/a/b"]),
        ("/*.csv", &["/a.csv"], &["/a/b.csv", "/a.csvx"]),
        ("**/*.csv", &["/a.csv", "/a/b/c.csv"], &["/a.csv/b", "/a"]),
        ("/**/log", &["/log", "/a/log"], &["/a/log/b"]),
        ("/a/**/z/**", &["/a/z", "/a/b/z", "/a/b/z/y"], &["/a", "/a/b"]),
        ("/{a,b}/**", &["/a", "/b/c"], &["/c"]),
        ("/{a/b,c}/x", &["/a/b/x", "/c/x"], &["/a/x"]),
        ("/[ab]?.txt", &["/a1.txt"], &["/c1.txt", "/a.txt"]),
        ("**", &["/", "/a", "/a/b"], &[]),
        ("/**", &["/", "/a", "/a/b"], &[]),
        ("/\\*", &["/*"], &["/a"]),
    ] {
        let compiled = Glob::new(glob).expect(glob);
        for text in yes {
            assert!(compiled.matches(&path(text)), "{glob} matches {text}");
        }
        for text in no {
            assert!(!compiled.matches(&path(text)), "{glob} does not match {text}");
        }
    }
}

#[test]
fn bad_globs_say_what_to_write() {
    for (glob, says) in [
        ("", "write \"/**\""),
        ("out/**", "write \"/out/**\", or \"**/out/**\""),
        ("./out", "write \"/out\""),
        ("/a**", "\"**\" must stand alone"),
        ("/a/[b", "bad glob \"/a/[b\""),
        ("/{a,b", "bad glob \"/{a,b\""),
        ("/a/../b", "component \"..\""),
        ("/a//b", "component \"\""),
    ] {
        let error = Glob::new(glob).expect_err(glob).to_string();
        assert!(error.contains(says), "{glob}: {error}");
    }
}

/// Rules in order: glob, keep, when.
fn rules(persist_by_default: bool, list: &[(&str, Keep, When)]) -> FileRules {
    let mut rules = FileRules::with_default(persist_by_default);
    for (glob, keep, when) in list {
        rules.push(Rule { glob: Glob::new(glob).expect(glob), keep: keep.clone(), when: *when });
    }
    rules
}

const P: Verdict = Verdict::Persist;
const D: Verdict = Verdict::Discard;
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = rules(
        true,
        &[
            ("/out/keep/**", Keep::Persist, When::Always),
            ("/out/**", Keep::Discard, When::Success),
            ("/cache/**", Keep::Expire(HOUR), When::Success),
            ("/tmp/precious", Keep::Persist, When::Success),
        ],
    );
    for (at, success, failure) in [
        ("/out/keep/a", P, P),
        ("/out/a", D, D),
        ("/cache/a", Verdict::Expire(HOUR), D),
        ("/tmp/precious", P, D),
        ("/tmp/a", D, D),
        ("/tmp", D, D),
        ("/elsewhere", P, D),
    ] {
        assert_eq!(rules.judge(true).verdict(&path(at)), success, "{at} after success");
        assert_eq!(rules.judge(false).verdict(&path(at)), failure, "{at} after failure");
    }
}

#[test]
fn a_rule_for_successes_ends_the_search_after_a_failure_too() {
    let rules =
        rules(true, &[("/out/**", Keep::Persist, When::Success), ("/**", Keep::Persist, When::Always)]);
    assert_eq!(rules.judge(false).verdict(&path("/out/a")), D);
    assert_eq!(rules.judge(false).verdict(&path("/log")), P);
}

#[test]
fn command_line_rules_come_first_in_their_order() {
    let mut rules = rules(true, &[("/a/**", Keep::Persist, When::Success)]);
    rules.prepend([Rule::discard("/a/x").expect("good"), Rule::persist("/**").expect("good")]);
    let order: Vec<&str> = rules.rules().map(|rule| rule.glob.as_str()).collect();
    assert_eq!(order, ["/a/x", "/**", "/a/**", "/tmp/**"]);
    assert_eq!(rules.judge(true).verdict(&path("/a/x")), D);
    assert_eq!(rules.judge(true).verdict(&path("/tmp/a")), P);
}

#[test]
fn one_verdict_for_a_subtree_only_where_it_is_certain() {
    let rules = rules(
        true,
        &[
            ("/out/**", Keep::Persist, When::Success),
            ("/data/*.tmp", Keep::Discard, When::Success),
            ("/logs/*/old/**", Keep::Discard, When::Success),
        ],
    );
    for (at, below) in [
        ("/", None),
        ("/out", Some(P)),
        ("/out/a/b", Some(P)),
        ("/data", None),
        ("/data/sub", Some(P)),
        ("/data/a.tmp", None),
        ("/logs", None),
        ("/logs/app", None),
        ("/logs/app/old", Some(D)),
        ("/logs/app/old/x", Some(D)),
        ("/logs/app/new", Some(P)),
        ("/tmp", Some(D)),
        ("/tmp/a", Some(D)),
        ("/src", Some(P)),
    ] {
        assert_eq!(rules.judge(true).verdict_below(&path(at)), below, "{at}");
    }
    // After a failure nothing of this persists, wherever the rules point.
    assert_eq!(rules.judge(false).verdict_below(&path("/")), Some(D));
}

#[test]
fn a_subtree_verdict_agrees_with_every_path_in_it() {
    let globs =
        ["/a/**", "/a/*", "**/x", "/a/b", "/{a,b}/x/**", "/{a/b,b}/**", "/?/b/**", "/**/b/**", "/a/[xy]"];
    let names = ["a", "b", "x"];
    let mut paths = vec![path("/")];
    for a in names {
        paths.push(path(&format!("/{a}")));
        for b in names {
            paths.push(path(&format!("/{a}/{b}")));
            paths.extend(names.map(|c| path(&format!("/{a}/{b}/{c}"))));
        }
    }
    for first in globs {
        for second in globs {
            let rules = rules(
                true,
                &[(first, Keep::Discard, When::Success), (second, Keep::Expire(HOUR), When::Success)],
            );
            let judge = rules.judge(true);
            for top in &paths {
                let Some(verdict) = judge.verdict_below(top) else { continue };
                for below in paths.iter().filter(|p| p.is_within(top)) {
                    assert_eq!(judge.verdict(below), verdict, "{first} then {second}: {below} in {top}");
                }
            }
        }
    }
}

#[test]
fn a_whole_policy() {
    let policy = parse(
        r#"
        [limits]
        memory = "256MiB"
        cpu = "5s"
        wall = "1m"
        scratch = "2GiB"
        files = 500
        log = "64KiB"
        result = "1MiB"

        [files]
        default = "discard"

        [[files.rule]]
        glob = "/out/**"
        keep = "persist"
        when = "always"

        [[files.rule]]
        glob = "/cache/**"
        keep = "expire"
        ttl = "2h"

        [mounts]
        "/data" = { source = "./data" }
        "/share" = { source = "/srv/share", mode = "rw" }

        [sandbox]
        strict = true
        "#,
    );
    let expected = LimitSettings {
        memory: Some(256 << 20),
        cpu: Some(Duration::from_secs(5)),
        wall: Some(Duration::from_secs(60)),
        scratch: Some(2 << 30),
        scratch_memory: None,
        files: Some(500),
        log: Some(64 << 10),
        result: Some(1 << 20),
    };
    assert_eq!(policy.limits, expected);
    assert!(policy.strict && !policy.files.persist_by_default);
    let rules: Vec<_> =
        policy.files.rules().map(|rule| (rule.glob.as_str(), rule.keep.clone(), rule.when)).collect();
    assert_eq!(
        rules,
        [
            ("/out/**", Keep::Persist, When::Always),
            ("/cache/**", Keep::Expire(2 * HOUR), When::Success),
            ("/tmp/**", Keep::Discard, When::Success),
        ]
    );
    let mounts: Vec<_> =
        policy.mounts.iter().map(|m| (m.at.as_str(), m.source.to_string(), m.mode)).collect();
    assert_eq!(
        mounts,
        [
            ("/data", "/etc/jobs/./data".into(), MountMode::ReadOnly),
            ("/share", "/srv/share".into(), MountMode::ReadWrite),
        ]
    );
}

#[test]
fn an_empty_policy_is_the_default() {
    let policy = parse("");
    assert_eq!(policy.limits, LimitSettings::default());
    assert!(policy.files.persist_by_default && !policy.strict && policy.mounts.is_empty());
}

/// What is said of an address that cannot be used.
const BAD_ADDRESS: &str = if cfg!(feature = "object") { "use s3://" } else { "no object storage" };

#[cfg(feature = "object")]
#[test]
fn buckets_are_mounted_by_their_address() {
    for (text, source, mode) in [
        ("/data=s3://shells/a/b", "s3://shells/a/b", MountMode::ReadOnly),
        ("/data=s3://shells/a:rw", "s3://shells/a", MountMode::ReadWrite),
        ("/data=s3://shells:ro", "s3://shells", MountMode::ReadOnly),
        ("/data=file:///srv/x:rw", "file:///srv/x", MountMode::ReadWrite),
        ("/data=memory://m/", "memory://m", MountMode::ReadOnly),
    ] {
        let mount = Mount::parse(text).expect(text);
        assert_eq!((&*mount.source.to_string(), mount.mode), (source, mode), "{text}");
        assert!(mount.bucket().is_some() && mount.folder().is_none());
    }
    let typo = Mount::parse("/data=s3://shells/p:rx").expect_err("no mode").to_string();
    assert!(typo.contains("\":rx\" is no mode"), "{typo}");
    assert_eq!(
        Mount::parse("/data=s3://shells/p:rx/").expect("a prefix").source.to_string(),
        "s3://shells/p:rx"
    );
    let secret = Mount::parse("/data=s3://key:hush@shells/x").expect_err("a key");
    assert!(!secret.to_string().contains("hush") && secret.to_string().contains("environment"), "{secret}");
}

#[cfg(feature = "object")]
#[test]
fn promoted_files_have_their_path_below_the_globs_directory() {
    for (glob, path, name) in [
        ("/out/**", "/out/a/b.csv", Some("a/b.csv")),
        ("/out/", "/out/a.csv", Some("a.csv")),
        ("/out/*.csv", "/out/a.csv", Some("a.csv")),
        ("/out/a.csv", "/out/a.csv", Some("a.csv")),
        ("/out/{x,y}/**", "/out/x/a.csv", Some("x/a.csv")),
        ("**/*.csv", "/deep/er/a.csv", Some("deep/er/a.csv")),
        ("/**", "/a/b", Some("a/b")),
        ("/out/**", "/other", None),
    ] {
        let text = format!("[[files.rule]]\nglob = '{glob}'\nkeep = 'promote'\nto = 's3://shells/p'\n");
        let policy = parse(&text);
        let judge = policy.files.judge(true);
        let path = VPathBuf::parse(path).expect(path);
        let told = judge.promotion(&path).map(|(to, name)| (to.to_string(), name));
        assert_eq!(told, name.map(|name| ("s3://shells/p".to_owned(), name.to_owned())), "{glob} {path}");
        assert_eq!(policy.files.judge(false).promotion(&path), None, "a failed run promotes nothing");
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, place, says) in [
        (
            "[limits]\nmemroy = \"1MiB\"",
            "cowry.toml:2: ",
            "unknown key `memroy`, expected one of `memory`, `cpu`",
        ),
        ("[file]\n", "cowry.toml:1: ", "unknown key `file`"),
        ("[limits]\n\ncpu = 30", "cowry.toml:3: ", "write \"30s\" instead of 30"),
        ("[limits]\nmemory = 128", "cowry.toml:2: ", "write \"128MiB\" instead of 128"),
        ("[limits]\nmemory = \"128\"", "cowry.toml:2: ", "write \"128MiB\" instead of 128"),
        ("[limits]\nwall = \"1 year\"", "cowry.toml:2: ", "unknown unit \"year\""),
        ("[limits]\nwall = true", "cowry.toml:2: ", "such as \"30s\""),
        ("[files]\ndefault = \"keep\"", "cowry.toml:2: ", "expected `persist` or `discard`"),
        ("[[files.rule]]\nglob = \"out/**\"\nkeep = \"persist\"", "cowry.toml:2: ", "bad glob \"out/**\""),
        ("[[files.rule]]\nglob = \"/[a\"\nkeep = \"persist\"", "cowry.toml:2: ", "bad glob \"/[a\""),
        ("[[files.rule]]\nglob = \"/a\"", "cowry.toml:1: ", "missing key `keep`"),
        ("[[files.rule]]\nglob = \"/a\"\nkeep = \"expire\"", "cowry.toml:3: ", "needs ttl"),
        (
            "[[files.rule]]\nglob = \"/a\"\nkeep = \"persist\"\nttl = \"2h\"",
            "cowry.toml:4: ",
            "ttl belongs to",
        ),
        (
            "[[files.rule]]\nglob = \"/a\"\nkeep = \"promote\"",
            "cowry.toml:3: ",
            "needs to = \"s3://bucket/prefix\"",
        ),
        (
            "[[files.rule]]\nglob = \"/a\"\nkeep = \"persist\"\nto = \"s3://b/p\"",
            "cowry.toml:4: ",
            "to belongs to keep = \"promote\"",
        ),
        ("[mounts]\n\"data\" = { source = \".\" }", "cowry.toml:2: ", "absolute path"),
        ("[mounts]\n\"/d\" = { source = \"ftp://b\" }", "cowry.toml:2: ", BAD_ADDRESS),
        ("[mounts]\n\"/d\" = { source = \".\", mode = \"w\" }", "cowry.toml:2: ", "expected `ro` or `rw`"),
        ("[limits\n", "cowry.toml:1: ", ""),
    ] {
        let error = refused(text);
        assert!(error.starts_with(place), "{text:?}: {error}");
        assert!(error.contains(says), "{text:?}: {error}");
        assert!(!error.contains('\n'), "one line: {error:?}");
    }
}

#[test]
fn mounts_of_the_command_line() {
    let mount = Mount::parse("/data=./x:rw").expect("good");
    assert_eq!(
        (mount.at.as_str(), &*mount.source.to_string(), mount.mode),
        ("/data", "./x", MountMode::ReadWrite)
    );
    assert_eq!(Mount::parse("/data=./x").expect("good").mode, MountMode::ReadOnly);
    assert_eq!(Mount::parse("/data=./x:ro").expect("good").mode, MountMode::ReadOnly);
    assert_eq!(Mount::parse("/data=a:b").expect("good").source.to_string(), "a:b");
    for (text, says) in [
        ("/data", "write /data=SOURCE"),
        ("/data=", "the source is missing"),
        ("data=.", "absolute path"),
        ("/=.", "the workspace itself"),
        ("/program/x=.", "/program is where"),
        ("/data=ftp://bucket/x", BAD_ADDRESS),
    ] {
        let error = Mount::parse(text).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
