//! The clock that all frame times are on, and waiting for a moment on it.

use std::time::Duration;

pub use ring::clock::now_ns;

/// Sleeps until `due_ns`, but not past `deadline_ns`. Whether `due_ns` has come.
pub(crate) fn wait_until(due_ns: u64, deadline_ns: u64) -> bool {
    loop {
        let now = now_ns();
        if now >= due_ns {
            return true;
        }
        if now >= deadline_ns {
            return false;
        }
        std::thread::sleep(Duration::from_nanos(due_ns.min(deadline_ns) - now));
    }
}

/// `now + timeout`, for ever at most.
pub(crate) fn deadline(timeout: Duration) -> u64 {
    now_ns().saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX))
}
