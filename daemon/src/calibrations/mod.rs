//! Which calibration is in force, and the thread that keeps it so.
//!
//! | file | is |
//! |---|---|
//! | [`situation`] | settings, selection, displays, camera → whose file, on which screen |
//! | [`keeper`] | that file → the mapping in force, or why it stays as it is |
//! | [`note`] | the same in words, for the header |
//! | [`watch`] | the folder's news |
//! | [`thread`] | the thread `gaze-files`, which puts them together |
//!
//! The keeper's thread is the only one that stores a [`Mapping`] while the daemon
//! runs, so that no two swaps can undo each other. A file takes effect within
//! milliseconds of its rename; one that is broken, of another schema, of somebody
//! else, or fails its grade changes nothing but the header's note.
//!
//! [`Mapping`]: crate::pipeline::mapping::Mapping

pub mod keeper;
pub mod note;
pub mod situation;
pub mod thread;
pub mod watch;

pub use keeper::Keeper;
pub use situation::{Situation, World};
pub use thread::{Files, Wake};
