//! How urgent the two threads on the way from frame to sample are to the system.
//!
//! | | on a Mac | on Linux |
//! |---|---|---|
//! | publish | time constraint: 1 ms within 4 ms of every 1/60 s | `SCHED_FIFO`, else nice −10 |
//! | perceive | time constraint: 15 ms within 30 ms of every 1/30 s | nice −10 |
//!
//! Perception computes for tens of milliseconds: under `SCHED_FIFO` it would hold up the
//! desktop, so there it is only preferred. Where the system says no, the threads run as
//! all others do and samples may come late on a busy machine; that is said, not fatal.
//! Called once, before a thread's loop: not part of the way from frame to sample.
#![allow(unsafe_code)]

use std::io;

/// Which thread it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Short work, 60 times a second.
    Publish,
    /// Long work, once a frame.
    Perceive,
}

/// The system does not let this thread go before others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "RealtimeDenied: {call}: {reason}; samples may come late on a busy machine; {}",
    advice()
)]
pub struct RealtimeDenied {
    /// What was asked of the system.
    pub call: &'static str,
    /// Its answer.
    pub reason: String,
}

/// What a person can do about it.
pub fn advice() -> &'static str {
    if cfg!(target_os = "macos") {
        "start gazed through gazed install"
    } else {
        "to allow it, give your user rtprio 10 and nice -10 in /etc/security/limits.conf"
    }
}

fn denied(call: &'static str, e: &io::Error) -> RealtimeDenied {
    RealtimeDenied {
        call,
        reason: e.to_string(),
    }
}

/// Makes the calling thread as urgent as that; how, in words.
///
/// # Errors
/// The system does not allow it; nothing has changed.
pub fn raise(urgency: Urgency) -> Result<&'static str, RealtimeDenied> {
    system::raise(urgency)
}

/// What [`raise`] comes to here, tried on a thread that ends at once.
///
/// # Errors
/// As [`raise`]; the first one that is refused.
pub fn try_both() -> Result<[&'static str; 2], RealtimeDenied> {
    let try_one = |urgency| {
        let thread = std::thread::spawn(move || raise(urgency));
        thread.join().unwrap_or_else(|_| {
            Err(RealtimeDenied {
                call: "a thread",
                reason: "it died".into(),
            })
        })
    };
    Ok([try_one(Urgency::Publish)?, try_one(Urgency::Perceive)?])
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use rustix::process::{Pid, setpriority_process};

    use super::{RealtimeDenied, Urgency, denied};

    /// Above threads without priority, below the system's own.
    const FIFO_PRIORITY: i32 = 10;
    const NICE: i32 = -10;

    pub fn raise(urgency: Urgency) -> Result<&'static str, RealtimeDenied> {
        if urgency == Urgency::Publish && fifo().is_ok() {
            return Ok("SCHED_FIFO 10");
        }
        // On Linux a thread has a nice value of its own, and 0 means the calling one.
        setpriority_process(None::<Pid>, NICE)
            .map(|()| "nice -10")
            .map_err(|e| denied("nice -10", &e.into()))
    }

    fn fifo() -> io::Result<()> {
        #[repr(C)]
        struct Parameters {
            priority: i32,
        }
        unsafe extern "C" {
            // <sched.h>
            fn sched_setscheduler(pid: i32, policy: i32, parameters: *const Parameters) -> i32;
        }
        /// SCHED_FIFO, and SCHED_RESET_ON_FORK: programs that are started have it not.
        const POLICY: i32 = 1 | 0x4000_0000;
        let parameters = Parameters {
            priority: FIFO_PRIORITY,
        };
        // SAFETY: 0 is the calling thread; the parameters live through the call.
        match unsafe { sched_setscheduler(0, POLICY, &parameters) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::io;

    use super::{Constraint, RealtimeDenied, Timebase, Urgency, denied};

    unsafe extern "C" {
        // <mach/mach_init.h>, <mach/thread_policy.h>, <mach/mach_time.h>
        static mach_task_self_: u32;
        fn mach_thread_self() -> u32;
        fn mach_port_deallocate(task: u32, name: u32) -> i32;
        fn thread_policy_set(
            thread: u32,
            flavor: u32,
            policy: *const Constraint,
            count: u32,
        ) -> i32;
        fn mach_timebase_info(info: *mut Timebase) -> i32;
    }

    /// THREAD_TIME_CONSTRAINT_POLICY, and its length in words of 32 bits.
    const TIME_CONSTRAINT: u32 = 2;
    const COUNT: u32 = 4;

    pub fn raise(urgency: Urgency) -> Result<&'static str, RealtimeDenied> {
        let mut base = Timebase { numer: 0, denom: 0 };
        // SAFETY: there is room for the answer.
        if unsafe { mach_timebase_info(&mut base) } != 0 || base.numer == 0 {
            return Err(denied(
                "mach_timebase_info",
                &io::Error::other("no timebase"),
            ));
        }
        let constraint = Constraint::of(urgency, base);
        // SAFETY: the policy lives through the call and has the length that is given; the
        // thread's port was made for us just now and is given back once.
        let answer = unsafe {
            let thread = mach_thread_self();
            let answer = thread_policy_set(thread, TIME_CONSTRAINT, &constraint, COUNT);
            let _ = mach_port_deallocate(mach_task_self_, thread);
            answer
        };
        match answer {
            0 => Ok("time constraint"),
            code => {
                let e = io::Error::other(format!("Mach error {code}"));
                Err(denied("THREAD_TIME_CONSTRAINT_POLICY", &e))
            }
        }
    }
}

