//! The program's commands, one file each.

pub mod devices;
pub mod synth;
