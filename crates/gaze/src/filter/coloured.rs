//! A Kalman filter for a moving point seen through *coloured* noise.
//!
//! The error of a gaze network is not white: it hangs together over several
//! frames. A filter that takes it for white believes ten like-minded frames
//! too soon, and cannot tell a slow wander of the noise from a step of the eye.
//! So the noise is a state of its own (Bryson & Johansen 1965, "Linear
//! filtering for time-varying systems using measurement data containing
//! colored noise"; Bar-Shalom, Li, Kirubarajan 2001, §8.1): per axis
//! `s = (position, velocity, noise)`, measured `z = position + noise + white`.
//! Both axes have the same noise but for a factor, so they share one covariance.

use nalgebra::{Matrix3, Matrix3x2, RowVector2, Vector3};

/// What one measurement is told about its noise and about the time before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Seconds since the last measurement.
    pub dt: f64,
    /// Variance of the correlated part of the noise.
    pub coloured: f64,
    /// Variance of the white part of the noise.
    pub white: f64,
    /// Time constant of the correlated part, in seconds.
    pub correlation_s: f64,
    /// Random walk of the position: variance a second.
    pub drift: f64,
}

/// State and covariance. A velocity variance of zero with `jerk` zero pins the
/// velocity: then it is the constant-position model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coloured {
    /// Rows: position, velocity, noise. Columns: x, y.
    s: Matrix3x2<f64>,
    /// Shared by both axes.
    p: Matrix3<f64>,
    /// Random walk of the velocity: variance a second.
    jerk: f64,
}

/// What a measurement says against the prediction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Innovation {
    pub v: RowVector2<f64>,
    /// Variance of each axis, before their aspect.
    pub variance: f64,
}

impl Coloured {
    /// Begins at a point with the whole measurement noise as doubt.
    pub(super) fn at(p: [f64; 2], step: &Step, velocity_variance: f64, jerk: f64) -> Self {
        let (c, w) = (step.coloured, step.white);
        // Position = z − noise − white: its error is tied to the noise's.
        let covariance = Matrix3::new(c + w, 0.0, -c, 0.0, velocity_variance, 0.0, -c, 0.0, c);
        let mut s = Matrix3x2::zeros();
        s.set_row(0, &RowVector2::new(p[0], p[1]));
        Self {
            s,
            p: covariance,
            jerk,
        }
    }

    /// The same point and doubt under the constant-position model.
    pub(super) fn pinned(mut self) -> Self {
        self.set_velocity(0.0, 0.0);
        self
    }

    /// The same point at rest, with this much doubt about the velocity.
    pub(super) fn set_velocity(&mut self, variance: f64, jerk: f64) {
        self.s.set_row(1, &RowVector2::zeros());
        self.p.set_row(1, &nalgebra::RowVector3::zeros());
        self.p.set_column(1, &Vector3::zeros());
        self.p[(1, 1)] = variance;
        self.jerk = jerk;
    }

    pub(super) fn advance(&mut self, step: &Step) {
        let dt = step.dt;
        let rho = (-dt / step.correlation_s).exp();
        let f = Matrix3::new(1.0, dt, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, rho);
        self.s = f * self.s;
        self.p = f * self.p * f.transpose();
        self.p[(0, 0)] += step.drift * dt + self.jerk * dt.powi(3) / 3.0;
        self.p[(0, 1)] += self.jerk * dt * dt / 2.0;
        self.p[(1, 0)] += self.jerk * dt * dt / 2.0;
        self.p[(1, 1)] += self.jerk * dt;
        self.p[(2, 2)] += step.coloured * (1.0 - rho * rho);
    }

    pub(super) fn innovation(&self, z: RowVector2<f64>, step: &Step) -> Innovation {
        let p = &self.p;
        Innovation {
            v: z - self.s.row(0) - self.s.row(2),
            variance: p[(0, 0)] + 2.0 * p[(0, 2)] + p[(2, 2)] + step.white,
        }
    }

    pub(super) fn correct(&mut self, z: RowVector2<f64>, step: &Step) {
        let innovation = self.innovation(z, step);
        let h = Vector3::new(1.0, 0.0, 1.0);
        let k = self.p * h / innovation.variance;
        self.s += k * innovation.v;
        // Joseph form: stays positive whatever the rounding.
        let a = Matrix3::identity() - k * h.transpose();
        self.p = a * self.p * a.transpose() + k * k.transpose() * step.white;
        self.p = (self.p + self.p.transpose()) * 0.5;
    }

    /// Adds doubt about the position, so that the next correction moves it.
    pub(super) fn loosen(&mut self, variance: f64) {
        self.p[(0, 0)] += variance;
    }

    pub(super) fn position(&self) -> RowVector2<f64> {
        self.s.row(0).into_owned()
    }

    pub(super) fn velocity(&self) -> RowVector2<f64> {
        self.s.row(1).into_owned()
    }

    pub(super) fn position_variance(&self) -> f64 {
        self.p[(0, 0)]
    }

    pub(super) fn velocity_variance(&self) -> f64 {
        self.p[(1, 1)]
    }

    /// Variance of the position `dt` seconds on.
    pub(super) fn variance_after(&self, dt: f64, drift: f64) -> f64 {
        let p = &self.p;
        p[(0, 0)] + dt * (2.0 * p[(0, 1)] + dt * p[(1, 1)] + drift)
    }

    /// Position through `point`, velocity and noise through `linear`; the
    /// covariance grows with the map's area (the axes share one).
    pub(super) fn transform(
        &mut self,
        point: impl Fn([f64; 2]) -> [f64; 2],
        linear: impl Fn([f64; 2]) -> [f64; 2],
        area: f64,
    ) {
        for row in 0..3 {
            let old = [self.s[(row, 0)], self.s[(row, 1)]];
            let new = if row == 0 { point(old) } else { linear(old) };
            self.s.set_row(row, &RowVector2::new(new[0], new[1]));
        }
        self.p *= area;
    }
}
