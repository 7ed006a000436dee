//! x' = a·x + b·y + c, y' = d·x + e·y + f.
use serde::{Deserialize, Serialize};

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
}
