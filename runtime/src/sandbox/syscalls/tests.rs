use super::*;

#[test]
fn both_filters_compile() {
    assert!(!zygote().unwrap().is_empty());
    assert!(!sandbox().unwrap().is_empty());
}

#[test]
fn the_filter_of_a_process_names_it_and_no_placeholder() {
    let filter = for_process(sandbox().unwrap(), 4242);
    assert!(filter.iter().any(|instruction| instruction.k == 4242));
    assert!(filter.iter().all(|instruction| instruction.k != OWN_PROCESS));
}

/// The last filter only ever takes away: what it allows must be allowed in the zygote, too.
#[test]
fn nothing_is_both_plain_and_for_the_zygote() {
    assert!(PLAIN.iter().all(|call| !ZYGOTE.contains(call)));
}
