use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::loss::SmoothL1LossConfig;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::store::{ModuleSnapshot, SafetensorsStore, bridge};
use burn::tensor::{Device, Distribution, Tensor, TensorData};

use super::checkpoint::{self, CheckpointError};
use super::reference::{self, floats, listed, recorded};
use super::weights::{WeightsError, load_pretrained, torchvision_names};
use super::*;

/// What computes: `GAZE_TEST_DEVICE` names another than the plain processor.
fn tested() -> Device {
    let name = std::env::var("GAZE_TEST_DEVICE");
    crate::device::open(name.as_deref().unwrap_or("cpu")).unwrap()
}

fn small() -> NetConfig {
    NetConfig::new(0.25, 32, Colour::Gray)
}

/// Runs of the whole network on pictures of nothing in particular.
fn answer(net: &GazeNet, config: &NetConfig, device: &Device) -> Vec<f32> {
    let [c, s] = [config.eyes.channels(), config.eyes.size];
    let eye = |name: &str| {
        let u = reference::chance(7, name, 2 * c * s * s);
        let v: Vec<f32> = u.into_iter().map(|u| u as f32).collect();
        Tensor::<4>::from_data(TensorData::new(v, [2, c, s, s]), device)
    };
    let pose = Tensor::from_floats([[0.1, -0.2, 0.3], [0.0, 0.4, 0.0]], device);
    let position = Tensor::from_floats([[0.4, 0.5, 0.6, 0.5, 0.12]; 2], device);
    let ray = Tensor::from_floats([[0.1, 0.2, -0.97], [0.0, 0.0, -1.0]], device);
    let geometric = config.geometric.then_some(ray);
    floats(net.forward_with(eye("l"), eye("r"), pose, position, geometric))
}

#[test]
fn every_plan_answers_with_unit_rays_or_places_near_the_middle() {
    let device = tested().autodiff();
    for encoder in [
        EncoderKind::MobilenetV2,
        EncoderKind::MobileoneS0,
        EncoderKind::Compact,
    ] {
        for (head, geometric, pool) in [
            (Head::Ray, false, Pool::Average),
            (Head::Ray, true, Pool::Grid),
            (Head::Screen, true, Pool::Average),
        ] {
            let config = NetConfig {
                encoder,
                head,
                geometric,
                pool,
                ..small()
            };
            let net = config.init(3, &device).unwrap();
            let answers = answer(&net, &config, &device);
            assert_eq!(answers.len(), 2 * head.outputs());
            match head {
                Head::Ray => {
                    for ray in answers.chunks(3) {
                        let length: f32 = ray.iter().map(|v| v * v).sum();
                        assert!((length - 1.0).abs() < 1e-5 && ray[2] < -0.9, "{ray:?}");
                    }
                    if geometric {
                        // Before training it says what geometry says.
                        assert!((answers[0] - 0.1).abs() < 0.03, "{answers:?}");
                    }
                }
                Head::Screen => assert!(answers.iter().all(|v| (v - 0.5).abs() < 0.05)),
            }
        }
    }
}

#[test]
fn standardised_pictures_answer_alike_in_any_light() {
    let device = tested();
    let config = NetConfig {
        standardise: true,
        ..NetConfig::compact(0.25, 32, Colour::Gray)
    };
    let net = config.init(3, &device).unwrap();
    let answer = |gain: f32, level: f32| {
        let u = reference::chance(7, "eye", 2 * 32 * 32);
        let u = u.iter().map(|v| gain * *v as f32 + level);
        let data = TensorData::new(u.collect::<Vec<f32>>(), [2, 1, 32, 32]);
        let eye = Tensor::<4>::from_data(data, &device);
        let pose = Tensor::zeros([2, 3], &device);
        let position = Tensor::full([2, 5], 0.5, &device);
        floats(net.forward(eye.clone(), eye, pose, position))
    };
    let far = |a: &[f32], b: &[f32]| {
        let each = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        each.fold(0.0, f32::max)
    };
    let plain = answer(1.0, 0.0);
    let (light, eyes) = (
        far(&plain, &answer(3.0, -2.0)),
        far(&plain[..3], &plain[3..]),
    );
    assert!(light < 0.1 * eyes, "light {light}, eyes {eyes}");
    assert!(
        answer(0.0, 1.0).iter().all(|v| v.is_finite()),
        "a plain picture"
    );
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_one_others() {
    let bytes = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net");
        checkpoint::save(&path, &small(), &small().init(seed, &tested()).unwrap()).unwrap();
        std::fs::read(path.join(checkpoint::WEIGHTS)).unwrap()
    };
    assert!(bytes(1) == bytes(1));
    assert!(bytes(1) != bytes(2));
}

