//! The program's commands, one file each.

pub mod baseline;
pub mod devices;
pub mod prepare;
pub mod synth;
