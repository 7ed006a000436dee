//! The One-Euro filter: a low-pass whose cut-off grows with the speed.
//!
//! Géry Casiez, Nicolas Roussel, Daniel Vogel: "1€ Filter: A Simple
//! Speed-based Low-pass Filter for Noisy Input in Interactive Systems",
//! CHI 2012, <https://doi.org/10.1145/2207676.2208639>. Each axis by itself,
//! as there; the sampling period is the one measured between frames.

use serde::{Deserialize, Serialize};

use crate::affine::Affine;

/// Settings of the One-Euro filter; the names are the paper's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OneEuroConfig {
    /// Cut-off at rest, in hertz (fc_min).
    pub min_cutoff_hz: f64,
    /// How much the cut-off grows with the speed: hertz per (screen / second) (β).
    pub beta: f64,
    /// Cut-off of the speed's own low-pass, in hertz (fc_d).
    pub derivative_cutoff_hz: f64,
}

impl Default for OneEuroConfig {
    fn default() -> Self {
        Self {
            min_cutoff_hz: 0.5,
            beta: 4.0,
            derivative_cutoff_hz: 1.0,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct OneEuro {
    config: OneEuroConfig,
    /// Last raw point: the paper takes the speed between raw points.
    raw: [f64; 2],
    x: [f64; 2],
    dx: [f64; 2],
}

impl OneEuro {
    pub(super) fn new(config: OneEuroConfig) -> Self {
        Self {
            config,
            raw: [0.0; 2],
            x: [0.0; 2],
            dx: [0.0; 2],
        }
    }

    pub(super) fn start(&mut self, p: [f64; 2]) {
        (self.raw, self.x, self.dx) = (p, p, [0.0; 2]);
    }

    pub(super) fn update(&mut self, dt: f64, p: [f64; 2]) -> [f64; 2] {
        let alpha_d = alpha(self.config.derivative_cutoff_hz, dt);
        for ((x, dx), (raw, p)) in self
            .x
            .iter_mut()
            .zip(&mut self.dx)
            .zip(self.raw.iter_mut().zip(p))
        {
            *dx += alpha_d * ((p - *raw) / dt - *dx);
            let cutoff = self.config.min_cutoff_hz + self.config.beta * dx.abs();
            *x += alpha(cutoff, dt) * (p - *x);
            *raw = p;
        }
        self.x
    }

    pub(super) fn point(&self) -> [f64; 2] {
        self.x
    }

    pub(super) fn rebase(&mut self, map: &Affine) {
        self.raw = map.apply(self.raw);
        self.x = map.apply(self.x);
        self.dx = map.apply_linear(self.dx);
    }
}

/// α = 1 / (1 + τ/Te) with τ = 1 / (2π·fc).
fn alpha(cutoff_hz: f64, dt: f64) -> f64 {
    let r = std::f64::consts::TAU * cutoff_hz.max(0.0) * dt;
    r / (r + 1.0)
}