#[test]
fn plans_that_cannot_be_built_are_refused_in_one_line() {
    let mut plans = vec![small(); 5];
    plans[0].width = 0.1;
    plans[1].eyes.size = 16;
    plans[2].eyes.mean = vec![0.5; 3];
    plans[3].hidden.clear();
    plans[4].eyes.std[0] = 0.0;
    for plan in plans {
        let line = plan.init(0, &tested()).unwrap_err().to_string();
        assert!(!line.contains('\n') && line.len() > 20, "{line}");
    }
}

#[test]
fn groups_part_the_network() {
    let net = small().init(0, &tested()).unwrap();
    assert_eq!(net.blocks(), 19);
    let count = |group: burn::module::ParamGroup| {
        let mut paths = Paths::default();
        net.visit(&mut paths);
        let id = burn::module::ParamId::from(0);
        paths
            .all
            .iter()
            .filter(|p| group.matches(&id, Some(p)))
            .count()
    };
    let all = count(burn::module::ParamGroup::all());
    assert_eq!(count(groups::backbone()) + count(groups::head()), all);
    let blocks: usize = (0..19).map(|n| count(groups::block(n))).sum();
    assert_eq!(blocks, count(groups::backbone()));
    // Block 1 is not taken for 10 to 18.
    assert_eq!(count(groups::block(1)), 10);
    assert_eq!(count(groups::blocks_from(18, 19)), count(groups::block(18)));
    assert_eq!(count(groups::output()), 2);
}

#[derive(Default)]
struct Paths {
    at: Vec<String>,
    all: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.at.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.at.pop();
    }
    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
        self.all.push(self.at.join("."));
    }
}

#[test]
fn names_and_shapes_are_torchvisions() {
    let keys: BTreeMap<String, Vec<usize>> = serde_json::from_str(include_str!(
        "../../tests/data/torchvision-mobilenet-v2.json"
    ))
    .unwrap();
    let net = NetConfig::new(1.0, 64, Colour::Rgb)
        .init_empty(&tested())
        .unwrap();
    let shapes: BTreeMap<String, Vec<usize>> = net
        .collect(None, None, true)
        .into_iter()
        .map(|t| (t.name.clone(), t.shape.to_vec()))
        .collect();
    let ours: BTreeMap<String, Vec<usize>> = torchvision_names(&net)
        .into_iter()
        .map(|(ours, theirs)| (theirs, shapes[&ours].clone()))
        .collect();
    assert_eq!(keys.len(), 260);
    assert_eq!(ours, keys);
}

