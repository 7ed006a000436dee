//! The screen as a flat rectangle in the camera frame: rays ↔ normalised points.

use nalgebra::{Point2, Rotation3, Vector3};
use serde::{Deserialize, Serialize};

use crate::ray::Ray;

/// Rays that meet the screen's plane under less than this are called parallel
/// (sine of the angle; about half a degree). Nobody reads a screen edge-on.
const GRAZING: f64 = 0.01;

/// Diagonal that is assumed of a laptop nobody has measured: 14 inches.
const LAPTOP_DIAGONAL_MM: f64 = 14.0 * 25.4;

/// Where the camera sits, seen from the screen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CameraPlace {
    /// Across the screen: 0 its left edge, 1 its right edge, as the person sees it.
    pub x_norm: f64,
    /// Above the top edge of the visible area, in millimetres (negative: below it).
    pub above_mm: f64,
    /// In front of the screen's plane, towards the person, in millimetres.
    pub forward_mm: f64,
    /// How far the camera looks up from the screen's normal, in degrees.
    pub tilt_deg: f64,
}

impl Default for CameraPlace {
    /// A laptop's: in the middle of the upper rim, 5 mm above the pixels, not tilted.
    fn default() -> Self {
        Self {
            x_norm: 0.5,
            above_mm: 5.0,
            forward_mm: 0.0,
            tilt_deg: 0.0,
        }
    }
}

/// A display: pixels, size of the visible area, and the camera's place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Width of the visible area, in millimetres.
    pub width_mm: f64,
    /// Height of the visible area, in millimetres.
    pub height_mm: f64,
    /// Where the camera sits.
    #[serde(default)]
    pub camera: CameraPlace,
}

impl Default for Screen {
    /// A 14-inch laptop of 1920×1080 pixels.
    fn default() -> Self {
        Self::laptop(1920, 1080)
    }
}

impl Screen {
    /// What to assume of a laptop that does not tell its size: a 14-inch
    /// diagonal, square pixels, the camera in the upper rim.
    pub fn laptop(width_px: u32, height_px: u32) -> Self {
        let (w, h) = (f64::from(width_px.max(1)), f64::from(height_px.max(1)));
        // By libm: rendered pictures and their labels are the same on any machine.
        let mm_per_px = LAPTOP_DIAGONAL_MM / libm::hypot(w, h);
        Self {
            width_px,
            height_px,
            width_mm: w * mm_per_px,
            height_mm: h * mm_per_px,
            camera: CameraPlace::default(),
        }
    }

    /// Where the ray meets the screen's plane, normalised, also outside 0..1.
    ///
    /// `None` when the ray runs along the plane, points away from it, starts
    /// behind it, or is not finite.
    pub fn intersect(&self, ray: &Ray) -> Option<Point2<f64>> {
        let to_screen = self.camera_to_screen();
        let origin = to_screen * ray.origin;
        let direction = to_screen * ray.direction;
        // In the screen-aligned frame the visible area is the plane z = −forward.
        let height = origin.z + self.camera.forward_mm;
        let approaches = direction.z < -GRAZING;
        if !approaches || height.is_nan() || height <= 0.0 {
            return None;
        }
        let hit = origin - direction * (height / direction.z);
        let p = Point2::new(
            self.camera.x_norm - hit.x / self.width_mm,
            (hit.y - self.camera.above_mm) / self.height_mm,
        );
        (p.x.is_finite() && p.y.is_finite()).then_some(p)
    }

    /// The place of a normalised point, in millimetres of the camera frame.
    pub fn point_mm(&self, norm: Point2<f64>) -> Vector3<f64> {
        // The person's right is the camera's left: x changes its sign.
        let aligned = Vector3::new(
            (self.camera.x_norm - norm.x) * self.width_mm,
            norm.y * self.height_mm + self.camera.above_mm,
            -self.camera.forward_mm,
        );
        self.camera_to_screen().inverse() * aligned
    }

