//! Pictures in, measurements out.
//!
//! A [`Frame`] in any camera's pixel layout goes into [`Perceiver::perceive`];
//! faces, landmarks, head pose, eyes and lines of sight come out as a
//! [`Perception`]. The networks are ONNX files ([`ModelStore`]) that ONNX Runtime
//! ([`Runtime`]) computes.

mod between;
mod bound;
mod colours;
mod contact_net;
pub mod coreml;
mod crop;
mod detector;
mod errand;
mod estimator;
mod eye_pixels;
mod face_crop;
pub mod frame;
mod frozen;
pub mod gaze_net;
mod glances;
mod iris;
pub mod jpeg;
mod landmarker;
mod looker;
mod models;
mod perceiver;
mod perception;
mod pixels;
mod region;
mod resample;
mod runtime;
mod sampler;
mod session;
mod track;
mod tracks;

pub use contact_net::{ContactAnswer, ContactContract, ContactNet, ContactNetError};
pub use crop::{CropColour, EyeCropSpec, EyeCropper, eye_regions};
pub use detector::{Detection, FaceDetector};
pub use errand::{ERRAND_FACES, Errand, Findings, Wanted};
pub use estimator::GazeKind;
pub use eye_pixels::EyeLook;
pub use face_crop::FaceCropper;
pub use frame::{Frame, MAX_SIDE, PixelFormat, YuvRange};
pub use frozen::{FrozenDetector, MOST_BUFFERS};
pub use iris::IrisFit;
pub use landmarker::{Landmarker, Look, next_region};
pub use looker::Looker;
pub use models::{Base, ModelError, ModelStore, Network, NetworkEntry};
pub use perceiver::{Perceiver, PerceiverConfig};
pub use perception::{Face, MAX_FACES, Perception, SeenFace, StageTimes};
pub use region::{BBox, Region};
pub use runtime::{
    Provider, Runtime, RuntimeError, VERSION as RUNTIME_VERSION, cache_folder, forbid_reports,
};
pub use sampler::{Layout, Outside, Sampler, TensorSpec};
pub use session::{BoundSession, Computes, Port, SessionOptions};
pub use tracks::Choice;
