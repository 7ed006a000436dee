//! What each `gazed` command does; one file each.

pub mod bench;
mod bench_clips;
mod bench_daemon;
mod bench_demo;
mod bench_provider;
pub mod demo_truth;
pub mod doctor;
pub mod filter_report;
pub mod permission;
pub mod render;
pub mod run;
pub mod service;
pub mod status;
pub mod watch;
mod window;
