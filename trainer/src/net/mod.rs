//! The network: an eye encoder shared by both eyes, an embedding of head pose and
//! eye position, a few layers behind them, one of two heads.
//!
//! ```text
//! left eye ─┐             ┌─ vector ─┐
//!           ├─ encoder ───┤          ├─ hidden ─ output ─▶ ray, or point on the screen
//! right eye ┘ (one pass)  └─ vector ─┤
//! head pose, eye position ── embed ──┘
//! ```
//!
//! A [`committee`] is several of these up to their hidden layers, side by side before one output.
//! On what the hidden layers give a [`spread`] may tell how far the answer is off.

mod blocks;
pub mod checkpoint;
pub mod committee;
mod config;
mod encoder;
mod face_net;
mod gaze_net;
pub mod groups;
mod init;
#[cfg(feature = "tch")]
mod libtorch;
#[cfg(all(test, feature = "tch"))]
mod libtorch_tests;
mod mobileone_names;
#[cfg(test)]
pub(crate) mod reference;
pub mod speed;
pub mod spread;
#[cfg(test)]
mod tests;
pub mod weights;

pub use blocks::{Block, Branches, ConvNorm, InvertedResidual, MobileOne, Plain};
pub use config::{
    Colour, ConfigError, EncoderKind, EyeInput, Head, MOST_MEMBERS, NetConfig, Pool, SIZES,
    SpreadPlan,
};
pub use encoder::Encoder;
pub use face_net::{FACE_SIZES, FaceConfig, FaceNet};
pub use gaze_net::{
    GazeNet, LEAST_CONTRAST, LEAST_FORWARD, POSE_DIVISOR, POSITION_FACTOR, POSITION_MIDDLE, Trunk,
};
