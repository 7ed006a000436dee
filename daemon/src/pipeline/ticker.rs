//! A steady clock: absolute deadlines, so that errors do not add up.

use ring::clock;

/// How late a tick may come and still count as on time, nanoseconds.
const LATE_NS: u64 = 2_000_000;
/// The rate is measured over this many ticks.
const RATE_WINDOW: u64 = 60;

/// Wakes its thread `rate` times a second.
pub struct Ticker {
    start_ns: u64,
    rate: u64,
    tick: u64,
    window_start_ns: u64,
    window_ticks: u64,
    millihz: u32,
}

impl Ticker {
    /// Starts now; the first tick comes one period later.
    pub fn new(rate: u64) -> Self {
        let now = clock::now_ns();
        Ticker {
            start_ns: now,
            rate,
            tick: 0,
            window_start_ns: now,
            window_ticks: 0,
            millihz: 0,
        }
    }

    /// When tick number `n` is due. Computed from the start, so that 1/60 s,
    /// which is no whole number of nanoseconds, does not drift.
    fn due(&self, n: u64) -> u64 {
        self.start_ns + (n as u128 * 1_000_000_000 / self.rate as u128) as u64
    }

    /// Sleeps until the `nth` tick from now on, usually the next. Returns how many ticks were late or
    /// missed.
    pub fn wait(&mut self, nth: u64) -> u64 {
        self.tick += nth;
        sleep_until(self.due(self.tick));
        let (missed, now) = self.arrive(clock::now_ns());
        self.window_ticks += 1;
        if self.window_ticks == RATE_WINDOW {
            let elapsed = (now - self.window_start_ns).max(1);
            self.millihz = (RATE_WINDOW * 1_000_000_000_000 / elapsed) as u32;
            self.window_start_ns = now;
            self.window_ticks = 0;
        }
        missed
    }

    /// Accounts for having woken at `now`: skips ticks that have passed whole.
    fn arrive(&mut self, now: u64) -> (u64, u64) {
        let behind = now.saturating_sub(self.due(self.tick));
        let whole = behind * self.rate / 1_000_000_000;
        self.tick += whole;
        (whole + u64::from(behind > LATE_NS), now)
    }

    /// Ticks a second over the last second, in thousandths.
    pub fn rate_millihz(&self) -> u32 {
        self.millihz
    }
}

/// Sleeps until `due_ns` of the monotonic clock, however often it is woken.
#[cfg(target_os = "linux")]
fn sleep_until(due_ns: u64) {
    let due = rustix::time::Timespec {
        tv_sec: (due_ns / 1_000_000_000) as i64,
        tv_nsec: (due_ns % 1_000_000_000) as _,
    };
    let clock = rustix::thread::ClockId::Monotonic;
    while rustix::thread::clock_nanosleep_absolute(clock, &due) == Err(rustix::io::Errno::INTR) {}
}

/// Sleeps until `due_ns` of the monotonic clock.
#[cfg(not(target_os = "linux"))]
fn sleep_until(due_ns: u64) {
    let now = clock::now_ns();
    if due_ns > now {
        std::thread::sleep(std::time::Duration::from_nanos(due_ns - now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_ticks_are_one_second_for_ever() {
        let ticker = Ticker::new(60);
        for minutes in [1, 60, 60 * 24 * 365] {
            assert_eq!(
                ticker.due(minutes * 60 * 60) - ticker.start_ns,
                minutes * 60_000_000_000
            );
        }
    }

    #[test]
    fn ticks_between_are_passed_over_on_purpose_and_not_missed() {
        let mut ticker = Ticker::new(60);
        // Eleven lie between; a machine that wakes us some periods late misses fewer.
        assert!(ticker.wait(12) < 8, "what is passed over is not missed");
        assert!(ticker.tick >= 12 && clock::now_ns() >= ticker.start_ns + 200_000_000);
    }

    #[test]
    fn late_ticks_are_counted_and_missed_ones_skipped() {
        let mut ticker = Ticker::new(60);
        ticker.tick = 1;
        let due = ticker.due(1);
        assert_eq!(ticker.arrive(due + 100_000).0, 0);
        assert_eq!(ticker.arrive(due + 5_000_000).0, 1, "late but not missed");
        assert_eq!(ticker.tick, 1);
        // 55 ms behind: three whole periods have passed.
        assert_eq!(ticker.arrive(due + 55_000_000).0, 4);
        assert_eq!(ticker.tick, 4);
        assert!(
            ticker.due(ticker.tick + 1) > due + 55_000_000,
            "the next tick lies ahead"
        );
    }
}
