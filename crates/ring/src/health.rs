//! Is anybody writing?

use crate::layout::{Header, State, Status};
use std::sync::atomic::Ordering;

/// A heart that has not beaten for so long is reason to look whether the process is still
/// there, however long it may take to count as stalled: readers learn within 100 ms that
/// their writer died.
pub(crate) const LOOK_AFTER_NS: u64 = 80_000_000;

/// How the writer is, as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Alive, and still preparing its camera and networks.
    Starting,
    /// Alive, its heart beats.
    Running,
    /// Its process lives, but its heart has not beaten for so long: it is
    /// stopped in a debugger, or the machine is out of breath.
    Stalled {
        /// Since the last heartbeat.
        for_ms: u64,
    },
    /// It ended cleanly.
    Stopped,
    /// It is gone without saying so.
    Died {
        /// The process that was.
        pid: u32,
    },
    /// Another writer has taken its place: [`Reader::reopen`](crate::Reader::reopen). While
    /// that one is still being born, reopening fails: wait a moment and ask again.
    Restarted,
}

/// Judges by heartbeat, process id and process start time. `alive` is asked
/// only when the heart does not beat, or beats in the future, which proves nothing.
pub(crate) fn judge(header: &Header, now_ns: u64, alive: impl FnOnce(u64) -> bool) -> Health {
    let prefix = &header.prefix;
    // Acquire. Partner: the release that clears the owner in `Writer::close`.
    let owner = prefix.owner.load(Ordering::Acquire);
    if owner == 0 || prefix.retired.load(Ordering::Relaxed) != 0 {
        return Health::Stopped;
    }
    let beat = prefix.heartbeat_ns.load(Ordering::Relaxed);
    if now_ns.abs_diff(beat) > LOOK_AFTER_NS && !alive(owner) {
        return Health::Died {
            pid: crate::process::pid_of(owner),
        };
    }
    let age_ms = now_ns.saturating_sub(beat) / 1_000_000;
    let in_time = age_ms <= u64::from(prefix.stall_after_ms.load(Ordering::Relaxed));
    match Status::unpack(header.status.load(Ordering::Relaxed)).state {
        // Who prepares camera and networks has nothing to say meanwhile.
        State::Starting => Health::Starting,
        _ if in_time => Health::Running,
        _ => Health::Stalled { for_ms: age_ms },
    }
}
