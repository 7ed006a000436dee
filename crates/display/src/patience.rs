//! Questions to somebody who may never answer.

use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Asks one question at a time, each in a thread of its own, and waits only so long.
#[derive(Debug)]
pub struct Patient {
    /// Until when the question that is being asked is waited for.
    asked: Mutex<Option<Instant>>,
    answered: Condvar,
}

impl Patient {
    pub const fn new() -> Self {
        Patient {
            asked: Mutex::new(None),
            answered: Condvar::new(),
        }
    }

    /// The answer, if it comes in time. While an older question hangs nothing is asked and
    /// nothing waited for: there is never more than one thread that hangs.
    pub fn ask<T: Send + 'static>(
        &'static self,
        patience: Duration,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let mut asked = self.lock();
        while let Some(until) = *asked {
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.answered.wait_timeout(asked, left);
            asked = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *asked = Some(Instant::now() + patience);
        drop(asked);
        let (tell, answer) = sync_channel(1);
        let over = Over(self);
        // Where no thread can be made the question is dropped, and with it what says so.
        let thread = thread::Builder::new().name("displays".to_owned());
        let _ = thread.spawn(move || {
            let over = over;
            let answer = question();
            drop(over);
            let _ = tell.send(answer);
        });
        answer.recv_timeout(patience).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question has been answered, or cannot be any more.
struct Over(&'static Patient);

impl Drop for Over {
    fn drop(&mut self) {
        *self.0.lock() = None;
        self.0.answered.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    #[test]
    fn who_hangs_is_asked_once_and_again_when_the_answer_has_come() {
        static PATIENT: Patient = Patient::new();
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let (go_on, waits) = sync_channel::<()>(0);
        let hangs = move || {
            ASKED.fetch_add(1, Ordering::Relaxed);
            let _ = waits.recv();
            7
        };
        assert_eq!(PATIENT.ask(SHORT, hangs), None);
        for _ in 0..3 {
            let more = || ASKED.fetch_add(1, Ordering::Relaxed);
            assert_eq!(PATIENT.ask(LONG, more), None, "it hangs still");
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        go_on.send(()).unwrap();
        let until = Instant::now() + LONG;
        while PATIENT.ask(LONG, || 8) != Some(8) {
            assert!(Instant::now() < until, "it answers again");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn one_that_panics_has_answered_and_two_at_once_both_learn() {
        static PATIENT: Patient = Patient::new();
        assert_eq!(PATIENT.ask(LONG, || -> u8 { panic!("on purpose") }), None);
        let both = [1, 2].map(|n| {
            thread::spawn(move || {
                PATIENT.ask(LONG, move || {
                    thread::sleep(SHORT);
                    n
                })
            })
        });
        let learnt = both.map(|t| t.join().unwrap());
        assert_eq!(learnt, [Some(1), Some(2)]);
    }
}
