//! How far a network believes that it errs: a small head beside its last layer.
//!
//! It tells two standard deviations in degrees, of the error *across* (difference of the yaws ×
//! cosine of the pitch) and *up* (difference of the pitches). It is learned after everything else
//! stands still (`crate::train::spread`), so the line of sight with it is bit for bit the one
//! without. It tells what a look's picture betrays (Kendall and Gal 2017, "What uncertainties do
//! we need in Bayesian deep learning for computer vision?": aleatoric, heteroscedastic), not
//! what lies far from anything learned.
//!
//! It sees what all hidden layers give, not the last one alone: what that one keeps is where the
//! eyes look, and the first one still knows how well it was seen (0.04 nats of 2.43 a look).
//!
//! The logarithm runs between two ends, ln σ = ln [`LEAST_DEG`] + s(z) · ln ([`MOST_DEG`] ÷
//! [`LEAST_DEG`]) with the logistic s, so that no picture makes it 0 or without bound.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};

use super::config::SpreadPlan;

/// It never tells less, degrees.
pub const LEAST_DEG: f32 = 0.3;
/// It never tells more, degrees.
pub const MOST_DEG: f32 = 20.0;

/// ln ([`MOST_DEG`] ÷ [`LEAST_DEG`]).
pub fn reach() -> f32 {
    libm::logf(MOST_DEG / LEAST_DEG)
}

/// What the logistic must get to tell this many degrees; ends are not reached.
pub fn before_logistic(deg: f32) -> f32 {
    let share = libm::logf(deg / LEAST_DEG) / reach();
    let share = share.clamp(0.01, 0.99);
    libm::logf(share / (1.0 - share))
}

/// The head. Parts by name: `layers`.
#[derive(Module, Debug)]
pub struct Spread {
    /// One after the other, all but the last with ReLU.
    pub layers: Vec<Linear>,
}

impl Spread {
    /// Of zeros, on `from` values.
    pub(super) fn empty(plan: &SpreadPlan, from: usize, device: &Device) -> Spread {
        let linear = |from: usize, to: usize| {
            LinearConfig::new(from, to)
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        let layers = match plan.hidden {
            0 => vec![linear(from, 2)],
            width => vec![linear(from, width), linear(width, 2)],
        };
        Spread { layers }
    }

    /// A new one: the same seed gives the same weights, bit for bit.
    pub fn new(plan: &SpreadPlan, from: usize, seed: u64, device: &Device) -> Spread {
        let mut spread = Spread::empty(plan, from, device);
        super::init::fill(&mut spread, seed);
        spread
    }

    /// [B, what all hidden layers give] to [B, 2], degrees.
    pub fn degrees(&self, sees: Tensor<2>) -> Tensor<2> {
        let (last, before) = self.layers.split_last().expect("it has a layer");
        let x = (before.iter()).fold(sees, |x, layer| relu(layer.forward(x)));
        (sigmoid(last.forward(x)) * reach() + libm::logf(LEAST_DEG)).exp()
    }
}
