//! A host that does not grant every lock: a strict run is refused, and another one says what it lacks.

use crate::console::Place;

/// Begins a shell line in a user namespace in which no network namespace can be made. The bound is that namespace's
/// own and goes with it.
const POOR: &str =
    "unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_net_namespaces && exec \"$@\"' -";

/// Whether there can be such a namespace: where not, the test says so and is none.
fn is_poor(place: &Place) -> bool {
    let tried = place.run(&format!("{POOR} true 2>&1"));
    if !tried.is_empty() {
        eprintln!("skipped: no user namespace with a bound of its own: {tried}");
    }
    tried.is_empty()
}

#[test]
fn a_strict_run_is_refused_where_a_lock_is_missing() {
    let place = Place::new();
    if !is_poor(&place) {
        return;
    }
    place.write("strict.toml", "[sandbox]\nstrict = true\n");
    place.check(&format!(
        r#"
$ {POOR} cowry -w a.cowry run --policy strict.toml -e 'fs.writeFileSync("/a", "1")'
! created workspace a.cowry
! cowry: this host cannot lock a sandbox down as strictly as asked; missing: …network namespace: …
[exit status: 123]
$ {POOR} cowry run --strict -e 1
! cowry: this host cannot lock a sandbox down as strictly as asked; missing: …network namespace: …
[exit status: 123]
$ cowry -w a.cowry fs ls
"#
    ));
}

#[test]
fn any_other_run_goes_on_and_its_record_says_what_was_missing() {
    let place = Place::new();
    if !is_poor(&place) {
        return;
    }
    let printed = place.run(&format!("{POOR} cowry --json run -e 1"));
    let record: serde_json::Value =
        serde_json::from_str(printed.trim()).unwrap_or_else(|_| panic!("{printed}"));
    let missing = record["lockdown"]["missing"].as_array().expect("a list");
    let says =
        |part: &serde_json::Value| part.as_str().is_some_and(|part| part.starts_with("network namespace"));
    assert!(missing.iter().any(says), "{missing:?}");
    assert_eq!(record["result"], 1);
}
