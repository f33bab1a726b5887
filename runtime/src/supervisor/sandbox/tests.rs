use rustix::process::{PidfdFlags, getpid, pidfd_open};

use super::*;

/// What a look at the processor time of this very process says, which has used some.
fn look(end: Duration) -> bool {
    let process = Arc::new(pidfd_open(getpid(), PidfdFlags::empty()).unwrap());
    Budget { process, end, look: Instant::now() }.look()
}

#[test]
fn processor_time_is_counted_by_the_kernel() {
    assert!(!look(Duration::from_nanos(1)));
    assert!(look(FOREVER));
}
