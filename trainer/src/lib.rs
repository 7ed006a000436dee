//! Trains gaze networks from a person's own pictures and exports ONNX.
//!
//! So far this holds what every later part stands on: the compute devices of
//! this build, chosen at run time, with a check that one of them computes and
//! differentiates correctly before hours of training trust it; and sets of
//! rendered faces whose labels are exact.

pub mod baseline;
pub mod commands;
pub mod data;
pub mod device;
pub mod export;
pub mod net;
pub mod report;
pub mod synth;
