//! Medians, slopes and correlations.

use nalgebra::{Matrix3, Vector3};

/// The smallest value that a share `q` of all does not exceed; NaN of none.
pub fn quantile(values: impl IntoIterator<Item = f64>, q: f64) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * q).ceil() as usize).max(1) - 1;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// The middle one; NaN of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// Sums of squares and products about the mean, added up over groups that each have a mean of
/// their own.
#[derive(Debug, Default, Clone, Copy)]
pub struct Products {
    /// Of the one.
    pub xx: f64,
    /// Of both.
    pub xy: f64,
    /// Of the other.
    pub yy: f64,
}

impl Products {
    /// Adds a group of pairs.
    pub fn add(&mut self, pairs: &[(f64, f64)]) {
        let n = pairs.len().max(1) as f64;
        let mx = pairs.iter().map(|p| p.0).sum::<f64>() / n;
        let my = pairs.iter().map(|p| p.1).sum::<f64>() / n;
        for (x, y) in pairs {
            self.xx += (x - mx) * (x - mx);
            self.xy += (x - mx) * (y - my);
            self.yy += (y - my) * (y - my);
        }
    }

    /// Of one group.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let mut products = Self::default();
        products.add(pairs);
        products
    }

    /// How much the other changes for each unit of the one, by least squares.
    pub fn slope(&self) -> f64 {
        self.xy / self.xx
    }

    /// Their correlation.
    pub fn r(&self) -> f64 {
        self.xy / (self.xx * self.yy).sqrt()
    }
}

/// `z` by least squares on `x` and `y` at once: how much it changes for each unit of the one while
/// the other stays. Groups have means of their own.
#[derive(Debug, Default, Clone, Copy)]
pub struct Partial {
    products: Matrix3<f64>,
}

impl Partial {
    /// Adds a group of triples (x, y, z).
    pub fn add(&mut self, group: &[[f64; 3]]) {
        let mean = group
            .iter()
            .map(|t| Vector3::from(*t))
            .sum::<Vector3<f64>>()
            / group.len().max(1) as f64;
        for t in group {
            let d = Vector3::from(*t) - mean;
            self.products += d * d.transpose();
        }
    }

    /// Change of z for each unit of x, of y, and the correlation of z with x where y is taken out
    /// of both.
    pub fn slopes(&self) -> ([f64; 2], f64) {
        let p = &self.products;
        let [xx, xy, yy] = [p[(0, 0)], p[(0, 1)], p[(1, 1)]];
        let [xz, yz, zz] = [p[(0, 2)], p[(1, 2)], p[(2, 2)]];
        let by_x = (xz * yy - yz * xy) / (xx * yy - xy * xy);
        let by_y = (yz * xx - xz * xy) / (xx * yy - xy * xy);
        let without = |a: f64, ay: f64, b: f64, by: f64, ab: f64| {
            (ab - ay * by / yy) / ((a - ay * ay / yy) * (b - by * by / yy)).sqrt()
        };
        ([by_x, by_y], without(xx, xy, zz, yz, xz))
    }
}
