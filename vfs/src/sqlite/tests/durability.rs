//! The setting, and that it is kept.

use super::*;

fn with(durability: Durability) -> Fixture {
    Fixture::with(&move |options| SqliteOptions { durability, ..options })
}

/// What SQLite was told on the writing connection.
fn synchronous(layer: &SqliteLayer) -> i64 {
    layer.writer.lock().borrow().conn.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
}

#[test]
fn a_workspace_remembers_what_it_was_made_with() {
    for (durability, pragma) in [(Durability::Fsync, 2), (Durability::Relaxed, 1), (Durability::None, 0)] {
        let f = with(durability);
        assert_eq!((f.layer.durability().unwrap(), synchronous(&f.layer)), (durability, pragma));
        let again = SqliteLayer::open(&f.path, &SqliteOptions::default()).unwrap();
        assert_eq!((again.durability().unwrap(), synchronous(&again)), (durability, pragma));
    }
}

#[test]
fn the_setting_can_be_changed() {
    let f = with(Durability::Fsync);
    f.layer.set_durability(Durability::Relaxed).unwrap();
    assert_eq!(synchronous(&f.layer), 1);
    assert_eq!(f.other().durability().unwrap(), Durability::Relaxed);
    f.layer.set_durability(Durability::Fsync).unwrap();
    assert_eq!((f.layer.durability().unwrap(), synchronous(&f.layer)), (Durability::Fsync, 2));
    assert!(!f.layer.has_open_changes().unwrap());
}

#[test]
fn options_ask_for_no_more_than_they_say() {
    let f = with(Durability::Fsync);
    assert_eq!(synchronous(&f.other()), 0, "these options say none");
    assert_eq!(f.other().durability().unwrap(), Durability::Fsync);
}

#[test]
fn a_setting_of_a_later_version_is_the_safest() {
    let f = with(Durability::None);
    f.sql("UPDATE meta SET durability = 'paranoid'");
    assert_eq!(
        SqliteLayer::open(&f.path, &SqliteOptions::default()).unwrap().durability().unwrap(),
        Durability::Fsync
    );
}

#[test]
fn within_a_batch_it_stays() {
    let f = with(Durability::Fsync);
    let result = f.layer.batch(&mut |_| f.layer.set_durability(Durability::None));
    assert_eq!(result.unwrap_err(), Errno::EBUSY);
    assert_eq!(f.layer.durability().unwrap(), Durability::Fsync);
}

#[test]
fn words_for_it() {
    for durability in Durability::ALL {
        assert_eq!(durability.to_string().parse(), Ok(durability));
    }
    assert_eq!(
        "full".parse::<Durability>().unwrap_err(),
        "no durability \"full\": say fsync, relaxed or none"
    );
}
