//! The one clock of all stamps: CLOCK_MONOTONIC on Linux, CLOCK_UPTIME_RAW on
//! the Mac (the host clock of its cameras). It stands still while the machine
//! sleeps, and no wall-clock change moves it.

/// The clock's number in the header: the system's own constant.
#[cfg(not(target_os = "macos"))]
pub const CLOCK_ID: u32 = 1;
/// The clock's number in the header: the system's own constant.
#[cfg(target_os = "macos")]
pub const CLOCK_ID: u32 = 8;

/// Now, in nanoseconds. On Linux this reads the vDSO: no system call.
#[cfg(not(target_os = "macos"))]
#[inline]
pub fn now_ns() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Now, in nanoseconds.
#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
pub fn now_ns() -> u64 {
    unsafe extern "C" {
        // <time.h>, since macOS 10.12.
        fn clock_gettime_nsec_np(clock_id: u32) -> u64;
    }
    // SAFETY: takes a number, returns a number; the clock exists on every
    // macOS that this program supports.
    unsafe { clock_gettime_nsec_np(CLOCK_ID) }
}