/// `mach_timebase_info`: a tick is `numer` / `denom` nanoseconds.
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Timebase {
    numer: u32,
    denom: u32,
}

/// `thread_time_constraint_policy`, in ticks.
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
struct Constraint {
    period: u32,
    computation: u32,
    constraint: u32,
    preemptible: u32,
}

#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
impl Constraint {
    fn of(urgency: Urgency, base: Timebase) -> Constraint {
        let ticks = |us: u64| {
            let ticks = us * 1000 * u64::from(base.denom) / u64::from(base.numer.max(1));
            u32::try_from(ticks).unwrap_or(u32::MAX)
        };
        let [period, computation, constraint] = match urgency {
            Urgency::Publish => [16_667, 1_000, 4_000],
            Urgency::Perceive => [33_333, 15_000, 30_000],
        };
        Constraint {
            period: ticks(period),
            computation: ticks(computation),
            constraint: ticks(constraint),
            preemptible: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_macs_ticks_are_counted_in_its_own_timebase() {
        // Apple silicon: 24 MHz. Intel: nanoseconds.
        let apple = Timebase {
            numer: 125,
            denom: 3,
        };
        let c = Constraint::of(Urgency::Publish, apple);
        assert_eq!((c.computation, c.constraint), (24_000, 96_000));
        let intel = Timebase { numer: 1, denom: 1 };
        for urgency in [Urgency::Publish, Urgency::Perceive] {
            let c = Constraint::of(urgency, intel);
            assert!(c.computation < c.constraint && c.constraint < c.period);
        }
        let period = Constraint::of(Urgency::Perceive, intel).period;
        assert_eq!(period, 33_333_000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_calling_thread_is_raised_and_a_no_is_one_line() {
        use rustix::process::{Pid, getpriority_process};
        let nice = || getpriority_process(None::<Pid>).unwrap();
        let before = nice();
        let there = std::thread::spawn(move || raise(Urgency::Perceive).map(|how| (how, nice())));
        match there.join().unwrap() {
            Ok((how, nice)) => assert_eq!((how, nice), ("nice -10", -10)),
            Err(e) => {
                let line = e.to_string();
                assert!(line.starts_with("RealtimeDenied: nice -10: "), "{line}");
                assert!(
                    line.contains("limits.conf") && line.lines().count() == 1,
                    "{line}"
                );
            }
        }
        assert_eq!(nice(), before);
        let _ = try_both();
        assert_eq!(nice(), before);
    }
}
