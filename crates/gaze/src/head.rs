//! Head pose from landmarks.

use nalgebra::{Rotation3, Vector3};

/// Where the head is and how it is turned, in the camera frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadPose {
    /// Head frame → camera frame.
    pub rotation: Rotation3<f64>,
    /// Origin of the head frame, in millimetres of the camera frame.
    pub translation: Vector3<f64>,
    /// Degrees; positive: the face points to the image's right.
    pub yaw: f64,
    /// Degrees; positive: the face points up.
    pub pitch: f64,
    /// Degrees; positive: clockwise in the image.
    pub roll: f64,
}
