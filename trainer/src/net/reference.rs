//! For tests: weights of no meaning, the same as scripts/pytorch/reference.py
//! makes, and the numbers that PyTorch computed with them.

use burn::store::{ModuleSnapshot, bridge};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;

use super::weights::torchvision_names;
use super::{Colour, GazeNet, NetConfig};

/// `count` numbers in −1..1: SplitMix64, started from the seed and the name (FNV-1a).
pub fn chance(seed: u64, name: &str, count: usize) -> Vec<f64> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    });
    (1..=count as u64)
        .map(|i| {
            let mut z = (seed ^ hash).wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
        })
        .collect()
}

/// Value of a tensor called `name` in PyTorch, of this shape, in our order.
pub fn value(seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
    let reach = match shape {
        [_, i, h, w] => (6.0 / (i * h * w) as f64).sqrt(),
        [from, _] => (3.0 / *from as f64).sqrt(),
        _ => 0.1,
    };
    let of_norm =
        shape.len() == 1 && (name.starts_with("features.") || name.starts_with("encoder."));
    let (middle, scale) = match name.rsplit('.').next() {
        Some("weight") if of_norm => (1.0, 0.25),
        // MobileOne's: up to six branches are summed.
        Some("gamma") => (0.4, 0.1),
        Some("running_var") => (1.0, 0.5),
        _ if of_norm => (0.0, 0.25),
        _ => (0.0, reach),
    };
    let u = chance(seed, name, shape.iter().product());
    u.into_iter().map(|u| (middle + scale * u) as f32).collect()
}

/// PyTorch's name of each of our tensors.
pub fn pytorch_name(net: &GazeNet, ours: &str) -> String {
    let names = torchvision_names(net);
    let found = names.into_iter().find(|(mine, _)| mine == ours);
    found.map_or(ours.to_owned(), |(_, theirs)| theirs)
}

/// Fills all of `net`, batch norms' statistics too.
pub fn fill(net: &mut GazeNet, seed: u64) {
    let tensors: Vec<_> = net
        .collect(None, None, true)
        .into_iter()
        .map(|t| {
            let shape = t.shape.to_vec();
            let values = value(seed, &pytorch_name(net, &t.name), &shape);
            bridge::from_data(TensorData::new(values, shape), t.name.clone(), None)
        })
        .collect();
    let count = tensors.len();
    assert_eq!(net.apply(tensors, None, None, true).applied.len(), count);
}

/// The network of the stored numbers, the numbers, and its inputs.
pub struct Recorded {
    pub numbers: Value,
    pub net: GazeNet,
    pub left: Tensor<4>,
    pub right: Tensor<4>,
    pub pose: Tensor<2>,
    pub position: Tensor<2>,
}

/// What trainer/tests/data/pytorch.json holds.
pub fn recorded(device: &Device) -> Recorded {
    let text = include_str!("../../tests/data/pytorch.json");
    let numbers: Value = serde_json::from_str(text).unwrap();
    let whole = |key: &str| numbers[key].as_u64().unwrap() as usize;
    let (batch, size, seed) = (
        whole("batch"),
        whole("size"),
        numbers["seed"].as_u64().unwrap(),
    );
    assert_eq!(whole("channels"), 1);
    let config = NetConfig::new(numbers["width"].as_f64().unwrap(), size, Colour::Gray);
    let mut net = config.init(0, device).unwrap();
    fill(&mut net, seed);
    let input = |name: &str, shape: &[usize], scale: f64, middle: f64| {
        let u = chance(seed, name, shape.iter().product());
        let values: Vec<f32> = u.into_iter().map(|u| (middle + scale * u) as f32).collect();
        TensorData::new(values, shape.to_vec())
    };
    let eye = [batch, 1, size, size];
    Recorded {
        left: Tensor::from_data(input("input.left", &eye, 2.0, 0.0), device),
        right: Tensor::from_data(input("input.right", &eye, 2.0, 0.0), device),
        pose: Tensor::from_data(input("input.pose", &[batch, 3], 0.5, 0.0), device),
        position: Tensor::from_data(input("input.position", &[batch, 5], 0.25, 0.375), device),
        numbers,
        net,
    }
}

/// A tensor's values.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().unwrap()
}

/// A JSON list of numbers, of lists of numbers, flat.
pub fn listed(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(listed).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}
