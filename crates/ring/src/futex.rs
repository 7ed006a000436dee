//! Sleeping until the writer stores something, and waking who sleeps.
//!
//! Linux: a futex on the header's wake word, shared between processes (no
//! FUTEX_PRIVATE_FLAG). Readers map read-only and cannot say that they sleep,
//! so the writer wakes after every sample; with nobody asleep that is one
//! short system call, and never part of the store. macOS has
//! `os_sync_wait_on_address` from 14.4; until that is built in and tried on a
//! Mac, readers there look once a millisecond and the writer's wake is a no-op.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while the word is `seen`, at most `limit`. May return early.
#[cfg(target_os = "linux")]
pub(crate) fn wait(word: &AtomicU32, seen: u32, limit: Duration) {
    use rustix::thread::futex;
    let limit = rustix::time::Timespec {
        tv_sec: limit.as_secs().min(1 << 30) as i64,
        tv_nsec: i64::from(limit.subsec_nanos()),
    };
    // Every outcome (woken, word changed, time out, signal) means: look again.
    let _ = futex::wait(word, futex::Flags::empty(), seen, Some(&limit));
}

/// Wakes all who sleep on the word.
#[cfg(target_os = "linux")]
pub(crate) fn wake(word: &AtomicU32) {
    let _ =
        rustix::thread::futex::wake(word, rustix::thread::futex::Flags::empty(), i32::MAX as u32);
}

/// Looks again after a millisecond.
#[cfg(not(target_os = "linux"))]
pub(crate) fn wait(_word: &AtomicU32, _seen: u32, limit: Duration) {
    std::thread::sleep(limit.min(Duration::from_millis(1)));
}

/// Nothing to do: readers poll.
#[cfg(not(target_os = "linux"))]
pub(crate) fn wake(_word: &AtomicU32) {}
