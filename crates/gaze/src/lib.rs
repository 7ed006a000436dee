//! Plain types and arithmetic of gaze: no threads, no devices, no networks.
//!
//! # Frames of reference
//!
//! | frame | origin | axes | unit |
//! |---|---|---|---|
//! | image | top-left corner of the picture | x right, y down, unmirrored | pixels |
//! | camera | the camera's optical centre | x to the image's right, y down, z away from the camera, towards the person | millimetres |
//! | head | between the eyes | the camera's axes, turned by the head pose | millimetres |
//! | screen | top-left corner of the visible area | x right, y down as the *person* sees them | normalised: (1, 1) is the bottom-right corner |
//!
//! A camera above a screen looks at the person, so the image's right is the
//! *screen's left*: screen x grows where camera x falls. [`screen::Screen`] is
//! the only place that turns one into the other. Points outside 0..1 are real
//! (the person looks past the edge) and are kept.
//!
//! Angles are degrees. Positive yaw looks to the image's right, positive pitch
//! up, positive roll is clockwise in the image. A gaze direction is a unit
//! vector from the eye outwards: who looks into the camera has (0, 0, −1).
//! Eyes are named by their side *in the image*; `[_; 2]` holds image-left
//! first. Time is `u64` nanoseconds of one monotonic clock.
//!
//! # Modules, in the order that data passes them
//!
//! | module | from → to |
//! |---|---|
//! | [`camera`] | millimetres ↔ pixels of a pinhole camera |
//! | [`landmarks`] | the 478 face landmarks and the indices that matter |
//! | [`head`] | landmarks → head pose |
//! | [`eyes`] | landmarks → lids and irises |
//! | [`geometric`] | landmarks and head pose → gaze rays, without a network |
//! | [`ray`] | a line of sight, its yaw and pitch |
//! | [`screen`] | ray ↔ normalised screen point |
//! | [`affine`] | recorded targets → map from raw to true screen points |
//! | [`calibration`] | that map as a file: per user, device and display |
//! | [`dataset`] | labelled pictures to learn from: format, folder, how they are recorded |
//! | [`filter`] | noisy points at the camera's rate → a steady point at any time |
//! | [`drift`] | whether a calibration still fits where the person sits now |
//! | [`error_radius`] | how far off a sample should be expected to be |
//! | [`contact`] | single probabilities of eye contact → a steady state per face, its starts and ends |
//! | [`eye_movements`] | eye movements with known truth, and what a webcam makes of them |
//! | [`filter_report`] | filters judged on them: jitter against lag |
//! | [`evaluation`] | how far off it is on recordings of people at known targets |

pub mod affine;
pub mod calibration;
pub mod camera;
pub mod contact;
pub mod dataset;
pub mod drift;
pub mod error_radius;
pub mod evaluation;
pub mod eye_movements;
pub mod eyes;
pub mod filter;
pub mod filter_report;
pub mod geometric;
pub mod head;
pub mod landmarks;
pub mod one_line;
pub mod ray;
pub mod screen;
#[cfg(test)]
mod synthetic;
pub mod trust;
pub mod version;
