//! The per-user calibration file: one for each user, camera and display.
//!
//! A JSON object of schema [`SCHEMA`]; unknown keys are errors. It lies in
//! [`default_folder`] as `<user>__<camera>__<display>.json` ([`file_name`]).
//! Points are normalised, lengths of errors are shares of the screen's diagonal.
//!
//! Shortened to one target of each list:
//!
//! ```json
//! {
//!   "schema": 2,
//!   "user": "ada",
//!   "camera": "FaceTime HD Camera",
//!   "display": {"id": "eDP-1", "width_px": 1512, "height_px": 982, "width_mm": 302.0, "height_mm": 196.0,
//!               "camera": {"x_norm": 0.5, "above_mm": 5.0, "forward_mm": 0.0, "tilt_deg": 0.0}},
//!   "network": "geometric-3-0123456789abcdef",
//!   "form": "held",
//!   "map": {"a": 0.9, "b": 0.0, "c": 0.1, "d": 0.0, "e": 1.1, "f": -0.05},
//!   "targets": [{"x": 0.1, "y": 0.1, "raw_x": 0.01, "raw_y": 0.13, "samples": 30, "scatter": 0.02,
//!                "residual": 0.006, "held_out": 0.01, "used": true}],
//!   "residual": 0.02,
//!   "cross_validated": 0.035,
//!   "validation": {
//!     "targets": [{"x": 0.3, "y": 0.3, "raw_x": 0.22, "raw_y": 0.3, "samples": 30, "scatter": 0.02, "error": 0.03}],
//!     "offset": [0.0, 0.0],
//!     "error": 0.038,
//!     "created_unix_s": 1790086400
//!   },
//!   "grade": "excellent",
//!   "head": {"centre_mm": [4.0, 60.0, 560.0], "spread_mm": [3.0, 2.0, 8.0],
//!            "yaw_pitch_deg": [1.0, -8.0], "yaw_pitch_spread_deg": [1.5, 1.0], "openness": 0.9},
//!   "history": [{"created_unix_s": 1789000000,
//!                "targets": [{"x": 0.1, "y": 0.1, "raw_x": 0.02, "raw_y": 0.12, "samples": 30, "scatter": 0.02}]}],
//!   "history_used": true,
//!   "repair": {"dx": 0.01, "dy": -0.02, "created_unix_s": 1790003600},
//!   "created_unix_s": 1790000000
//! }
//! ```
//!
//! `validation`, `head` and `repair` may be missing, and so may the validation's time, which is
//! that of the fit then.
//!
//! # What belongs to what
//!
//! * `map`, `targets`, `residual` and `cross_validated` are of one fit and of the
//!   geometry in `display`: raw points are where rays meet *that* screen. Who
//!   applies the map intersects with [`DisplayRecord::screen`].
//! * `repair` comes after the map and changes none of these. What is applied is
//!   [`Calibration::effective_map`].
//! * `validation` judges what was in force when it was made: the map and then
//!   `validation.offset`, the repair of that time. A later repair leaves it be.
//! * `grade` is of the validation's error, or without one of `cross_validated`.
//!
//! A file is refused, with the reason, when it does not parse, is of another
//! schema, is not finite, when its map is singular, when its numbers
//! contradict each other, or when it fails its own grade.

mod applies;
mod atomic;
mod file;
mod grade;
mod head_range;
mod place;
mod record;
pub mod selection;
mod validate;

pub use crate::affine::{Sitting, SittingTarget};
pub use applies::{NotApplicable, Setup};
pub use file::{FileError, Kept, Written, load, write};
pub use grade::Grade;
pub use head_range::{HeadRange, HeadSample};
pub use place::{COPY, default_folder, file_name, is_file_name};
pub use record::{Calibration, DisplayRecord, Repair, TargetRecord, Validation, ValidationTarget};
pub use validate::{Invalid, MAX_REPAIR};

/// Version of the file's layout.
pub const SCHEMA: u32 = 2;

/// At most so many earlier sittings are kept.
pub const MAX_HISTORY: usize = 8;

/// How a network is called in calibrations: its name and the first eight bytes
/// of the hash of its file, as the shared memory's header has them. A map
/// belongs to the network whose output it was fitted to.
///
/// ```
/// assert_eq!(gaze::calibration::network_id("geometric-3", 0xab), "geometric-3-00000000000000ab");
/// ```
pub fn network_id(name: &str, hash: u64) -> String {
    format!("{name}-{hash:016x}")
}

#[cfg(test)]
mod tests;
