//! The camera with its lens: what the truth is projected through.

use gaze::camera::Intrinsics;
use nalgebra::{Point2, Vector3};

/// A pinhole with radial distortion, as in Brown (1966): a point at the normalised
/// distance r from the axis appears at r·(1 + k1·r²).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Focal lengths, principal point, size in pixels.
    pub intrinsics: Intrinsics,
    /// Below 0 a barrel, above 0 a pincushion. Webcams: within ±0.06 after their own correction.
    pub k1: f64,
}

impl From<Intrinsics> for Camera {
    /// A lens without distortion.
    fn from(intrinsics: Intrinsics) -> Camera {
        Camera {
            intrinsics,
            k1: 0.0,
        }
    }
}

impl Camera {
    /// A camera that sees `hfov_deg` from side to side, the principal point in the middle.
    pub fn from_fov(width: u32, height: u32, hfov_deg: f64, k1: f64) -> Camera {
        let intrinsics = Intrinsics::from_fov(width, height, hfov_deg);
        Camera { intrinsics, k1 }
    }

    /// Camera frame (mm) → pixels.
    pub fn project(&self, p: Vector3<f64>) -> Point2<f64> {
        let (x, y) = (p.x / p.z, p.y / p.z);
        let bend = 1.0 + self.k1 * (x * x + y * y);
        let i = &self.intrinsics;
        Point2::new(i.fx * x * bend + i.cx, i.fy * y * bend + i.cy)
    }
}
