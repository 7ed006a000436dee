//! How fast a device trains.

use std::time::Instant;

use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor};

use super::config::{ConfigError, NetConfig};

/// Steps that are not timed: devices compile and tune in them.
const WARM_UP: usize = 2;

/// A measured speed.
#[derive(Debug, Clone, Copy)]
pub struct Speed {
    /// Samples in a step.
    pub batch: usize,
    /// Median time of a step, ms.
    pub step_ms: f64,
}

impl Speed {
    /// Samples a second.
    pub fn samples_per_second(&self) -> f64 {
        self.batch as f64 / self.step_ms * 1e3
    }
}

/// Times `steps` steps of training (forward, squared error, backward, AdamW) on
/// `device`, of the same random pictures.
pub fn training(
    config: &NetConfig,
    device: &Device,
    batch: usize,
    steps: usize,
) -> Result<Speed, ConfigError> {
    let device = device.clone().autodiff();
    let mut net = config.init(1, &device)?;
    let eye = [
        batch,
        config.eyes.channels(),
        config.eyes.size,
        config.eyes.size,
    ];
    let normal = burn::tensor::Distribution::Normal(0.0, 1.0);
    let [left, right] = [0, 1].map(|_| Tensor::<4>::random(eye, normal, &device));
    let pose = Tensor::<2>::zeros([batch, 3], &device);
    let position = Tensor::<2>::full([batch, 5], 0.5, &device);
    let target = Tensor::<2>::full([batch, config.head.outputs()], 0.5, &device);
    let mut optimizer = AdamWConfig::new().init();
    let mut times = Vec::with_capacity(steps);
    for step in 0..WARM_UP + steps {
        let start = Instant::now();
        let (l, r) = (left.clone(), right.clone());
        let answer = net.forward(l, r, pose.clone(), position.clone());
        let loss = (answer - target.clone()).square().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        net = optimizer.step(1e-4, net, gradients);
        // Reading a weight waits until all is computed.
        let weight = net.output.weight.val().into_data();
        assert!(
            weight.iter::<f32>().all(f32::is_finite),
            "a step keeps weights finite"
        );
        if step >= WARM_UP {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(Speed {
        batch,
        step_ms: times[times.len() / 2],
    })
}
