//! What the daemon says of itself: lines on standard error, which the service's log or the
//! terminal takes; on a Mac also in the system's own log, as `gazed run` opens it:
//!
//! ```text
//! log stream --predicate 'subsystem == "com.gaze.gazed"'
//! log show --last 1h --predicate 'subsystem == "com.gaze.gazed"'
//! ```
//!
//! Not called on the way from frame to sample, but once where a file's contact network fails.
//!
//! Standard error may be closed, on a full disk, or a pipe that nobody empties. None of it may
//! hold the daemon up or end it: what cannot be written soon is not written.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Says a line, which begins with the program's name on standard error.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::log::line(&format!($($words)*))
    };
}
pub(crate) use say;

/// From now on the system's own log has the lines too, where there is one.
pub fn open() {
    system::open();
}

/// A line waits this long, at most, for a pipe to be emptied.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// What `say!` does, with a text that is there already.
pub fn line(text: &str) {
    to_standard_error(&format!("gazed: {text}\n"));
    system::line(text);
}

/// Nobody emptied the pipe the last time: it is not waited for again.
static STUCK: AtomicBool = AtomicBool::new(false);

/// Says a whole line, which ends with a newline, on standard error alone.
pub fn to_standard_error(line: &str) {
    let out = std::io::stderr();
    let mut ready = [PollFd::new(&out, PollFlags::OUT)];
    let mut patience = match STUCK.load(Relaxed) {
        true => Timespec::default(),
        false => PATIENCE,
    };
    // A pipe that is ready takes 512 bytes or more at once (POSIX's PIPE_BUF).
    let stuck = loop {
        match poll(&mut ready, Some(&patience)) {
            Ok(writable) => break writable == 0,
            // In a storm of signals: look once more, and do not wait, so that none interrupts it.
            Err(Errno::INTR) => patience = Timespec::default(),
            Err(_) => break false,
        }
    };
    STUCK.store(stuck, Relaxed);
    if !stuck {
        let _ = out.lock().write_all(line.as_bytes());
    }
}

/// Says it to the system's own log alone: somebody else tells the person.
pub fn only(text: &str) {
    system::line(text);
}

#[cfg(target_os = "macos")]
mod system {
    use std::sync::OnceLock;

    use oslog::OsLog;

    static LOG: OnceLock<OsLog> = OnceLock::new();

    pub fn open() {
        LOG.get_or_init(|| OsLog::new("com.gaze.gazed", "daemon"));
    }

    pub fn line(text: &str) {
        if let Some(log) = LOG.get() {
            log.default(text);
        }
    }
}

#[cfg(not(target_os = "macos"))]
mod system {
    pub fn open() {}

    pub fn line(_: &str) {}
}