#[test]
fn activations_are_pytorchs() {
    let device = tested();
    let r = recorded(&device);
    let mut x = Tensor::cat(vec![r.left.clone(), r.right.clone()], 0);
    let blocks = r.numbers["eval"]["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), r.net.blocks());
    for (n, (block, stored)) in r.net.encoder.features.iter().zip(blocks).enumerate() {
        x = block.forward(x);
        assert_eq!(
            x.dims().map(|d| d as f64).to_vec(),
            listed(&stored["shape"])
        );
        let values = floats(x.clone());
        let size = stored["mean_square"].as_f64().unwrap().sqrt();
        for (at, value) in listed(&stored["at"]).iter().zip(listed(&stored["values"])) {
            let error = (f64::from(values[*at as usize]) - value).abs() / size;
            assert!(error < 2e-5, "block {n} at {at}: {error:e}");
        }
    }
    let answers = floats(r.net.forward(r.left, r.right, r.pose, r.position));
    for (a, b) in answers.iter().zip(listed(&r.numbers["eval"]["answer"])) {
        assert!((f64::from(*a) - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn loss_gradients_and_one_step_are_pytorchs() {
    let device = tested().autodiff();
    let r = recorded(&device);
    let step = &r.numbers["step"];
    let number = |key: &str| step[key].as_f64().unwrap();
    let target: Vec<f32> = listed(&step["target"])
        .into_iter()
        .map(|v| v as f32)
        .collect();
    let batch = target.len() / 3;
    let target = Tensor::<2>::from_data(TensorData::new(target, [batch, 3]), &device);
    let loss_of = |net: &GazeNet, target: Tensor<2>| {
        let [l, r_] = [&r.left, &r.right].map(|t| t.clone().to_device(&target.device()));
        let [p, q] = [&r.pose, &r.position].map(|t| t.clone().to_device(&target.device()));
        let answer = net.forward(l, r_, p, q);
        let loss = SmoothL1LossConfig::new()
            .with_beta(number("beta") as f32)
            .init();
        (answer.clone(), loss.forward(answer, target).mean())
    };
    let close = |what: &str, a: f64, b: f64, tolerance: f64| {
        assert!(
            (a - b).abs() <= tolerance,
            "{what}: {a} where PyTorch has {b}"
        );
    };

    let (answer, loss) = loss_of(&r.net, target.clone());
    for (a, b) in floats(answer).iter().zip(listed(&step["answer"])) {
        close("answer", f64::from(*a), b, 2e-5);
    }
    close(
        "loss",
        f64::from(floats(loss.clone())[0]),
        number("loss"),
        1e-5,
    );

    let gradients = GradientsParams::from_grads(loss.backward(), &r.net);
    let stored = step["gradients"].as_object().unwrap();
    let mut found = Gradients {
        gradients: &gradients,
        at: vec![],
        all: BTreeMap::new(),
    };
    r.net.visit(&mut found);
    let names: BTreeMap<String, String> = torchvision_names(&r.net).into_iter().collect();
    let theirs = |ours: &str| {
        let plain = plain(ours);
        names.get(&plain).cloned().unwrap_or(plain)
    };
    assert_eq!(
        found.all.len(),
        stored.len(),
        "every parameter has a gradient"
    );
    for (ours, gradient) in &found.all {
        let stored = &stored[&theirs(ours)];
        let norm = stored["norm"].as_f64().unwrap();
        let is = gradient
            .iter()
            .map(|g| f64::from(*g).powi(2))
            .sum::<f64>()
            .sqrt();
        // Of what a batch norm behind takes away again, PyTorch too has only rounding.
        close(ours, is, norm, 2e-3 * norm + 1e-5);
        for (at, g) in listed(&stored["at"]).iter().zip(listed(&stored["values"])) {
            close(
                ours,
                f64::from(gradient[*at as usize]),
                g,
                2e-3 * norm + 1e-5,
            );
        }
    }

    let mut optimizer = AdamWConfig::new()
        .with_weight_decay(number("weight_decay") as f32)
        .with_epsilon(number("epsilon") as f32)
        .init();
    let net = optimizer.step(number("rate"), r.net.clone(), gradients);
    let tensors: BTreeMap<String, Vec<f32>> = net
        .valid()
        .collect(None, None, true)
        .into_iter()
        .map(|t| {
            (
                t.name.clone(),
                bridge::to_data(&t).unwrap().try_to_vec().unwrap(),
            )
        })
        .collect();
    for (ours, values) in &tensors {
        let name = names.get(ours).unwrap_or(ours);
        if let Some(running) = step["running"].get(name) {
            for (at, v) in listed(&running["at"])
                .iter()
                .zip(listed(&running["values"]))
            {
                // PyTorch divides a running variance by n − 1, Burn by n; here n is 32 or more.
                let unbiased = if name.ends_with("var") { 0.02 * v } else { 0.0 };
                close(ours, f64::from(values[*at as usize]), v, 1e-4 + unbiased);
            }
            continue;
        }
        if stored[name]["norm"].as_f64().unwrap() < 1e-4 {
            continue; // the first step is the gradient's sign, and that is rounding's
        }
        let places = listed(&stored[name]["at"]);
        for (at, v) in places.iter().zip(listed(&step["after"][name])) {
            close(ours, f64::from(values[*at as usize]), v, 2e-6);
        }
    }
    let (_, after) = loss_of(&net.valid(), target.inner());
    close(
        "loss after",
        f64::from(floats(after)[0]),
        number("loss_after"),
        5e-3,
    );
}

/// A module's path without the names of enum variants, as files have it.
fn plain(path: &str) -> String {
    let parts = path
        .split('.')
        .filter(|p| !["Plain", "Inverted", "Stem", "One"].contains(p));
    parts.collect::<Vec<_>>().join(".")
}

struct Gradients<'a> {
    gradients: &'a GradientsParams,
    at: Vec<String>,
    all: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Gradients<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.at.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.at.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.all.insert(self.at.join("."), floats(gradient));
        }
    }
}

/// Writes tensors under torchvision's names, all but the first `without`.
fn torchvision_file(path: &Path, channels: usize, without: usize) {
    let colour = if channels == 3 {
        Colour::Rgb
    } else {
        Colour::Gray
    };
    let mut net = NetConfig::new(0.25, 32, colour).init(0, &tested()).unwrap();
    reference::fill(&mut net, 5);
    let mut store = SafetensorsStore::from_file(path).skip_enum_variants(true);
    for (ours, theirs) in torchvision_names(&net).into_iter().skip(without) {
        let ours = format!("^{}$", ours.replace('.', "\\."));
        store = store.with_key_remapping(ours, theirs);
    }
    net.save_into(&mut store).unwrap();
}

#[test]
fn torchvisions_weights_are_taken_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    torchvision_file(&path, 3, 0);
    let config = small();
    let mut net = config.init(0, &tested()).unwrap();
    let before = floats(net.output.weight.val());
    let report = load_pretrained(&mut net, &config, &path).unwrap();
    assert_eq!((report.encoder, report.encoder_of), (260, 260));
    assert!(
        report.summed_to_gray && report.unused.is_empty(),
        "{report:?}"
    );
    // The file has the head of our own network too.
    assert!(report.missing.is_empty() && floats(net.output.weight.val()) != before);

    // Gray weights are the sums of what red, green and blue had.
    let rgb = reference::value(5, "features.0.0.weight", &[8, 3, 3, 3]);
    let Block::Plain(stem) = &net.encoder.features[0] else {
        panic!("the stem is plain");
    };
    let gray = floats(stem.inner.conv.weight.val());
    for (i, v) in gray.iter().enumerate() {
        let (out, place) = (i / 9, i % 9);
        let sum: f32 = (0..3).map(|c| rgb[out * 27 + c * 9 + place]).sum();
        assert!((v - sum).abs() < 1e-6);
    }
}

#[test]
fn a_file_of_torch_save_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/first-blocks.pth");
    let read = super::weights::read(&path).unwrap();
    assert_eq!(read.len(), 45);
    for (name, data) in read {
        let values = data.try_to_vec::<f32>().unwrap();
        assert_eq!(
            values,
            reference::value(20261, &name, &data.shape().to_vec()),
            "{name}"
        );
    }
}

