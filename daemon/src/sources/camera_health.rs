//! What it means when an open camera gives nothing: whether to wait, and if not, why.
//!
//! The system says of a device whether it is there, suspended (the lid is closed) or
//! taken by somebody; frames say the rest. Whoever is told to give a camera up closes it
//! and opens it again with back-off (`pipeline/capture.rs`), which is how a lid that is
//! opened, a cable that is plugged in and a machine that woke are recovered from.

use super::ErrorKind;

/// What the system says of an open camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    /// We may use cameras: it can be taken away while we do.
    pub permitted: bool,
    /// The device is there.
    pub connected: bool,
    /// Its lid is closed.
    pub suspended: bool,
    /// The session was interrupted: somebody else has the camera.
    pub interrupted: bool,
    /// The session runs.
    pub running: bool,
}

/// The same, when all is well.
#[cfg(test)]
const WELL: Condition = Condition {
    permitted: true,
    connected: true,
    suspended: false,
    interrupted: false,
    running: true,
};

/// A camera that gives nothing, and has no reason for it, is waited for so long: some
/// need seconds for their first frame.
const PATIENCE_NS: u64 = 5_000_000_000;
/// The same after the machine woke: some never begin again by themselves.
const AWAKE_PATIENCE_NS: u64 = 2_000_000_000;
/// What passes within this long is no trouble: frames come late when light is low.
const BLINK_NS: u64 = 500_000_000;
/// Clocks that drift apart by more than this have been through a sleep.
const SLEPT_NS: u64 = 1_000_000_000;

/// Watches one open camera.
#[derive(Debug)]
pub(crate) struct Health {
    /// On our own clock, which stands still while the machine sleeps.
    last_frame_ns: u64,
    /// By how much the clock that does not stand still was ahead.
    ahead_ns: u64,
    woken: bool,
}

impl Health {
    /// Both clocks' now: ours, and the one that also runs while the machine sleeps.
    pub fn new(now_ns: u64, sleepless_ns: u64) -> Health {
        Health {
            last_frame_ns: now_ns,
            ahead_ns: sleepless_ns.saturating_sub(now_ns),
            woken: false,
        }
    }

    /// A frame came.
    pub fn frame(&mut self, now_ns: u64) {
        self.last_frame_ns = now_ns;
        self.woken = false;
    }

    /// Nothing came: None to go on waiting, or what is wrong.
    pub fn nothing(
        &mut self,
        now_ns: u64,
        sleepless_ns: u64,
        condition: &Condition,
    ) -> Option<(ErrorKind, &'static str)> {
        let ahead = sleepless_ns.saturating_sub(now_ns);
        if ahead.saturating_sub(self.ahead_ns) > SLEPT_NS {
            // Nobody could have given frames: its time begins anew.
            self.woken = true;
            self.last_frame_ns = now_ns;
        }
        self.ahead_ns = ahead;
        if !condition.permitted {
            return Some((ErrorKind::PermissionDenied, "it was taken back"));
        }
        if !condition.connected {
            return Some((ErrorKind::DeviceLost, "unplugged"));
        }
        let silent = now_ns.saturating_sub(self.last_frame_ns);
        if silent < BLINK_NS {
            return None;
        }
        if condition.suspended {
            return Some((ErrorKind::DeviceNotAvailable, "its lid is closed"));
        }
        if condition.interrupted {
            return Some((ErrorKind::DeviceBusy, ""));
        }
        if !condition.running {
            return Some((ErrorKind::DeviceLost, "the system ended its session"));
        }
        match self.woken {
            true if silent > AWAKE_PATIENCE_NS => {
                Some((ErrorKind::DeviceLost, "no picture since the machine woke"))
            }
            _ if silent > PATIENCE_NS => Some((ErrorKind::DeviceLost, "no picture for 5 s")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// When the first trouble is told, and which, if nothing comes from 1 s on; asked
    /// every 10 ms for ten seconds.
    fn trouble(condition: Condition) -> Option<(u64, ErrorKind)> {
        let mut health = Health::new(0, 0);
        health.frame(1_000 * MS);
        (1_000..11_000).step_by(10).find_map(|ms| {
            let (kind, _) = health.nothing(ms * MS, ms * MS, &condition)?;
            Some((ms - 1_000, kind))
        })
    }

    #[test]
    fn each_condition_is_told_as_itself_and_as_soon_as_it_is_sure() {
        let when = |change: fn(&mut Condition)| {
            let mut condition = WELL;
            change(&mut condition);
            trouble(condition)
        };
        assert_eq!(when(|_| {}), Some((5_010, ErrorKind::DeviceLost)));
        assert_eq!(
            when(|c| c.permitted = false),
            Some((0, ErrorKind::PermissionDenied))
        );
        assert_eq!(
            when(|c| c.connected = false),
            Some((0, ErrorKind::DeviceLost))
        );
        let closed = Some((500, ErrorKind::DeviceNotAvailable));
        assert_eq!(when(|c| c.suspended = true), closed);
        // A lid that is closed ends the session too: the lid is what a person can open.
        assert_eq!(when(|c| (c.suspended, c.running) = (true, false)), closed);
        assert_eq!(
            when(|c| c.interrupted = true),
            Some((500, ErrorKind::DeviceBusy))
        );
        assert_eq!(
            when(|c| c.running = false),
            Some((500, ErrorKind::DeviceLost))
        );
    }

    #[test]
    fn frames_that_come_keep_every_doubt_away() {
        let mut health = Health::new(0, 0);
        let odd = Condition {
            suspended: true,
            interrupted: true,
            running: false,
            ..WELL
        };
        for ms in (0..20_000).step_by(100) {
            health.frame(ms * MS);
            let later = (ms + 99) * MS;
            assert_eq!(health.nothing(later, later, &odd), None);
        }
    }

    #[test]
    fn a_sleep_is_no_silence_and_who_does_not_wake_is_given_up_sooner() {
        let mut health = Health::new(0, 50 * MS);
        health.frame(1_000 * MS);
        assert_eq!(health.nothing(1_400 * MS, 1_450 * MS, &WELL), None);
        // An hour of sleep, in which our clock stood still.
        let hour = 3_600_000;
        let awake = |ms: u64| (ms * MS, (ms + 50 + hour) * MS);
        let first = (1_410..9_000).step_by(10).find(|ms| {
            let (now, sleepless) = awake(*ms);
            health.nothing(now, sleepless, &WELL).is_some()
        });
        assert_eq!(first, Some(1_410 + 2_010));
        // Who wakes is as well as before.
        let (now, sleepless) = awake(3_500);
        health.frame(now);
        assert_eq!(
            health.nothing(now + 4_000 * MS, sleepless + 4_000 * MS, &WELL),
            None
        );
    }
}
