//! What is made small.

use burn::nn::loss::SmoothL1LossConfig;
use burn::tensor::Tensor;

use super::examples::{Batch, Planes};
use super::settings::{BETA, Loss};
use crate::net::GazeNet;

/// A ray that runs along the screen is taken as meeting it under this sine at least.
const GRAZING: f32 = 0.05;

/// The two parts of what a step makes small, tensors of one value each.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Of the answers against the truth.
    pub answer: Tensor<1>,
    /// Of pairs against each other; none where the batch has none.
    pub consistency: Option<Tensor<1>>,
}

/// The network's answers to a batch.
pub fn answers(net: &GazeNet, batch: &Batch) -> Tensor<2> {
    net.forward_with(
        batch.left.clone(),
        batch.right.clone(),
        batch.pose.clone(),
        batch.position.clone(),
        batch.geometric.clone(),
    )
}

/// Losses of a batch.
pub fn losses(net: &GazeNet, batch: &Batch, loss: Loss) -> Parts {
    let out = answers(net, batch);
    let consistency = batch.pairs.as_ref().map(|[first, second]| {
        let places = match &batch.planes {
            Some(planes) => hits(out.clone(), planes),
            None => out.clone(),
        };
        let [a, b] = [first, second].map(|rows| places.clone().select(0, rows.clone()));
        // Straight beyond its bend: a ray that misses the screen by far is no reason to jump.
        difference(a, b, Loss::SmoothL1)
    });
    Parts {
        answer: difference(out, batch.answer.clone(), loss),
        consistency,
    }
}

/// Mean over all components.
pub fn difference(a: Tensor<2>, b: Tensor<2>, loss: Loss) -> Tensor<1> {
    match loss {
        Loss::SmoothL1 => SmoothL1LossConfig::new()
            .with_beta(BETA)
            .init()
            .forward(a, b)
            .mean(),
        Loss::Mse => (a - b).square().mean(),
    }
}

/// Where rays [B, 3] meet their screens: [B, 2], normalised.
pub fn hits(rays: Tensor<2>, planes: &Planes) -> Tensor<2> {
    let dot = |a: Tensor<2>, b: &Tensor<2>| (a * b.clone()).sum_dim(1);
    // Both are measured along the normal, so their signs agree where a ray goes to the screen.
    let sign = planes.away.clone().sign();
    let towards = (dot(rays.clone(), &planes.normal) * sign).clamp_min(GRAZING);
    let along = planes.away.clone().abs() / towards;
    let hit = planes.from.clone() + rays * along;
    Tensor::cat(
        vec![dot(hit.clone(), &planes.across), dot(hit, &planes.down)],
        1,
    )
}