    /// Length of the visible area's diagonal, in millimetres.
    pub fn diagonal_mm(&self) -> f64 {
        self.width_mm.hypot(self.height_mm)
    }

    /// From the camera frame to one with the same origin whose axes lie along the screen's.
    fn camera_to_screen(&self) -> Rotation3<f64> {
        // By libm, as in `laptop`.
        let (sin, cos) = libm::sincos(self.camera.tilt_deg.to_radians());
        let columns = [[1.0, 0.0, 0.0], [0.0, cos, sin], [0.0, -sin, cos]];
        Rotation3::from_matrix_unchecked(columns.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eye() -> Vector3<f64> {
        Vector3::new(0.0, 0.0, 600.0)
    }

    #[test]
    fn looking_into_the_camera_is_the_middle_of_the_upper_rim() {
        let screen = Screen::laptop(1920, 1080);
        let p = screen
            .intersect(&Ray::from_yaw_pitch(eye(), 0.0, 0.0))
            .unwrap();
        assert!((p.x - 0.5).abs() < 1e-12);
        assert!((p.y + 5.0 / screen.height_mm).abs() < 1e-12);
        assert!((screen.diagonal_mm() - 355.6).abs() < 1e-9);
    }

    #[test]
    fn the_images_right_is_the_screens_left() {
        let screen = Screen::default();
        let right_in_image = screen
            .intersect(&Ray::from_yaw_pitch(eye(), 10.0, 0.0))
            .unwrap();
        assert!(right_in_image.x < 0.4);
        let down = screen
            .intersect(&Ray::from_yaw_pitch(eye(), 0.0, -10.0))
            .unwrap();
        assert!(down.y > 0.4);
    }

    #[test]
    fn a_camera_tilted_up_sees_the_gaze_at_it_come_from_where_it_is() {
        // A camera that looks up by 15° sees a person straight ahead of the
        // screen low in its image; that person looks along the screen's normal.
        let mut screen = Screen::default();
        screen.camera.tilt_deg = 15.0;
        let t = 15f64.to_radians();
        let eye = Vector3::new(0.0, 600.0 * t.sin(), 600.0 * t.cos());
        let ray = Ray {
            origin: eye,
            direction: -eye.normalize(),
        };
        let p = screen.intersect(&ray).unwrap();
        assert!((p.y + 5.0 / screen.height_mm).abs() < 1e-9, "{p}");
        assert!(ray.pitch_deg() > 14.9);
    }

    #[test]
    fn rays_that_never_arrive_have_no_point() {
        let screen = Screen::default();
        for (origin, yaw) in [(eye(), 90.0), (eye(), 180.0), (eye() * -1.0, 0.0)] {
            assert_eq!(
                screen.intersect(&Ray::from_yaw_pitch(origin, yaw, 0.0)),
                None
            );
        }
        let nan = Ray {
            origin: eye(),
            direction: Vector3::new(f64::NAN, 0.0, -1.0),
        };
        assert_eq!(screen.intersect(&nan), None);
    }

    proptest! {
        #[test]
        fn a_look_at_a_point_lands_on_it(
            x in -1.0..2.0f64, y in -1.0..2.0f64,
            ex in -300.0..300.0f64, ey in -200.0..300.0f64, ez in 250.0..1500.0f64,
            x_norm in 0.0..1.0f64, above in -300.0..50.0f64, forward in -20.0..60.0f64, tilt in -25.0..25.0f64,
        ) {
            let camera = CameraPlace { x_norm, above_mm: above, forward_mm: forward, tilt_deg: tilt };
            let screen = Screen { camera, ..Screen::laptop(2560, 1600) };
            let target = Point2::new(x, y);
            // Given in the screen-aligned frame, so that it lies before the screen at any tilt.
            let origin = screen.camera_to_screen().inverse() * Vector3::new(ex, ey, ez);
            let direction = (screen.point_mm(target) - origin).normalize();
            let hit = screen.intersect(&Ray { origin, direction }).unwrap();
            prop_assert!((hit - target).norm() < 1e-8, "{hit} != {target}");
        }
    }
}
