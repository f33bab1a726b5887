//! What several commits of one session once got wrong, case by case.

use super::sessions::Rules;
use super::*;

/// A session over `/a` (`/a/x`, `/a/b/y`), `/c` (`/c/z`) and `/tmp/t`.
struct Session {
    target: MemoryLayer,
    overlay: Overlay,
    committed: InoMap,
    before: Option<Overlay>,
    judge: Rules,
}

impl Session {
    fn new(judge: Rules) -> Session {
        let clock = ManualClock::new(Timestamp(0));
        let target = base(&clock);
        let overlay = over(&target, &clock);
        Session { target, overlay, committed: InoMap::new(), before: None, judge }
    }

    fn commit(&mut self) -> Applied {
        let before = self.before.as_ref();
        let applied = apply(before, &self.overlay, &mut self.committed, &self.target, &self.judge);
        self.before = Some(self.overlay.fork());
        applied.expect("committed")
    }

    fn is_there(&self, at: &str) -> bool {
        find(&self.target, at).is_ok()
    }
}

#[test]
fn what_was_discarded_in_a_directory_stays_when_that_is_renamed_later() {
    let mut s = Session::new(Rules::Last("x"));
    rm(&s.overlay, "/a/x");
    s.commit();
    mv(&s.overlay, "/a", "/e");
    s.commit();
    assert_eq!((text(&s.target, "/e/b/y"), text(&s.target, "/a/x")), ("y".into(), "the content of x".into()));
    assert!(!s.is_there("/e/x") && !s.is_there("/a/b"));
}

#[test]
fn a_directory_moved_to_where_another_stays_is_merged_with_it() {
    let mut s = Session::new(Rules::Last("x"));
    rm(&s.overlay, "/a");
    mv(&s.overlay, "/c", "/a");
    s.commit();
    assert_eq!(text(&s.target, "/a/x"), "the content of x");
    assert_eq!(text(&s.target, "/a/z"), "z".repeat(3000));
    assert!(s.is_there("/a/link") && !s.is_there("/c"));
}

#[test]
fn a_child_follows_a_directory_that_was_renamed_where_nothing_persists() {
    let mut s = Session::new(Rules::Only("n"));
    mv(&s.overlay, "/a/b", "/c/q");
    s.commit();
    put(&s.overlay, "/c/q/n", "new");
    s.commit();
    assert_eq!((text(&s.target, "/c/q/n"), text(&s.target, "/a/b/y")), ("new".into(), "y".into()));
    assert!(!s.is_there("/a/b/n"));
}

#[test]
fn a_directory_that_left_for_a_discarded_place_is_made_anew_by_its_next_child() {
    let mut s = Session::new(Rules::Last("tmp"));
    mv(&s.overlay, "/a", "/c/tmp");
    s.commit();
    assert_eq!(text(&s.target, "/c/tmp/x"), "the content of x");
    rm(&s.overlay, "/c/tmp/x");
    mkdir(&s.overlay, "/a");
    put(&s.overlay, "/c/tmp/k", "k");
    put(&s.overlay, "/a/l", "l");
    s.commit();
    assert_eq!((text(&s.target, "/c/tmp/k"), text(&s.target, "/a/l")), ("k".into(), "l".into()));
    assert!(!s.is_there("/a/k") && !s.is_there("/c/tmp/x"));
}

#[test]
fn a_file_with_no_place_to_come_to_is_told_to_be_discarded() {
    let mut s = Session::new(Rules::Last("x"));
    rm(&s.overlay, "/a");
    mv(&s.overlay, "/c/z", "/a");
    scribble(&s.overlay, "/a", "Z");
    let applied = s.commit();
    assert!(applied.discarded.contains(&path("/a")), "{:?}", applied.discarded);
    assert_eq!(text(&s.target, "/a/x"), "the content of x");
    assert!(!s.is_there("/c/z"));
    mv(&s.overlay, "/a", "/c/z");
    s.commit();
    assert!(text(&s.target, "/c/z").starts_with("Zz"));
}

#[test]
fn a_directory_renamed_whole_whose_new_place_is_blocked_is_gone_with_all_below() {
    let mut s = Session::new(Rules::Last("tmp"));
    rm(&s.overlay, "/tmp");
    put(&s.overlay, "/keep", "");
    s.commit();
    mkdir(&s.overlay, "/tmp");
    mv(&s.overlay, "/c", "/tmp/c");
    s.commit();
    assert_eq!(text(&s.target, "/tmp/c/z"), "z".repeat(3000));
    assert!(!s.is_there("/c") && !s.is_there("/tmp/t"));
}

#[test]
fn a_name_that_comes_and_goes_between_commits_leaves_nothing() {
    let mut s = Session::new(Rules::Tmp);
    for round in 0..3 {
        mkdir(&s.overlay, "/d");
        put(&s.overlay, "/d/f", &format!("{round}"));
        s.commit();
        assert_eq!(text(&s.target, "/d/f"), format!("{round}"));
        mv(&s.overlay, "/d", "/tmp/d");
        s.commit();
        assert!(!s.is_there("/d") && !s.is_there("/tmp/d"));
        rm(&s.overlay, "/tmp/d");
    }
}