#[test]
fn under_nine_tenths_of_the_encoder_is_an_error_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let config = small();
    for (without, taken) in [(26, true), (27, false)] {
        let _ = std::fs::remove_file(&path);
        torchvision_file(&path, 1, without);
        let mut net = config.init(0, &tested()).unwrap();
        let before = answer(&net, &config, &tested());
        let result = load_pretrained(&mut net, &config, &path);
        assert_eq!(answer(&net, &config, &tested()) != before, taken);
        match result {
            Ok(report) => assert!(taken && report.missing.len() == 26, "{report:?}"),
            Err(error) => {
                assert!(!taken);
                let line = error.to_string();
                assert!(
                    line.contains("233 of the encoder's 260") && !line.contains('\n'),
                    "{line}"
                );
            }
        }
    }
    // Another width: names fit, shapes do not.
    let wide = NetConfig::new(0.5, 32, Colour::Gray);
    let mut net = wide.init(0, &tested()).unwrap();
    let error = load_pretrained(&mut net, &wide, &path).unwrap_err();
    assert!(matches!(error, WeightsError::TooFew { .. }), "{error}");
}

#[test]
fn damaged_weights_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.safetensors");
    torchvision_file(&good, 1, 0);
    let bytes = std::fs::read(&good).unwrap();
    let pth = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/first-blocks.pth");
    let pth = std::fs::read(pth).unwrap();
    for (name, content) in [
        ("cut.safetensors", &bytes[..bytes.len() / 2]),
        ("empty.safetensors", &[]),
        ("noise.pth", &bytes[..999]),
        ("cut.pth", &pth[..pth.len() / 2]),
        ("empty.pth", &[]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut net = small().init(0, &tested()).unwrap();
        let line = load_pretrained(&mut net, &small(), &path)
            .unwrap_err()
            .to_string();
        assert!(line.contains(name) && !line.contains('\n'), "{line}");
    }
}

