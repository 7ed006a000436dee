//! Lengths on the display in all units that people think in.

use gaze::affine::diagonal_fraction;
use gaze::calibration::DisplayRecord;
use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};

use super::{Point, Span};

/// Eyes that nobody measured are assumed here, straight before the camera.
const ARMS_LENGTH_MM: [f64; 3] = [0.0, 0.0, 600.0];

/// Measures lengths on a display, as seen from where the eyes were.
pub struct Ruler {
    screen: Screen,
    eyes_mm: Vector3<f64>,
}

impl Ruler {
    /// For the eyes that looked at these points.
    pub fn new(display: &DisplayRecord, points: &[Point]) -> Self {
        let axis = |i: usize| {
            let looks = points.iter().flat_map(|p| &p.looks);
            let mut all: Vec<f64> = looks.map(|l| l.eyes_mm[i]).collect();
            all.retain(|v| v.is_finite());
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        };
        let eyes = match (axis(0), axis(1), axis(2)) {
            (Some(x), Some(y), Some(z)) => [x, y, z],
            _ => ARMS_LENGTH_MM,
        };
        Self::seen_from(display, Some(eyes))
    }

    /// For eyes there (camera frame), or at arm's length where that is not known.
    pub fn seen_from(display: &DisplayRecord, eyes_mm: Option<[f64; 3]>) -> Self {
        Self {
            screen: display.screen(),
            eyes_mm: Vector3::from(eyes_mm.unwrap_or(ARMS_LENGTH_MM)),
        }
    }

    /// From `a` to `b`, both normalised; the angle is the one between the two lines of sight.
    pub fn span(&self, a: [f64; 2], b: [f64; 2]) -> Span {
        let sight = |p: [f64; 2]| self.screen.point_mm(Point2::from(p)) - self.eyes_mm;
        let pixels = |i: usize, n: u32| (b[i] - a[i]) * f64::from(n);
        Span {
            px: pixels(0, self.screen.width_px).hypot(pixels(1, self.screen.height_px)),
            deg: sight(a).angle(&sight(b)).to_degrees(),
            ..self.share(self.share_of(a, b))
        }
    }

    /// From `a` to `b` as a share of the diagonal.
    pub fn share_of(&self, a: [f64; 2], b: [f64; 2]) -> f64 {
        let aspect = self.screen.width_mm / self.screen.height_mm;
        diagonal_fraction([b[0] - a[0], b[1] - a[1]], aspect)
    }

    /// A length without place and direction, given as a share of the diagonal: as it is
    /// seen at the middle of the display.
    pub fn share(&self, share: f64) -> Span {
        let mm = share * self.screen.diagonal_mm();
        let middle = self.screen.point_mm(Point2::new(0.5, 0.5));
        let distance = (middle - self.eyes_mm).norm();
        let pixels = f64::from(self.screen.width_px).hypot(f64::from(self.screen.height_px));
        Span {
            share,
            px: share * pixels,
            cm: mm / 10.0,
            deg: mm.atan2(distance).to_degrees(),
        }
    }
}
