//! A pass on LibTorch against the same by Burn's own operations, there and on the plain processor.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::reference::{self, floats};
use super::*;

const SIDE: usize = 48;
/// With less, batch norms divide by deviations of a few values, and blow rounding up.
const BATCH: usize = 6;
/// Blocks of an encoder that are run: all kinds of them, and not so deep that a value which
/// rounding puts on the other side of a ReLU6's edge turns all gradients before it.
const BLOCKS: usize = 5;

/// Everything that two passes leave behind.
struct Left {
    map: Vec<f32>,
    pictures: Option<Vec<f32>>,
    gradients: Named,
    running: Named,
    in_use: Vec<f32>,
}

fn values(name: &str, shape: [usize; 4], device: &Device) -> Tensor<4> {
    let u = reference::chance(11, name, shape.iter().product());
    let u: Vec<f32> = u.into_iter().map(|u| u as f32).collect();
    Tensor::from_data(TensorData::new(u, shape), device)
}

/// `plain`: by Burn's own operations. `tracked`: the pictures want a gradient too.
fn passes(
    config: &NetConfig,
    phase: impl Fn(GazeNet) -> GazeNet,
    device: &Device,
    plain: bool,
    tracked: bool,
) -> Left {
    let map = |net: &GazeNet, x: Tensor<4>| match plain {
        true => net.encoder.plain_last_map(x),
        false => net.encoder.last_map(x),
    };
    let device = device.clone().autodiff();
    let mut net = config.init(0, &device).unwrap();
    reference::fill(&mut net, 5);
    net.encoder.features.truncate(BLOCKS);
    let net = phase(net);
    let shape = [BATCH, config.eyes.channels(), SIDE, SIDE];
    // Statistics of one pass are what the next one goes on from.
    map(&net, values("first", shape, &device));
    // So large that statistics which stand still leave values above ReLU6's six.
    let bright = |device: &Device| values("second", shape, device) * 20.0;
    let mut x = bright(&device);
    if tracked {
        x = x.require_grad();
    }
    let out = map(&net, x.clone());
    let answer = floats(out.clone());
    let weighed = out.clone() * values("weights", out.dims(), &device);
    let (pictures, gradients) = if weighed.is_tracked() {
        let all = weighed.sum().backward();
        let pictures = x.grad(&all).map(floats);
        (pictures, GradientsParams::from_grads(all, &net))
    } else {
        (None, GradientsParams::new())
    };
    let (found, _) = see(&net, &gradients);
    let used = net.valid();
    let (_, running) = see(&used, &gradients);
    let in_use = map(&used, bright(&device.without_autodiff()));
    Left {
        map: answer,
        pictures,
        gradients: found,
        running,
        in_use: floats(in_use),
    }
}

/// Gradients and running statistics by name.
type Named = BTreeMap<String, Vec<f32>>;

fn see(net: &GazeNet, gradients: &GradientsParams) -> (Named, Named) {
    let mut seen = Seen {
        gradients,
        at: vec![],
        found: BTreeMap::new(),
        running: BTreeMap::new(),
    };
    net.visit(&mut seen);
    (seen.found, seen.running)
}

struct Seen<'a> {
    gradients: &'a GradientsParams,
    at: Vec<String>,
    found: Named,
    running: Named,
}

impl ModuleVisitor for Seen<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.at.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.at.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.at.join(".");
        if name.contains("running") {
            self.running.insert(name.clone(), floats(param.val()));
        }
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.found.insert(name, floats(gradient));
        }
    }
}

fn length(values: impl Iterator<Item = f32>) -> f32 {
    values.map(|v| v * v).sum::<f32>().sqrt()
}

/// Length of the difference, of the second's length or of this one if that is larger.
fn apart(a: &[f32], b: &[f32], size: f32) -> f32 {
    assert!(a.len() == b.len() && a.iter().all(|v| v.is_finite()));
    let off = length(a.iter().zip(b).map(|(a, b)| a - b));
    off / length(b.iter().copied()).max(size)
}

fn plans() -> impl Iterator<Item = NetConfig> {
    [
        (EncoderKind::MobilenetV2, Colour::Gray, Pool::Average),
        (EncoderKind::MobileoneS0, Colour::Rgb, Pool::Average),
        (EncoderKind::Compact, Colour::Rgb, Pool::Average),
        (EncoderKind::Compact, Colour::Gray, Pool::Grid),
    ]
    .into_iter()
    .map(|(encoder, colour, pool)| NetConfig {
        encoder,
        pool,
        ..NetConfig::new(0.25, SIDE, colour)
    })
}

