//! Exit codes by kind of trouble, so that a script or launchd can tell them apart.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// How a `gazed` command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or stopped by a signal that asked for it.
    Ok = 0,
    /// Something was measured and is not good enough (`doctor`, `bench`).
    NotGood = 1,
    /// The command line is wrong (also clap's own code).
    Usage = 2,
    /// The settings file is wrong.
    Settings = 3,
    /// Another daemon owns the shared memory.
    Busy = 4,
    /// A network is missing, changed or unfit.
    Network = 5,
    /// The ONNX Runtime library is missing or unfit.
    Runtime = 6,
    /// A clip, picture or folder cannot be read.
    Source = 7,
    /// The camera cannot be had (commands that need it at once; `run` waits for it).
    Camera = 8,
    /// The shared memory cannot be made or read; `status`/`watch`: no daemon is there.
    SharedMemory = 9,
    /// The service manager is not there or refused (`install` and its like).
    Service = 10,
    /// A fault of our own: a thread died.
    Fault = 70,
}

impl From<Exit> for ExitCode {
    fn from(e: Exit) -> ExitCode {
        ExitCode::from(e as u8)
    }
}

/// Whether a thread goes on that cannot be told to end.
static LEFT_BEHIND: AtomicBool = AtomicBool::new(false);

/// A thread goes on that cannot be told to end.
pub fn leave_behind() {
    LEFT_BEHIND.store(true, Relaxed);
}

/// Ends the process, at once where a thread was left behind: it may be inside of a library, and
/// the C library's farewell would take that away from under it.
pub fn end(exit: Exit) -> ExitCode {
    if LEFT_BEHIND.load(Relaxed) {
        signal_hook::low_level::exit(exit as i32);
    }
    exit.into()
}

/// An error that already knows its exit code and its one line.
#[derive(Debug)]
pub struct Failure {
    /// The code the process ends with.
    pub exit: Exit,
    /// What is wrong, where, and what to do: one line.
    pub line: String,
}

impl Failure {
    /// A failure of kind `exit` that says `line`.
    pub fn new(exit: Exit, line: impl Into<String>) -> Self {
        Failure {
            exit,
            line: line.into(),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Failure {}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
