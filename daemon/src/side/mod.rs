//! What happens beside the way from frame to sample: clips, hooks, the window.
//!
//! ```text
//! perceive ──views──▶ gaze-clips ──▶ MP4 files
//!        ╲──views──▶ gaze-hooks ──▶ commands, a pipe, a file
//!         ├─views──▶ gaze-assistant ──▶ gaze-asking ──▶ a Moondream on this machine
//!         ╰─views──▶ the window
//! ```
//!
//! Each has an outlet of its own ([`outlet`]): a few buffers that go round. The perceive
//! thread copies a picture into one that is free and passes the picture over where none is;
//! it never waits. What the threads behind do may block as it likes.

pub mod assistant;
pub mod clips;
pub mod contact;
pub mod hooks;
pub mod outlet;
mod snapshot;
mod target;

/// Lets the calling thread stand back: what measures goes first where processors are few.
fn stand_back() {
    #[cfg(target_os = "linux")]
    {
        let this = rustix::thread::gettid();
        // Where the system refuses, nothing is lost but politeness.
        let _ = rustix::process::setpriority_process(Some(this), 10);
    }
}
