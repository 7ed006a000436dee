//! Exponential moving average in its time-constant form, so that it smooths
//! the same at every frame rate.

use serde::{Deserialize, Serialize};

use crate::affine::Affine;

/// Settings of the exponential moving average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmaConfig {
    /// Seconds after which a step is followed by 1 − 1/e. Zero follows at once.
    pub time_constant_s: f64,
}

impl Default for EmaConfig {
    fn default() -> Self {
        Self {
            time_constant_s: 0.1,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Ema {
    config: EmaConfig,
    x: [f64; 2],
}

impl Ema {
    pub(super) fn new(config: EmaConfig) -> Self {
        Self {
            config,
            x: [0.0; 2],
        }
    }

    pub(super) fn start(&mut self, p: [f64; 2]) {
        self.x = p;
    }

    pub(super) fn update(&mut self, dt: f64, p: [f64; 2]) -> [f64; 2] {
        // −expm1(−dt/τ) = 1 − e^(−dt/τ), exact for small dt; τ ≤ 0 gives 1.
        let tau = self.config.time_constant_s;
        let alpha = if tau > 0.0 {
            -(-dt / tau).exp_m1()
        } else {
            1.0
        };
        for (x, p) in self.x.iter_mut().zip(p) {
            *x += alpha * (p - *x);
        }
        self.x
    }

    pub(super) fn point(&self) -> [f64; 2] {
        self.x
    }

    pub(super) fn rebase(&mut self, map: &Affine) {
        self.x = map.apply(self.x);
    }
}
