//! A pass on LibTorch against the same by Burn's own operations, there and on the plain processor.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::reference::{self, floats};
use super::*;

const SIDE: usize = 32;
const BATCH: usize = 3;

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
    let net = phase(net);
    let shape = [BATCH, config.eyes.channels(), SIDE, SIDE];
    // Statistics of one pass are what the next one goes on from.
    map(&net, values("first", shape, &device));
    let mut x = values("second", shape, &device);
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
    let in_use = map(&used, values("second", shape, &device.without_autodiff()));
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

/// Largest difference, of the largest value.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let most = |v: &mut dyn Iterator<Item = f32>| v.fold(0.0, f32::max);
    let size = most(&mut b.iter().map(|v| v.abs()));
    let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    assert!(a.iter().all(|v| v.is_finite()));
    most(&mut off.into_iter()) / size.max(1e-6)
}

fn plans() -> impl Iterator<Item = NetConfig> {
    let kinds = [
        EncoderKind::MobilenetV2,
        EncoderKind::MobileoneS0,
        EncoderKind::Compact,
    ];
    kinds.into_iter().flat_map(|encoder| {
        [(Colour::Gray, Pool::Average), (Colour::Rgb, Pool::Grid)].map(|(colour, pool)| NetConfig {
            encoder,
            pool,
            ..NetConfig::new(0.25, SIDE, colour)
        })
    })
}

fn compare(a: &Left, b: &Left, what: &str) {
    let close = |name: &str, a: &[f32], b: &[f32], limit: f32| {
        let apart = apart(a, b);
        assert!(apart < limit, "{what}: {name}: {apart:e} apart");
    };
    close("map", &a.map, &b.map, 1e-4);
    close("map in use", &a.in_use, &b.in_use, 1e-4);
    assert_eq!(a.pictures.is_some(), b.pictures.is_some(), "{what}");
    if let (Some(a), Some(b)) = (&a.pictures, &b.pictures) {
        close("pictures", a, b, 2e-3);
    }
    let names = |left: &Left| left.gradients.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(a), names(b), "{what}");
    for (name, gradient) in &a.gradients {
        close(name, gradient, &b.gradients[name], 2e-3);
    }
    assert_eq!(a.running.len(), b.running.len());
    for (name, value) in &a.running {
        close(name, value, &b.running[name], 1e-4);
    }
}

#[test]
fn maps_gradients_and_statistics_are_burns() {
    let [torch, cpu] = ["tch", "cpu"].map(|name| crate::device::open(name).unwrap());
    for config in plans() {
        for tracked in [false, true] {
            let what = format!("{:?}, {:?}", config.encoder, config.pool);
            let whole = |net| net;
            let ours = passes(&config, whole, &torch, false, tracked);
            assert!(ours.gradients.len() > 10, "{}", ours.gradients.len());
            let theirs = passes(&config, whole, &torch, true, tracked);
            compare(&ours, &theirs, &format!("{what} on LibTorch"));
            let theirs = passes(&config, whole, &cpu, true, tracked);
            compare(&ours, &theirs, &format!("{what} on flex"));
        }
    }
}

#[test]
fn what_is_frozen_has_no_gradient_and_still_statistics() {
    let torch = crate::device::open("tch").unwrap();
    for config in plans() {
        let what = format!("{:?}, {:?}", config.encoder, config.pool);
        let blocks = config.init(0, &torch).unwrap().blocks();
        let still = |net: GazeNet| net.freeze_group(groups::backbone());
        let late =
            |net: GazeNet| still(net).unfreeze_group(groups::blocks_from(blocks - 2, blocks));
        let start = passes(
            &config,
            |net| net.freeze_group(ParamGroup::all()),
            &torch,
            true,
            false,
        );
        for tracked in [false, true] {
            let ours = passes(&config, late, &torch, false, tracked);
            compare(&ours, &passes(&config, late, &torch, true, tracked), &what);
            let number = |name: &String| name.split('.').find_map(|p| p.parse::<usize>().ok());
            let learns = |name: &String| {
                name.contains("squeeze") || number(name).is_some_and(|n| n >= blocks - 2)
            };
            assert!(ours.gradients.keys().all(learns) && !ours.gradients.is_empty());
            for (name, value) in &ours.running {
                assert_eq!(
                    value != &start.running[name],
                    learns(name),
                    "{what}: {name}"
                );
            }
            let ours = passes(&config, still, &torch, false, tracked);
            compare(&ours, &passes(&config, still, &torch, true, tracked), &what);
            assert!(
                ours.gradients.is_empty() && ours.running == start.running,
                "{what}"
            );
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
    // Burn writes sums and products over operands that nobody else has.
    let gradient = |map: Tensor<4>| {
        let gradients = GradientsParams::from_grads((map * 2.0 + 1.0).sum().backward(), &net);
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
