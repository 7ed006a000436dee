//! The full-screen window of a sitting.
//!
//! | module | does |
//! |---|---|
//! | [`pages`] | what the session shows → a list of things to draw |
//! | `recording` | the same for a recording |
//! | [`scene`] | those things, their bounds, and what changed since the last picture |
//! | [`paint`] | pixels, only of what changed |
//! | [`app`] | the window itself: display, keys, focus, 60 pictures a second |
//! | [`area`] | which part of the display it covers |
//! | [`style`] | colours and sizes |

pub mod app;
pub mod area;
#[cfg(all(unix, not(target_os = "macos")))]
mod focus;
pub mod pages;
pub mod paint;
mod recording;
pub mod scene;
pub mod style;

pub use app::{Ended, Feed, Place, Show, WindowError, show};

#[cfg(test)]
mod tests;
