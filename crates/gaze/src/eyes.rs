//! Lids and irises from landmarks.

use nalgebra::Point2;

/// What is seen of the two eyes; image-left first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeState {
    /// 0 closed … 1 open.
    pub openness: [f64; 2],
    /// Open enough to tell where the eye looks.
    pub open: [bool; 2],
    /// Centre of the iris, in image pixels.
    pub iris_px: [Point2<f64>; 2],
    /// Middle between the eye's corners, in image pixels.
    pub centre_px: [Point2<f64>; 2],
}
