//! The pinhole camera: millimetres in the camera frame ↔ pixels of the image.

use nalgebra::{Point2, Vector3};
use serde::{Deserialize, Serialize};

/// Horizontal field of view that is assumed of a webcam nobody has measured, in degrees.
pub const DEFAULT_HFOV_DEG: f64 = 60.0;

/// A camera without lens distortion: focal lengths and principal point, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intrinsics {
    /// Focal length along x, in pixels.
    pub fx: f64,
    /// Focal length along y, in pixels.
    pub fy: f64,
    /// Principal point, in pixels from the left.
    pub cx: f64,
    /// Principal point, in pixels from the top.
    pub cy: f64,
    /// Width of the image, in pixels.
    pub width: u32,
    /// Height of the image, in pixels.
    pub height: u32,
}

impl Intrinsics {
    /// Square pixels, principal point in the middle, `hfov_deg` degrees from
    /// the left edge to the right one.
    pub fn from_fov(width: u32, height: u32, hfov_deg: f64) -> Self {
        // By libm: rendered pictures and their labels are the same on any machine.
        let f = f64::from(width) / 2.0 / libm::tan(hfov_deg.to_radians() / 2.0);
        Self {
            fx: f,
            fy: f,
            cx: f64::from(width) / 2.0,
            cy: f64::from(height) / 2.0,
            width,
            height,
        }
    }

    /// What to assume of a webcam whose field of view is not known.
    pub fn webcam(width: u32, height: u32) -> Self {
        Self::from_fov(width, height, DEFAULT_HFOV_DEG)
    }

    /// Degrees from the left edge of the image to the right one.
    pub fn hfov_deg(&self) -> f64 {
        let (left, right) = (self.cx, f64::from(self.width) - self.cx);
        ((left / self.fx).atan() + (right / self.fx).atan()).to_degrees()
    }

    /// Where a point of the camera frame (mm) appears in the image (px).
    /// Meaningful for points in front of the camera (z > 0) only.
    pub fn project(&self, p: Vector3<f64>) -> Point2<f64> {
        Point2::new(self.fx * p.x / p.z + self.cx, self.fy * p.y / p.z + self.cy)
    }

    /// Unit vector from the camera through a pixel, in the camera frame.
    pub fn ray(&self, px: Point2<f64>) -> Vector3<f64> {
        Vector3::new((px.x - self.cx) / self.fx, (px.y - self.cy) / self.fy, 1.0).normalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_field_of_view_spans_the_image() {
        let cam = Intrinsics::from_fov(1280, 720, 60.0);
        let left = cam.ray(Point2::new(0.0, 360.0));
        let right = cam.ray(Point2::new(1280.0, 360.0));
        assert!((left.angle(&right).to_degrees() - 60.0).abs() < 1e-9);
        assert!(left.x < 0.0 && right.x > 0.0);
        assert!((cam.hfov_deg() - 60.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_pixels_ray_projects_back_onto_it(x in 0.0..1280.0f64, y in 0.0..720.0f64, z in 50.0..3000.0f64) {
            let cam = Intrinsics::webcam(1280, 720);
            let ray = cam.ray(Point2::new(x, y));
            let back = cam.project(ray * (z / ray.z));
            prop_assert!((back - Point2::new(x, y)).norm() < 1e-9);
        }
    }
}
