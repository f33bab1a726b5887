use super::*;

fn run(id: u32) -> RunRow {
    RunRow {
        id: format!("run-{id}"),
        started: Timestamp(i64::from(id)),
        name: "job.ts".into(),
        outcome: "completed".into(),
        revision: Some(Revision(7)),
        record: b"{}".to_vec(),
    }
}

#[test]
fn records_are_listed_latest_first_and_replaced_by_id() {
    let f = Fixture::new();
    for id in [2, 1, 3] {
        f.layer.put_run(&run(id)).unwrap();
    }
    f.layer.put_run(&RunRow { outcome: "threw".into(), ..run(1) }).unwrap();
    let f = f.reopened();
    let listed = f.layer.runs(2).unwrap();
    assert_eq!(listed, [run(3), run(2)]);
    assert_eq!(f.layer.run("run-1").unwrap().unwrap().outcome, "threw");
    assert_eq!(f.layer.run("run-4").unwrap(), None);
    assert!(!f.layer.has_open_changes().unwrap(), "records are no part of the tree");
}

#[test]
fn records_are_bounded() {
    let f = Fixture::new();
    let options = SqliteOptions { run_records: 10, ..options(&f.clock) };
    let layer = SqliteLayer::open(&f.path, &options).unwrap();
    (0..200).for_each(|id| layer.put_run(&run(id)).unwrap());
    assert!(layer.runs(usize::MAX).unwrap().len() < 100);
    layer.gc().unwrap();
    let left = layer.runs(usize::MAX).unwrap();
    assert_eq!((left.len(), &left[9].id[..]), (10, "run-190"));
}

#[test]
fn kept_changes_expire_make_room_and_can_be_dropped() {
    let f = Fixture::new();
    let options = SqliteOptions { kept_changes_bytes: 250, ..options(&f.clock) };
    let layer = SqliteLayer::open(&f.path, &options).unwrap();
    let until = |seconds: i64| Timestamp(START + seconds);
    let put = |key: &str, changes: &[u8], until| {
        layer.put_run_changes(key, KeptChanges { changes, until, base: None })
    };
    put("host:1", &[9; 1000], Timestamp(i64::MAX)).unwrap();
    for (key, seconds) in [("a", 10), ("b", 20), ("c", 30)] {
        put(key, &[1; 100], until(seconds)).unwrap();
    }
    assert_eq!(layer.run_changes("a").unwrap(), None, "it made room");
    assert_eq!(layer.run_changes("b").unwrap().unwrap(), [1; 100]);
    assert_eq!(put("d", &[1; 300], until(99)).unwrap_err(), Errno::EDQUOT);
    assert_eq!(layer.run_changes_keys("").unwrap(), ["b", "c", "host:1"]);
    assert_eq!(layer.run_changes_keys("host:").unwrap(), ["host:1"]);
    f.clock.advance(20);
    assert_eq!(layer.run_changes("b").unwrap(), None, "its time has come");
    assert!(layer.drop_run_changes("c").unwrap());
    assert!(!layer.drop_run_changes("c").unwrap());
    assert_eq!(layer.run_changes("host:1").unwrap().unwrap().len(), 1000);
}
