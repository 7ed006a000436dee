//! Is anybody writing?

use crate::layout::{Header, State, Status};
use std::sync::atomic::Ordering;

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
    /// Another writer has taken its place: [`Reader::reopen`](crate::Reader::reopen).
    Restarted,
}

/// Judges by heartbeat, process id and process start time. `alive` is asked
/// only when the heart does not beat.
pub(crate) fn judge(
    header: &Header,
    opened_epoch: u64,
    now_ns: u64,
    alive: impl FnOnce(u64) -> bool,
) -> Health {
    let prefix = &header.prefix;
    // Acquire. Partner: the release that raises the epoch when a writer takes
    // over: who sees the old epoch's end also sees who did it.
    if prefix.epoch.load(Ordering::Acquire) != opened_epoch {
        return Health::Restarted;
    }
    // Acquire. Partner: the release that clears the owner in `Writer::close`.
    let owner = prefix.owner.load(Ordering::Acquire);
    if owner == 0 || prefix.retired.load(Ordering::Relaxed) != 0 {
        return Health::Stopped;
    }
    let age_ms = now_ns.saturating_sub(prefix.heartbeat_ns.load(Ordering::Relaxed)) / 1_000_000;
    if age_ms <= u64::from(prefix.stall_after_ms.load(Ordering::Relaxed)) {
        return match Status::unpack(header.status.load(Ordering::Relaxed)).state {
            State::Starting => Health::Starting,
            _ => Health::Running,
        };
    }
    if alive(owner) {
        // Who prepares camera and networks has nothing to say meanwhile.
        match Status::unpack(header.status.load(Ordering::Relaxed)).state {
            State::Starting => Health::Starting,
            _ => Health::Stalled { for_ms: age_ms },
        }
    } else {
        Health::Died {
            pid: crate::process::pid_of(owner),
        }
    }
}