fn compare(a: &Left, b: &Left, what: &str) {
    let close = |name: &str, a: &[f32], b: &[f32], size: f32, limit: f32| {
        let apart = apart(a, b, size);
        assert!(apart < limit, "{what}: {name}: {apart:e} apart");
    };
    close("map", &a.map, &b.map, 0.0, 1e-4);
    close("map in use", &a.in_use, &b.in_use, 0.0, 1e-4);
    assert_eq!(a.pictures.is_some(), b.pictures.is_some(), "{what}");
    if let (Some(a), Some(b)) = (&a.pictures, &b.pictures) {
        close("pictures", a, b, 0.0, 1e-3);
    }
    let names = |left: &Left| left.gradients.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(a), names(b), "{what}");
    // What a batch norm behind takes away again gets nothing but rounding.
    let lengths = b.gradients.values().map(|g| length(g.iter().copied()));
    let least = lengths.fold(0.0, f32::max) * 1e-2;
    for (name, gradient) in &a.gradients {
        close(name, gradient, &b.gradients[name], least, 1e-3);
    }
    assert_eq!(a.running.len(), b.running.len());
    for (name, value) in &a.running {
        close(name, value, &b.running[name], 1e-2, 1e-4);
    }
}

#[test]
fn maps_gradients_and_statistics_are_burns() {
    let [torch, cpu] = ["tch", "cpu"].map(|name| crate::device::open(name).unwrap());
    for config in plans() {
        let what = format!("{:?}, {:?}", config.encoder, config.pool);
        let (whole, tracked) = (|net| net, config.eyes.channels() == 1);
        let ours = passes(&config, whole, &torch, false, tracked);
        assert!(ours.gradients.len() > 10, "{}", ours.gradients.len());
        let theirs = passes(&config, whole, &torch, true, tracked);
        compare(&ours, &theirs, &format!("{what} on LibTorch"));
        let theirs = passes(&config, whole, &cpu, true, tracked);
        compare(&ours, &theirs, &format!("{what} on flex"));
    }
}

#[test]
fn what_is_frozen_has_no_gradient_and_still_statistics() {
    let torch = crate::device::open("tch").unwrap();
    for config in plans() {
        let what = format!("{:?}, {:?}", config.encoder, config.pool);
        let all = |net: GazeNet| net.freeze_group(ParamGroup::all());
        let still = |net: GazeNet| net.freeze_group(groups::backbone());
        let from = BLOCKS - 2;
        let late = |net: GazeNet| still(net).unfreeze_group(groups::blocks_from(from, BLOCKS));
        let start = passes(&config, all, &torch, true, false);

        let ours = passes(&config, late, &torch, false, false);
        compare(
            &ours,
            &passes(&config, late, &torch, true, false),
            &format!("{what}, its last blocks"),
        );
        let number = |name: &str| name.split('.').find_map(|p| p.parse::<usize>().ok());
        let learns = |name: &str| {
            name.contains("squeeze")
                || name.starts_with("encoder.features") && number(name).is_some_and(|n| n >= from)
        };
        assert!(!ours.gradients.is_empty() && ours.gradients.keys().all(|name| learns(name)));
        for (name, value) in &ours.running {
            let moved = value != &start.running[name];
            assert_eq!(moved, learns(name), "{what}: {name}");
        }

        for tracked in [false, true] {
            let ours = passes(&config, still, &torch, false, tracked);
            let theirs = passes(&config, still, &torch, true, tracked);
            compare(&ours, &theirs, &format!("{what}, still"));
            assert!(ours.gradients.is_empty() && ours.running == start.running);
            assert_eq!(ours.pictures.is_some(), tracked);
        }
    }
}

#[test]
fn a_pass_writes_over_nothing_of_burns_and_burn_nothing_of_it() {
    let device = crate::device::open("tch").unwrap().autodiff();
    let config = NetConfig::compact(0.25, SIDE, Colour::Gray);
    let net = config.init(1, &device).unwrap();
    let x = values("x", [BATCH, 1, SIDE, SIDE], &device);
    let (before, weights) = (floats(x.clone()), floats(net.output.weight.val()));
    let map = net.encoder.last_map(x.clone());
    let answer = floats(map.clone());
    // Burn writes a sum over an operand that nobody else has.
    let more = Tensor::ones(map.dims(), &device);
    let gradient = |map: Tensor<4>| {
        let gradients = GradientsParams::from_grads((map + more.clone()).sum().backward(), &net);
        see(&net, &gradients).0
    };
    let first = gradient(map);
    assert_eq!(
        (floats(x.clone()), floats(net.output.weight.val())),
        (before, weights)
    );
    let again = net.encoder.last_map(x);
    assert_eq!(floats(again.clone()), answer);
    assert_eq!(gradient(again), first, "the same bits again");
}
