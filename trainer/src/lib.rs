//! Trains gaze networks from a person's own pictures and exports ONNX.
//!
//! From a folder of pictures to a cache of samples ([`data`]), what there is to beat
//! ([`baseline`]), a network ([`net`]) and its training ([`train`]), ONNX files that are shown to
//! answer alike ([`export`]); sets of rendered faces whose labels are exact ([`synth`]); and the
//! compute devices of this build, chosen at run time ([`device`]); eye contact by a person's own
//! labels ([`contact`]).

pub mod baseline;
pub mod commands;
pub mod contact;
pub mod data;
pub mod device;
pub mod export;
pub mod memory;
pub mod net;
pub mod report;
pub mod synth;
pub mod train;
