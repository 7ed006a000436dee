//! The gaze daemon: camera frames in, gaze samples in shared memory out.
//!
//! | module | holds |
//! |---|---|
//! | [`sources`] | cameras, clips, folders, the demo: all behind one trait |
//! | [`pipeline`] | the three threads from frame to sample, and what they share |
//! | [`calibrations`] | whose map is in force, and the thread that watches its file |
//! | [`record`] | labelled pictures for a client that asks for them |
//! | [`overlay`] | what is known of a picture, drawn into it |
//! | [`side`] | clips, hooks, what the window sees: beside the way from frame to sample |
//! | [`service`] | launch agent and systemd unit: `gazed install` and its like |
//! | [`settings`], [`settings_side`] | the settings file and how flags override it |
//! | [`commands`] | what `gazed run`, `status`, `watch`, `doctor`, `bench` do |
//! | [`exit`] | exit codes by kind of trouble |
//! | [`alloc`] | the counting allocator that proves the quiet of the hot path |

pub mod alloc;
pub mod calibrations;
pub mod commands;
pub mod engine;
pub mod exit;
pub mod log;
pub mod overlay;
pub mod pipeline;
pub mod record;
pub mod service;
pub mod settings;
pub mod settings_faces;
pub mod settings_side;
pub mod side;
pub mod sources;
