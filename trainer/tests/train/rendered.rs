//! Rendered people: who was never seen, at targets never seen, and whether it is the pupils.

use std::sync::atomic::AtomicBool;

use gaze_trainer::data::cache::CropSpec;
use gaze_trainer::data::sample::Sample;
use gaze_trainer::net::{Colour, NetConfig};
use gaze_trainer::synth::eyes::{self, Eyes};
use gaze_trainer::train::examples::Examples;
use gaze_trainer::train::folds::Fold;
use gaze_trainer::train::judge;
use gaze_trainer::train::pupils::{MOST_FACE, Pupils};
use gaze_trainer::train::run::{Order, begin, train};
use gaze_trainer::train::settings::{Augment, Settings};

use super::drawn::tested;

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
        epochs: 14,
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
    let order = Eyes::new(77, PERSONS + UNSEEN, LOOKS, CROP);
    let cache = eyes::draw(&order, &AtomicBool::new(false), &|_| ()).unwrap();
    let plan = NetConfig::compact(0.25, CROP.size, Colour::Gray);
    let (learned, test): (Vec<usize>, Vec<usize>) =
        (0..cache.len()).partition(|i| usize::from(cache.samples[*i].person) < PERSONS);
    let order = Order {
        examples: Examples::new(&cache, &plan).unwrap(),
        fold: Fold {
            train: learned,
            test: test.clone(),
        },
        settings: settings(),
        device: tested(),
        out: None,
        resume: false,
    };
    let start = begin(&plan, &order.settings, &tested()).unwrap();
    let trained = train(&order, start, &|| false, |_, _| ()).unwrap();
    let best = trained.best_epoch.unwrap().check;
    let guess = judge::centre_guess(&order.examples, &test);
    let net = trained.best.unwrap();
    let answers = judge::predict(&net, &order.examples, &test, &tested());
    let pupils = Pupils::of(&cache.samples, &test, &answers).unwrap();
    println!("{best:?}\n{guess:?}\n{pupils:?}");
    assert!(3.0 * best.mean_deg < guess.mean_deg, "{best:?} {guess:?}");
    assert!(pupils.face_share() < MOST_FACE, "{pupils:?}");

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
    let blind = judge::judge(
        &net,
        &Examples::new(&mixed, &plan).unwrap(),
        &test,
        &tested(),
    );
    assert!(blind.mean_deg > guess.mean_deg, "{blind:?} {guess:?}");
}