#[test]
fn a_checkpoint_has_the_batch_norms_last_update() {
    let r = recorded(&tested().autodiff());
    r.net.forward(r.left, r.right, r.pose, r.position);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    let config = NetConfig::new(0.25, 48, Colour::Gray);
    checkpoint::save(&path, &config, &r.net).unwrap();
    let (_, net) = checkpoint::load(&path, &tested()).unwrap();
    let Block::Plain(stem) = &net.encoder.features[0] else {
        panic!("the stem is plain");
    };
    let mean = floats(stem.inner.norm.running_mean.value());
    let stored = &r.numbers["step"]["running"]["features.0.1.running_mean"];
    for (at, v) in listed(&stored["at"]).iter().zip(listed(&stored["values"])) {
        assert!(
            (f64::from(mean[*at as usize]) - v).abs() < 1e-5,
            "{at}: {v}"
        );
    }
}

#[test]
fn a_checkpoint_comes_back_bit_for_bit_and_damage_is_told() {
    let device = tested();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best");
    let config = NetConfig {
        encoder: EncoderKind::MobileoneS0,
        pool: Pool::Grid,
        ..small()
    };
    checkpoint::save(&path, &small(), &small().init(1, &device).unwrap()).unwrap();
    let mut net = config.init(1, &device).unwrap();
    reference::fill(&mut net, 9);
    checkpoint::save(&path, &config, &net).unwrap();
    let (read, back) = checkpoint::load(&path, &device).unwrap();
    assert_eq!(read, config);
    assert_eq!(
        answer(&back, &config, &device),
        answer(&net, &config, &device)
    );
    let there: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(there.len(), 1, "nothing is left beside it: {there:?}");

    let weights = path.join(checkpoint::WEIGHTS);
    let mut bytes = std::fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let error = checkpoint::load(&path, &device).unwrap_err();
    assert!(matches!(error, CheckpointError::Read { .. }), "{error}");
    assert!(error.to_string().contains("hash"), "{error}");
}

