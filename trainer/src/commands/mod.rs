//! The program's commands, one file each.

pub mod baseline;
pub mod committee;
pub mod contact_fit;
pub mod contact_train;
pub mod dashboard;
pub mod devices;
pub mod export;
pub mod eyes;
pub mod how;
pub mod personalize;
pub mod prepare;
pub mod rays;
pub mod speed;
pub mod spread;
pub mod study;
pub mod synth;
pub mod train;
