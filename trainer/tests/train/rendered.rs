//! Rendered people: who was never seen, at targets never seen, and whether it is the pupils.

use std::sync::atomic::AtomicBool;

use gaze_trainer::data::cache::{Cache, CropSpec};
use gaze_trainer::data::sample::Sample;
use gaze_trainer::net::{Colour, NetConfig};
use gaze_trainer::synth::eyes::{self, Eyes};
use gaze_trainer::train::examples::Examples;
use gaze_trainer::train::folds::Fold;
use gaze_trainer::train::judge;
use gaze_trainer::train::run::{Order, begin, train};
use gaze_trainer::train::settings::{Augment, Settings};

use super::drawn::cpu;

const CROP: CropSpec = CropSpec {
    size: 32,
    pad: 4,
    scale: 1.8,
    channels: 1,
};
const PERSONS: usize = 120;
const UNSEEN: usize = 20;
const LOOKS: usize = 8;

fn settings() -> Settings {
    Settings {
        epochs: 12,
        batch: 32,
        head_rate: 5e-3,
        backbone_rate: 5e-3,
        warm_up: 0.1,
        clip: 0.0,
        patience: 0,
        augment: Augment {
            shift: 0.02,
            blur: 0.0,
            ..Augment::USUAL
        },
        ..Settings::default()
    }
}

#[test]
fn eyes_of_people_never_seen_are_read_and_it_is_the_pupils() {
    let order = Eyes {
        seed: 77,
        first: 0,
        persons: PERSONS + UNSEEN,
        looks: LOOKS,
        crop: CROP,
    };
    let cache = eyes::draw(&order, &AtomicBool::new(false), &|_| ()).unwrap();
    let plan = NetConfig::compact(0.5, CROP.size, Colour::Gray);
    let (learned, test): (Vec<usize>, Vec<usize>) =
        (0..cache.len()).partition(|i| usize::from(cache.samples[*i].person) < PERSONS);
    let order = Order {
        examples: Examples::new(&cache, &plan).unwrap(),
        fold: Fold {
            train: learned,
            test: test.clone(),
        },
        settings: settings(),
        device: cpu(),
        out: None,
        resume: false,
    };
    let start = begin(&plan, &order.settings, &cpu()).unwrap();
    let trained = train(&order, start, &|| false, |_, _| ()).unwrap();
    let best = trained.best_epoch.unwrap().check;
    let guess = judge::centre_guess(&order.examples, &test);
    let net = trained.best.unwrap();
    let answers = judge::predict(&net, &order.examples, &test, &cpu());
    let [across, up] = [0, 1].map(|axis| response(&cache, &test, &answers, axis));
    println!("{best:?}\n{guess:?}\nyaw {across:?}, pitch {up:?}");
    assert!(3.0 * best.mean_deg < guess.mean_deg, "{best:?} {guess:?}");
    for [eye, head] in [across, up] {
        assert!(
            head.abs() < 0.15 * eye,
            "a degree of gaze moves it {eye}, of head {head}"
        );
    }

    // Everybody gets the eyes of somebody else's look.
    let mut mixed = cache.clone();
    for (k, &i) in test.iter().enumerate() {
        let j = test[(k + test.len() / 2 + 1) % test.len()];
        let (eyes, look) = (cache.samples[j], cache.samples[i]);
        mixed.samples[j] = Sample {
            target_norm: look.target_norm,
            ray: look.ray,
            origin_mm: look.origin_mm,
            head_deg: look.head_deg,
            eye_position: look.eye_position,
            ..eyes
        };
    }
    let blind = judge::judge(&net, &Examples::new(&mixed, &plan).unwrap(), &test, &cpu());
    assert!(blind.mean_deg > guess.mean_deg, "{blind:?} {guess:?}");
}

/// How far the answer moves with the true gaze, and with the head while the gaze stays, about the
/// vertical axis (0: yaw) or the horizontal one (1: pitch): least squares of answer ~ 1, truth, head.
fn response(cache: &Cache, of: &[usize], answers: &[[f32; 3]], axis: usize) -> [f64; 2] {
    let angle = |r: [f32; 3]| {
        let [x, y, z] = r.map(f64::from);
        match axis {
            0 => x.atan2(-z).to_degrees(),
            _ => (-y).asin().to_degrees(),
        }
    };
    let n = of.len();
    let phi = nalgebra::DMatrix::from_fn(n, 3, |r, c| {
        let s = &cache.samples[of[r]];
        [1.0, angle(s.ray.unwrap()), f64::from(s.head_deg[axis])][c]
    });
    let y = nalgebra::DVector::from_iterator(n, answers.iter().map(|a| angle(*a)));
    let fit = (phi.transpose() * &phi)
        .cholesky()
        .unwrap()
        .solve(&(phi.transpose() * y));
    [fit[1], fit[2]]
}
