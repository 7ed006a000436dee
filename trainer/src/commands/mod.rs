//! The program's commands, one file each.

pub mod baseline;
pub mod devices;
pub mod export;
pub mod prepare;
pub mod speed;
pub mod synth;
