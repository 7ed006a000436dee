//! Sleeping until the writer stores something, and waking who sleeps.
//!
//! Linux: a futex on the header's wake word, shared between processes (no
//! FUTEX_PRIVATE_FLAG). Readers map read-only and cannot say that they sleep,
//! so the writer wakes after every sample; with nobody asleep that is one
//! short system call, and never part of the store. macOS has the same as
//! `os_sync_wait_on_address` from 14.4 on; where it is not found, readers look
//! once a millisecond and the writer's wake does nothing. (Type-checked only.)

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

/// Sleeps while the word is `seen`, at most `limit`. May return early.
#[cfg(target_os = "macos")]
pub(crate) fn wait(word: &AtomicU32, seen: u32, limit: Duration) {
    if !mac::wait(word, seen, limit) {
        std::thread::sleep(limit.min(Duration::from_millis(1)));
    }
}

/// Wakes all who sleep on the word.
#[cfg(target_os = "macos")]
pub(crate) fn wake(word: &AtomicU32) {
    mac::wake(word);
}

/// <os/os_sync_wait_on_address.h>, looked up where it runs: programs start on older systems.
#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
mod mac {
    use std::ffi::{c_char, c_int, c_void};
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    /// Address, value, bytes, flags, clock, nanoseconds from now.
    type Wait = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
    /// Address, bytes, flags.
    type Wake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

    /// OS_SYNC_WAIT_ON_ADDRESS_SHARED, OS_SYNC_WAKE_BY_ADDRESS_SHARED: between processes.
    const SHARED: u32 = 1;
    /// OS_CLOCK_MACH_ABSOLUTE_TIME, the only one there is.
    const CLOCK: u32 = 32;
    const BYTES: usize = size_of::<u32>();

    fn find(name: &std::ffi::CStr) -> *mut c_void {
        unsafe extern "C" {
            fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
        }
        /// RTLD_DEFAULT: in all libraries that are loaded.
        const EVERYWHERE: isize = -2;
        // SAFETY: the name ends with a zero, and the handle is the system's constant.
        unsafe { dlsym(EVERYWHERE as *mut c_void, name.as_ptr()) }
    }

    fn calls() -> Option<(Wait, Wake)> {
        static CALLS: OnceLock<Option<(Wait, Wake)>> = OnceLock::new();
        *CALLS.get_or_init(|| {
            let wait = find(c"os_sync_wait_on_address_with_timeout");
            let wake = find(c"os_sync_wake_by_address_all");
            if wait.is_null() || wake.is_null() {
                return None;
            }
            // SAFETY: the functions of these names have these types (since macOS 14.4).
            Some(unsafe {
                (
                    std::mem::transmute::<*mut c_void, Wait>(wait),
                    std::mem::transmute::<*mut c_void, Wake>(wake),
                )
            })
        })
    }

    /// Whether it slept, or need not.
    pub fn wait(word: &AtomicU32, seen: u32, limit: Duration) -> bool {
        let Some((wait, _)) = calls() else {
            return false;
        };
        let ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the word is alive while we are in here and is only read.
        let slept = unsafe { wait(word.as_ptr().cast(), seen.into(), BYTES, SHARED, CLOCK, ns) };
        // A time that is over and a signal are answers; anything else would make us spin.
        slept >= 0
            || matches!(
                std::io::Error::last_os_error().kind(),
                std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted
            )
    }

    /// Nobody asleep is no trouble.
    pub fn wake(word: &AtomicU32) {
        if let Some((_, wake)) = calls() {
            // SAFETY: the word is alive while we are in here and is only an address.
            let _ = unsafe { wake(word.as_ptr().cast(), BYTES, SHARED) };
        }
    }
}

/// Looks again after a millisecond.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn wait(_word: &AtomicU32, _seen: u32, limit: Duration) {
    std::thread::sleep(limit.min(Duration::from_millis(1)));
}

/// Nothing to do: readers poll.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn wake(_word: &AtomicU32) {}
