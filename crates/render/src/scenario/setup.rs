//! The things of a sitting: camera, screen, room.

use gaze::screen::{CameraPlace, Screen};
use nalgebra::{Point2, Vector3};

use super::{Kind, between};
use crate::camera::Camera;
use crate::maths::Rng;

/// Camera, screen and room of one sitting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The camera and its lens.
    pub camera: Camera,
    /// The screen, and where the camera sits on it. Always 1920×1080 pixels.
    pub screen: Screen,
    /// Seed of the room ([`crate::room::Room::random`]).
    pub room: u64,
    /// Seed of the sensor ([`crate::sensor::Sensor::random`]).
    pub sensor: u64,
}

impl Setup {
    /// A laptop, or a monitor with a webcam on its rim, somewhere.
    pub(super) fn random(seed: u64, kind: Kind, size: Option<(u32, u32)>) -> Setup {
        let mut r = Rng::new(seed);
        let laptop = r.unit() < 0.6;
        let inches = if laptop {
            between(&mut r, 13.0, 16.5)
        } else {
            between(&mut r, 21.0, 32.0)
        };
        let screen = Screen {
            width_px: 1920,
            height_px: 1080,
            // 16 : 9 : their diagonal.
            width_mm: inches * 25.4 * 16.0 / 18.357_559_750_685_8,
            height_mm: inches * 25.4 * 9.0 / 18.357_559_750_685_8,
            camera: if laptop {
                CameraPlace {
                    x_norm: 0.5,
                    above_mm: between(&mut r, 4.0, 9.0),
                    forward_mm: 0.0,
                    tilt_deg: between(&mut r, -3.0, 3.0),
                }
            } else {
                CameraPlace {
                    x_norm: between(&mut r, 0.42, 0.58),
                    above_mm: between(&mut r, 10.0, 35.0),
                    forward_mm: between(&mut r, 0.0, 20.0),
                    tilt_deg: between(&mut r, -12.0, 2.0),
                }
            },
        };
        let by_chance = match r.unit() {
            u if u < 0.55 => (640, 480),
            u if u < 0.9 => (1280, 720),
            _ => (1920, 1080),
        };
        let usual = match kind {
            // Far faces need pixels.
            Kind::Contact | Kind::GazeLocking => (1280, 720),
            _ => by_chance,
        };
        let (width, height) = size.unwrap_or(usual);
        let hfov = between(&mut r, 55.0, 78.0);
        let k1 = if r.unit() < 0.5 {
            0.0
        } else {
            between(&mut r, -0.06, 0.04)
        };
        // A camera on its side sees as far along its longer side.
        let hfov = if height > width {
            let (sin, cos) = crate::maths::sin_cos(hfov / 2.0);
            let half = libm::atan(sin / cos * f64::from(width) / f64::from(height));
            2.0 * half.to_degrees()
        } else {
            hfov
        };
        Setup {
            camera: Camera::from_fov(width, height, hfov, k1),
            screen,
            room: r.bits(),
            sensor: r.bits(),
        }
    }

    /// A place for the middle between the eyes, `distance` mm deep, so that the head is in the
    /// picture: by chance, where there is room for it.
    pub(super) fn place(&self, r: &mut Rng, distance: f64) -> Vector3<f64> {
        let i = &self.camera.intrinsics;
        // What a head needs around its eyes, mm: half its width, above them, below them.
        let (side, above, below) = (85.0, 115.0, 125.0);
        let scale = distance / i.fx;
        let free = |lo: f64, hi: f64, u: f64| {
            if lo < hi {
                lo + (hi - lo) * u
            } else {
                (lo + hi) / 2.0
            }
        };
        let (half_w, half_h) = (i.cx * scale, i.cy * scale);
        // People sit rather in the middle than at the edge.
        let middling = |r: &mut Rng| (f64::from(r.unit()) + f64::from(r.unit())) / 2.0;
        Vector3::new(
            free(side - half_w, half_w - side, middling(r)),
            free(above - half_h, half_h - below, middling(r)),
            distance,
        )
    }

    /// Direction from a place to a point of the screen, normalised.
    pub(super) fn towards(&self, place: Vector3<f64>, target: Point2<f64>) -> Vector3<f64> {
        (self.screen.point_mm(target) - place).normalize()
    }
}
