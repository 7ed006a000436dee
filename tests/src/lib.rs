//! What the whole-system tests share.

pub mod daemon;
pub mod looker;
pub mod picture;