#[test]
fn a_spread_is_an_addition_within_bounds_and_comes_back() {
    let device = tested();
    let plain = NetConfig {
        spread: None,
        ..small()
    };
    let with = NetConfig {
        spread: Some(SpreadPlan {
            hidden: 5,
            mirror_average: true,
        }),
        ..small()
    };
    let [bare, mut net] = [&plain, &with].map(|c| c.init(3, &device).unwrap());
    assert_eq!(answer(&bare, &plain, &device), answer(&net, &with, &device));
    let weights = bare.collect(None, None, true).len();
    assert_eq!(net.collect(None, None, true).len(), weights + 4);
    // Plans without it are written as they always were.
    let text = serde_json::to_string(&plain).unwrap();
    assert!(!text.contains("spread"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told");
    checkpoint::save(&path, &with, &net).unwrap();
    let (read, back) = checkpoint::load(&path, &device).unwrap();
    assert_eq!(read, with);
    let sees = Tensor::<2>::random([4, 128 + 64], Distribution::Uniform(0.0, 3.0), &device);
    let told = |net: &GazeNet| {
        let told = net.spread.as_ref().unwrap().degrees(sees.clone());
        told.into_data().try_to_vec::<f32>().unwrap()
    };
    assert_eq!(told(&net), told(&back));
    // However wild the weights, it stays within its ends.
    let spread = net.spread.as_mut().unwrap();
    let last = spread.layers.last_mut().unwrap();
    last.weight = last.weight.clone().map(|w| w * 1e6);
    for deg in told(&net) {
        assert!((0.299..=20.01).contains(&deg), "{deg}");
    }
    let places = NetConfig {
        head: Head::Screen,
        ..with
    };
    let line = places.check().unwrap_err().to_string();
    assert!(line.contains("lines of sight"), "{line}");
}

#[test]
fn a_committee_answers_with_the_mean_and_is_a_network_like_any_other() {
    let device = tested();
    let config = small();
    let three: Vec<GazeNet> = [1, 2, 3]
        .map(|seed| {
            let mut net = config.init(seed, &device).unwrap();
            reference::fill(&mut net, seed);
            net
        })
        .into();
    let of = |nets: &[&GazeNet]| {
        let each = nets.iter().map(|net| (config.clone(), (*net).clone()));
        committee::join(each.collect())
    };
    let [a, b, c] = [&three[0], &three[1], &three[2]];
    let (plan, joined) = of(&[a, b, c]).unwrap();
    assert_eq!((plan.members, joined.members()), (3, 3));
    // Of the tangents, not of the rays.
    let tangents = |net: &GazeNet, config: &NetConfig| -> Vec<[f32; 2]> {
        let rays = answer(net, config, &device);
        let each = rays.chunks(3);
        each.map(|r| [-r[0] / r[2], -r[1] / r[2]]).collect()
    };
    let single: Vec<_> = three.iter().map(|net| tangents(net, &config)).collect();
    let together = tangents(&joined, &plan);
    let mut apart = 0.0f32;
    for (look, is) in together.iter().enumerate() {
        for axis in 0..2 {
            let theirs = single.iter().map(|of| of[look][axis]);
            let mean = theirs.clone().sum::<f32>() / 3.0;
            assert!((is[axis] - mean).abs() < 1e-4, "{is:?} and {mean}");
            apart = theirs.fold(apart, |most, t| most.max((t - mean).abs()));
        }
    }
    assert!(apart > 0.01, "they differ: {apart}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all");
    checkpoint::save(&path, &plan, &joined).unwrap();
    let (read, back) = checkpoint::load(&path, &device).unwrap();
    assert_eq!(read, plan);
    let said = answer(&joined, &plan, &device);
    assert_eq!(answer(&back, &read, &device), said);
    // One alone is written as it always was.
    let text = serde_json::to_string(&config).unwrap();
    assert!(!text.contains("members"), "{text}");

    // Two of which one is two: that one weighs as much as the other.
    let (pair, both) = of(&[a, b]).unwrap();
    let uneven = vec![(pair, both), (config.clone(), c.clone())];
    let (plan, uneven) = committee::join(uneven).unwrap();
    let uneven = tangents(&uneven, &plan);
    for (look, is) in uneven.iter().enumerate() {
        let [a, b, c] = [0, 1, 2].map(|n| single[n][look][0]);
        let should = 0.25 * a + 0.25 * b + 0.5 * c;
        assert!((is[0] - should).abs() < 1e-4, "{is:?} and {should}");
    }

    let other = NetConfig {
        standardise: !config.standardise,
        ..config.clone()
    };
    let stranger = other.init(1, &device).unwrap();
    let mixed = vec![(config.clone(), a.clone()), (other, stranger)];
    let line = committee::join(mixed).unwrap_err().to_string();
    assert!(line.contains("network 2"), "{line}");
    assert!(of(&[a]).is_err());
}
