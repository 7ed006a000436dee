//! What the daemon says of itself: lines on standard error, which the service's log or the
//! terminal takes; on a Mac also in the system's own log, as `gazed run` opens it:
//!
//! ```text
//! log stream --predicate 'subsystem == "com.gaze.gazed"'
//! log show --last 1h --predicate 'subsystem == "com.gaze.gazed"'
//! ```
//!
//! Not called on the way from frame to sample, but once where a file's contact network fails.

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

/// See [`say!`].
pub fn line(text: &str) {
    eprintln!("gazed: {text}");
    system::line(text);
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
