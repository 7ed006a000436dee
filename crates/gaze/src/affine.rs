//! Affine maps of the screen plane, and their fit to recorded targets.
//!
//! `x' = a·x + b·y + c`, `y' = d·x + e·y + f`: from the uncalibrated point to
//! the point on the screen, both normalised.
//!
//! ```
//! use gaze::affine::{Affine, fit};
//! let truth = Affine { a: 0.9, b: 0.05, c: 0.1, d: 0.0, e: 1.2, f: -0.1 };
//! let targets = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.5], [0.1, 0.9], [0.9, 0.9]];
//! let raw = targets.map(|t| (truth.inverse().unwrap().apply(t), t));
//! let found = fit(&raw).unwrap();
//! assert!((found.map.a - truth.a).abs() < 1e-9);
//! assert!(found.cross_validated < 1e-9);
//! ```

mod fit;
mod history;

use nalgebra::Matrix2;
use serde::{Deserialize, Serialize};

pub(crate) use fit::looks_at;
pub use fit::{
    Fit, FitError, FitOptions, FormChoice, GEOMETRIC_STRETCH, MAX_TARGETS, MIN_TARGETS,
    NETWORK_STRETCH, Sample, TargetFit, diagonal_fraction, fit, fit_with, fit_with_history,
    usual_stretch,
};
pub use history::{Sitting, SittingTarget};

/// Above this ratio of its stretches a map is as good as singular: noise along
/// one direction would fill the screen.
pub const MAX_CONDITION: f64 = 50.0;

/// Stretches outside this range are no calibration: below, every look lands in
/// the middle; above, a pixel of noise crosses the screen.
pub const STRETCH: (f64, f64) = (0.02, 50.0);

/// Which coefficients are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// All six, drawn towards the stretch that is usual of the network's output as
    /// strongly as the noise asks for.
    Held,
    /// All six.
    Affine,
    /// Scale and offset of each axis: b = d = 0.
    ScaleOffset,
}

/// A map of the plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// x' per x.
    pub a: f64,
    /// x' per y.
    pub b: f64,
    /// x' at the origin.
    pub c: f64,
    /// y' per x.
    pub d: f64,
    /// y' per y.
    pub e: f64,
    /// y' at the origin.
    pub f: f64,
}

impl Default for Affine {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl Affine {
    /// Changes nothing.
    pub const IDENTITY: Self = Self {
        a: 1.0,
        b: 0.0,
        c: 0.0,
        d: 0.0,
        e: 1.0,
        f: 0.0,
    };

    /// The image of a point.
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            self.a * x + self.b * y + self.c,
            self.d * x + self.e * y + self.f,
        ]
    }

    /// The image of a difference of points.
    pub fn apply_linear(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x + self.b * y, self.d * x + self.e * y]
    }

    /// How much areas grow; negative where the map mirrors.
    pub fn determinant(&self) -> f64 {
        self.a * self.e - self.b * self.d
    }

    /// The map that first applies `self` and then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let [a, d] = next.apply_linear([self.a, self.d]);
        let [b, e] = next.apply_linear([self.b, self.e]);
        let [c, f] = next.apply([self.c, self.f]);
        Self { a, b, c, d, e, f }
    }

    /// The map back; `None` where [`is_usable`](Self::is_usable) is false.
    pub fn inverse(&self) -> Option<Self> {
        if !self.is_usable() {
            return None;
        }
        let k = 1.0 / self.determinant();
        let linear = Self {
            a: self.e * k,
            b: -self.b * k,
            c: 0.0,
            d: -self.d * k,
            e: self.a * k,
            f: 0.0,
        };
        let [c, f] = linear.apply_linear([-self.c, -self.f]);
        Some(Self { c, f, ..linear })
    }

    /// Least and greatest stretch (singular values of the linear part).
    pub fn stretches(&self) -> (f64, f64) {
        let s = Matrix2::new(self.a, self.b, self.d, self.e).singular_values();
        (s.min(), s.max())
    }

    /// Greatest stretch divided by the least: 1 for a turn or an even scale,
    /// infinite when the map flattens the plane.
    pub fn condition(&self) -> f64 {
        let (least, greatest) = self.stretches();
        if least > 0.0 {
            greatest / least
        } else {
            f64::INFINITY
        }
    }

    /// Finite, and neither flattening nor exploding: [`MAX_CONDITION`], [`STRETCH`].
    pub fn is_usable(&self) -> bool {
        if !self.is_finite() {
            return false;
        }
        let (least, greatest) = self.stretches();
        least >= STRETCH.0 && greatest <= STRETCH.1 && greatest <= MAX_CONDITION * least
    }

    /// No coefficient is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        [self.a, self.b, self.c, self.d, self.e, self.f]
            .iter()
            .all(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usable() -> impl Strategy<Value = Affine> {
        let r = || -3.0..3.0f64;
        (r(), r(), r(), r(), r(), r())
            .prop_map(|(a, b, c, d, e, f)| Affine { a, b, c, d, e, f })
            .prop_filter("singular", Affine::is_usable)
    }

    proptest! {
        #[test]
        fn the_inverse_brings_every_point_back(m in usable(), x in -2.0..3.0f64, y in -2.0..3.0f64) {
            let back = m.inverse().unwrap().apply(m.apply([x, y]));
            prop_assert!((back[0] - x).abs() < 1e-9 && (back[1] - y).abs() < 1e-9);
        }

        #[test]
        fn then_is_one_after_the_other(m in usable(), n in usable(), x in -2.0..3.0f64, y in -2.0..3.0f64) {
            let (at_once, in_turn) = (m.then(&n).apply([x, y]), n.apply(m.apply([x, y])));
            prop_assert!((at_once[0] - in_turn[0]).abs() < 1e-9 && (at_once[1] - in_turn[1]).abs() < 1e-9);
            let area = m.determinant() * n.determinant();
            prop_assert!((m.then(&n).determinant() - area).abs() < 1e-9);
        }
    }

    #[test]
    fn maps_that_flatten_or_explode_are_not_usable() {
        assert!(
            (Affine {
                b: 1.0,
                d: -1.0,
                ..Affine::IDENTITY
            }
            .condition()
                - 1.0)
                .abs()
                < 1e-12
        );
        assert!(Affine::IDENTITY.is_usable());
        for broken in [
            Affine {
                a: 0.0,
                ..Affine::IDENTITY
            },
            Affine {
                b: 1.0,
                d: 1.0,
                ..Affine::IDENTITY
            },
            Affine {
                a: 0.9,
                e: 0.01,
                ..Affine::IDENTITY
            },
            Affine {
                a: 1e6,
                e: 1e6,
                ..Affine::IDENTITY
            },
            Affine {
                f: f64::NAN,
                ..Affine::IDENTITY
            },
            Affine {
                b: f64::INFINITY,
                ..Affine::IDENTITY
            },
        ] {
            assert!(!broken.is_usable(), "{broken:?}");
            assert_eq!(broken.inverse(), None);
        }
    }
}
