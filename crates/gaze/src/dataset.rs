//! Labelled pictures to learn from: `img_N.jpg` and `img_N.json`.
//!
//! | module | is |
//! |---|---|
//! | here | what stands in the JSON, written and read |
//! | [`folder`] | the folder: whole pairs only, numbered on |
//! | [`protocol`] | what `gaze-calib` and `gazed` say to each other while they record |
//!
//! The format is the one that a user's own recordings have: `timestamp`, `screen_x`,
//! `screen_y`, `inference.Gaze`, `moondream_result`. It does not say how large the screen
//! is; [`DEFAULT_SCREEN_PX`] is assumed. What we write says it, in a further key that
//! other readers pass over: `recording` in what `gaze-calib record` stores (see
//! [`Recording`]), `truth` in what is rendered. [`read()`] looks into both.

#[cfg(unix)]
pub mod folder;
pub mod protocol;
mod read;

use serde::{Deserialize, Serialize};

use crate::camera::Intrinsics;
use crate::screen::Screen;

pub use read::{Labelled, ReadError, read};

/// Width and height of the screen, in pixels, where a label does not say.
pub const DEFAULT_SCREEN_PX: [u32; 2] = [1920, 1080];

/// Number of this layout of `recording`; another number is another layout.
pub const SCHEMA: u32 = 1;

/// The whole of `img_N.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When the light fell in, milliseconds since 1970.
    pub timestamp: u64,
    /// The target, in pixels of the screen from its left.
    pub screen_x: f64,
    /// The target, in pixels of the screen from its top.
    pub screen_y: f64,
    /// What was seen of the face.
    pub inference: Inference,
    /// The assistant's answer: the middle of the ninth of the screen that it named, in pixels
    /// like the target; z is 1 where the gaze was in the same ninth, −1 where not, 0 where it
    /// was not known. Zeros where none was asked.
    pub moondream_result: Xyz,
    /// What the format has no place for.
    pub recording: Recording,
}

/// The record of a tracker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// The one tracker there is.
    #[serde(rename = "Gaze")]
    pub gaze: Tracked,
}

/// What a tracker of the face's direction says. Nothing here follows from where the eyes
/// look in their sockets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tracked {
    /// The eye at the image's left, pixels; z is 0.
    pub left_eye: Xyz,
    /// The eye at the image's right, pixels; z is 0.
    pub right_eye: Xyz,
    /// Of the head, degrees: positive to the image's right.
    pub yaw: f64,
    /// Of the head, degrees: positive up.
    pub pitch: f64,
    /// Of the head, degrees: positive clockwise in the image.
    pub roll: f64,
    /// Unit vector out of the face, camera frame.
    pub vector: Xyz,
    /// Points of the face, image pixels (see [`crate::landmarks`]).
    pub landmarks: Option<Vec<Xyz>>,
}

/// Three numbers by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Xyz {
    pub x: f64,
    pub y: f64,
    pub z: f64,
}

impl From<[f64; 3]> for Xyz {
    fn from([x, y, z]: [f64; 3]) -> Self {
        Self { x, y, z }
    }
}

/// What the person was asked to do while the picture was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prompt {
    /// Look at the dot, head as it likes to be.
    Still,
    /// Look at the dot and turn the head to the person's left.
    Left,
    /// … to the person's right.
    Right,
    /// … up.
    Up,
    /// … down.
    Down,
    /// … come nearer.
    Nearer,
    /// … go back.
    Further,
}

/// What the user's format has no place for. Millimetres are of the camera's frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The screen that `screen_x` and `screen_y` are pixels of.
    pub screen: Screen,
    /// The camera that head and gaze were reckoned with: size of the picture, focal length.
    pub camera: Intrinsics,
    /// The camera's name.
    pub camera_name: String,
    /// What the person was asked to do.
    pub prompt: Prompt,
    /// Number of the place among those of this sitting, from 0.
    pub place: u32,
    /// The source's number of the frame.
    pub frame_index: u64,
    /// When the light fell in, on the samples' clock.
    pub captured_ns: u64,
    /// Place of the head.
    pub head_mm: [f64; 3],
    /// Lid openness, image-left first, 0 to 1.
    pub openness: [f64; 2],
    /// Line of sight by geometry, uncalibrated; null where it cannot be told.
    pub gaze: Option<Sight>,
    /// The JPEG's quality.
    pub quality: u8,
    /// Length of the picture's file: what is shorter was cut off.
    pub jpeg_bytes: u64,
}

/// A line of sight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// Between the eyes, mm.
    pub origin_mm: [f64; 3],
    /// Unit vector outwards.
    pub direction: [f64; 3],
    /// 0 no trust … 1 full trust.
    pub confidence: f64,
}
