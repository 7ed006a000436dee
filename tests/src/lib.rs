//! What the whole-system tests share: the real programs, started and watched.

pub mod calibrations;
pub mod daemon;
pub mod fuzz;
pub mod looker;
pub mod native;
pub mod picture;
pub mod screen;
pub mod scripted;
pub mod visitor;
pub mod xvfb;
