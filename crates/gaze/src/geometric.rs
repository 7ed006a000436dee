//! Gaze by geometry: the eyeball turned against the head, no network.

use crate::ray::Ray;

/// The lines of sight of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeGaze {
    /// Of the image-left eye.
    pub left: Ray,
    /// Of the image-right eye.
    pub right: Ray,
    /// One line for both, from between the eyes.
    pub combined: Ray,
    /// 0 no trust … 1 full trust.
    pub confidence: f64,
}
