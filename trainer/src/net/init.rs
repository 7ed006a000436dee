//! The first weights, from one seed: each tensor's chance comes from the seed and
//! its own name, so that a network starts alike on every device, and a part that
//! is added or left out changes nothing else.

use burn::store::{ModuleSnapshot, bridge};
use burn::tensor::TensorData;

/// Fills convolutions by He et al. 2015 (normal, fan out), fully connected
/// layers by PyTorch's default (uniform ±1/√in), the output a hundredth of it:
/// the first answer is the middle. Batch norms stay as they are made.
pub(super) fn fill(net: &mut impl ModuleSnapshot, seed: u64) {
    let mut filled = Vec::new();
    for tensor in net.collect(None, None, true) {
        let shape: Vec<usize> = tensor.shape.to_vec();
        let mut chance = Chance::new(seed, &tensor.name);
        let count: usize = shape.iter().product();
        let values: Vec<f32> = match shape[..] {
            [out, _, h, w] => {
                // Of a depthwise convolution each output has its own input.
                let groups = if shape[1] == 1 && out > 1 { out } else { 1 };
                let deviation = (2.0 / (out * h * w / groups) as f64).sqrt();
                (0..count)
                    .map(|_| (chance.normal() * deviation) as f32)
                    .collect()
            }
            [from, _] => {
                let reach = if tensor.name.starts_with("output.") {
                    0.01
                } else {
                    1.0
                } / (from as f64).sqrt();
                (0..count)
                    .map(|_| ((2.0 * chance.uniform() - 1.0) * reach) as f32)
                    .collect()
            }
            _ => continue,
        };
        let data = TensorData::new(values, shape);
        filled.push(bridge::from_data(data, tensor.name.clone(), None));
    }
    let count = filled.len();
    let result = net.apply(filled, None, None, true);
    assert_eq!(result.applied.len(), count, "its own tensors fit: {result}");
}

/// SplitMix64 (Steele et al. 2014).
struct Chance(u64);

impl Chance {
    /// A stream of its own for each seed and name (FNV-1a).
    fn new(seed: u64, name: &str) -> Chance {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
        });
        let mut chance = Chance(seed);
        Chance(chance.next() ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, but without, 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, deviation 1 (Box and Muller); libm, so that every machine rounds alike.
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v)
    }
}
