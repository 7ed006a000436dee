//! From a camera's wall-clock stamps to the monotonic clock.

use std::time::Duration;

/// A stamp older than this was made on another clock.
const OLDEST: Duration = Duration::from_secs(60);

/// When a driver says that a frame was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// It does not say.
    None,
    /// On the wall clock, since the epoch.
    #[cfg_attr(target_os = "macos", allow(dead_code))]
    Wall(Duration),
    /// On our own clock, nanoseconds: a Mac's cameras.
    #[cfg_attr(not(target_os = "macos"), allow(dead_code))]
    Monotonic(u64),
}

/// Puts the stamps of one camera on the monotonic clock, frame by frame: the
/// wall clock may be set at any time, so no offset is kept.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    last_ns: u64,
}

impl Stamps {
    /// When the light fell in, monotonic nanoseconds: never later than arrival,
    /// never before the frame that came before.
    ///
    /// `captured` is the camera's stamp, and `wall_now` the wall clock at arrival, since
    /// the epoch; `arrived_ns` is the arrival on the
    /// monotonic clock. A stamp from the future, or over a minute old, is not
    /// believed: the clock was set in between, and arrival is used instead.
    pub fn monotonic(&mut self, captured: Stamp, wall_now: Duration, arrived_ns: u64) -> u64 {
        let age = match captured {
            Stamp::None => None,
            Stamp::Wall(at) => wall_now.checked_sub(at),
            Stamp::Monotonic(ns) => arrived_ns.checked_sub(ns).map(Duration::from_nanos),
        };
        let age = age.filter(|&a| a <= OLDEST);
        let at = arrived_ns.saturating_sub(age.map_or(0, |a| a.as_nanos() as u64));
        self.last_ns = at.max(self.last_ns).min(arrived_ns);
        self.last_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn wall(ms: u64) -> Duration {
        Duration::from_millis(1_700_000_000_000 + ms)
    }

    #[test]
    fn age_is_taken_off_arrival() {
        let mut s = Stamps::default();
        assert_eq!(
            s.monotonic(Stamp::Wall(wall(0)), wall(12), 100 * MS),
            88 * MS
        );
        assert_eq!(
            s.monotonic(Stamp::Wall(wall(33)), wall(40), 128 * MS),
            121 * MS
        );
    }

    #[test]
    fn a_clock_that_is_set_changes_nothing_for_long() {
        let mut s = Stamps::default();
        s.monotonic(Stamp::Wall(wall(0)), wall(10), 1_000 * MS);
        // Set back by an hour between stamp and arrival: from the future.
        assert_eq!(
            s.monotonic(Stamp::Wall(wall(3_600_000)), wall(43), 1_033 * MS),
            1_033 * MS
        );
        // Set on by an hour between stamp and arrival: too old.
        assert_eq!(
            s.monotonic(Stamp::Wall(wall(76)), wall(3_600_076), 1_066 * MS),
            1_066 * MS
        );
        // The next frame has both on the new clock.
        assert_eq!(
            s.monotonic(Stamp::Wall(wall(3_600_099)), wall(3_600_109), 1_099 * MS),
            1_089 * MS
        );
    }

    #[test]
    fn never_later_than_arrival_and_never_backwards() {
        let mut s = Stamps::default();
        assert_eq!(s.monotonic(Stamp::None, wall(0), 50 * MS), 50 * MS);
        assert_eq!(
            s.monotonic(Stamp::Wall(wall(0)), wall(30), 60 * MS),
            50 * MS
        );
        assert_eq!(s.monotonic(Stamp::Wall(wall(9)), wall(8), 70 * MS), 70 * MS);
        assert_eq!(s.monotonic(Stamp::Wall(Duration::ZERO), wall(8), 5), 5);
    }
    #[test]
    fn a_stamp_on_our_own_clock_is_taken_as_it_is_unless_it_cannot_be() {
        let mut s = Stamps::default();
        let mut at = |ns, arrived| s.monotonic(Stamp::Monotonic(ns), wall(0), arrived);
        assert_eq!(at(90 * MS, 100 * MS), 90 * MS);
        // From the future, and of another clock that began elsewhere.
        assert_eq!(at(150 * MS, 140 * MS), 140 * MS);
        assert_eq!(at(5, 100_000 * MS), 100_000 * MS);
    }
}
