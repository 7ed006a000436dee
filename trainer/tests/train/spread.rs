//! How far a network errs, told of looks whose errors the test makes itself.

use gaze_trainer::commands::export::example;
use gaze_trainer::data::cache::Cache;
use gaze_trainer::export::{Precision, Terms, Wanted, export, measure};
use gaze_trainer::net::{Colour, GazeNet, NetConfig, SpreadPlan};
use gaze_trainer::train::examples::{Examples, Look};
use gaze_trainer::train::judge::predict;
use gaze_trainer::train::settings::Augment;
use gaze_trainer::train::spread::{Reliability, Rows, fit, usual};
use nalgebra::Vector3;
use render::maths::Rng;
use vision::gaze_net::{EyeView, GazeNet as Daemons};
use vision::{Runtime, SessionOptions};

use super::drawn::{discs, drawn, tested};

/// Standard deviations of the errors across and up, degrees: of bright pictures and of dim ones.
const BRIGHT: [f32; 2] = [1.0, 1.5];
const DIM: [f32; 2] = [4.0, 7.0];

fn network() -> (NetConfig, GazeNet) {
    let plan = NetConfig::compact(0.25, 32, Colour::Gray);
    let net = plan.init(5, &tested()).unwrap();
    (plan, net)
}

/// Looks of which every second is dim. Their true lines of sight lie beside the network's
/// answers by errors of known deviation.
fn people(persons: u16, seed: u64, plan: &NetConfig, net: &GazeNet) -> Cache {
    let mut rng = Rng::new(seed);
    let (mut samples, mut crops) = (vec![], vec![]);
    for person in 0..persons {
        for look in 0..12u16 {
            let at = [rng.unit(), rng.unit()];
            let yaw = rng.range(-8.0, 8.0);
            let (sample, mut eyes) = drawn(person, person, look, at, yaw, &mut rng);
            if look % 2 == 1 {
                eyes.iter_mut().for_each(|v| *v /= 4);
            }
            samples.push(sample);
            crops.extend(eyes);
        }
    }
    let mut cache = super::drawn::cache(samples, crops);
    let all: Vec<usize> = (0..cache.len()).collect();
    let answers = predict(net, &Examples::new(&cache, plan).unwrap(), &all, &tested());
    for (sample, answer) in cache.samples.iter_mut().zip(answers) {
        let deviation = if sample.target % 2 == 1 { DIM } else { BRIGHT };
        let [across, up] = deviation.map(|d| (d * rng.normal()).to_radians());
        let (yaw, pitch) = (answer[0].atan2(-answer[2]), (-answer[1]).asin());
        let pitch = pitch + up;
        let yaw = yaw + across / pitch.cos();
        let (sy, cy) = yaw.sin_cos();
        let (sp, cp) = pitch.sin_cos();
        sample.ray = Some([cp * sy, -sp, -cp * cy]);
    }
    cache
}

fn rows(cache: &Cache, plan: &NetConfig, net: &GazeNet, mirror: bool) -> Rows {
    let examples = Examples::new(cache, plan).unwrap();
    let all: Vec<usize> = (0..cache.len()).collect();
    Rows::of(net, &examples, &all, mirror, None, &tested())
}

#[test]
fn the_errors_that_there_are_are_told_of_people_not_fitted_on() {
    let (plan, net) = network();
    let head = SpreadPlan {
        hidden: 8,
        mirror_average: false,
    };
    let [learn, stop, other] =
        [(60, 1), (20, 2), (40, 3)].map(|(persons, seed)| people(persons, seed, &plan, &net));
    let [learned, stopping, judged] =
        [&learn, &stop, &other].map(|cache| rows(cache, &plan, &net, false));
    let settings = gaze_trainer::train::settings::Settings {
        batch: 64,
        head_rate: 1e-2,
        decay: 1e-3,
        ..usual(1)
    };
    let (spread, epochs) = fit(&head, [&learned, &stopping], &settings, &tested()).unwrap();
    assert!(epochs.len() > 3, "{epochs:?}");
    let told = judged.told(&spread);
    for (name, dim, wanted) in [("bright", 0, BRIGHT), ("dim", 1, DIM)] {
        let of = told.iter().enumerate().filter(|(i, _)| i % 2 == dim);
        for k in 0..2 {
            let mean = of.clone().map(|(_, t)| t[k]).sum::<f64>() / told.len() as f64 * 2.0;
            let off = mean / f64::from(wanted[k]) - 1.0;
            assert!(off.abs() < 0.25, "{name}, axis {k}: {mean:.2} is told");
        }
    }
    let found = Reliability::of(&spread, &judged);
    let [gain, error] = found.gain;
    assert!(gain > 0.2 && gain > 5.0 * error, "{found:?}");
    assert!((0.55..0.78).contains(&found.within), "{found:?}");
    let [surest, .., last] = &found.bands[..] else {
        panic!("{found:?}");
    };
    assert!(last.off_deg > 3.0 * surest.off_deg, "{found:?}");
    assert_eq!((found.looks, found.people), (480, 40));
    // The same again is the same bit for bit.
    let (again, _) = fit(&head, [&learned, &stopping], &settings, &tested()).unwrap();
    assert_eq!(judged.told(&again), told);
}

/// What the trainer fits is what the daemon reckons, both answers and their difference included.
#[test]
fn the_daemon_tells_what_was_fitted() {
    let (mut plan, mut net) = network();
    let cache = people(20, 4, &plan, &net);
    for mirror in [false, true] {
        let head = SpreadPlan {
            hidden: 4,
            mirror_average: mirror,
        };
        (plan.spread, net.spread) = (None, None);
        let all = rows(&cache, &plan, &net, mirror);
        let settings = gaze_trainer::train::settings::Settings {
            epochs: 8,
            batch: 32,
            ..usual(2)
        };
        let (spread, _) = fit(&head, [&all, &all], &settings, &tested()).unwrap();
        let told = all.told(&spread);
        (plan.spread, net.spread) = (Some(head), Some(spread));

        let looks: Vec<measure::Example> = (0..cache.len()).map(|i| example(&cache, i)).collect();
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::load(None).unwrap();
        let wanted = Wanted {
            files: &[Precision::Fp32],
            terms: Terms {
                mirror_average: mirror,
                ..Terms::default()
            },
        };
        export(
            &net,
            &plan,
            &looks,
            folder.path(),
            &wanted,
            &runtime,
            &tested(),
        )
        .unwrap();
        let file = folder.path().join("gaze.onnx");
        let options = SessionOptions::default();
        let mut daemons = Daemons::open(&file, None, &runtime, &options).unwrap();
        assert_eq!(daemons.contract().version, "2");
        for (i, told) in told.iter().enumerate().take(40) {
            let sample = &cache.samples[i];
            let view = EyeView {
                head_deg: sample.head_deg,
                origin_mm: sample.origin_mm,
                level_rad: 0.0,
                eye_position: sample.eye_position,
                geometric: None,
            };
            let [left, right] = cache.crops(i);
            daemons
                .estimate_crops([&left, &right], &view)
                .unwrap()
                .unwrap();
            let is = daemons.spread_deg().unwrap();
            for (is, wanted) in is.iter().zip(told) {
                assert!(
                    (is - wanted).abs() < 1e-3 * wanted,
                    "{mirror} {i}: {is} {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_batch_in_the_mirror_is_the_mirrored_looks() {
    let (plan, _) = network();
    let cache = discs(2, 1, 1);
    let examples = Examples::new(&cache, &plan).unwrap();
    let looks: Vec<Look> = (0..5).map(Look::exact).collect();
    let mirrored: Vec<Look> = looks.iter().map(|l| Look { mirror: true, ..*l }).collect();
    let [a, b] = [&looks, &mirrored].map(|of| examples.batch(of, &Augment::NONE, &tested()));
    let a = a.mirrored();
    let same = |name: &str, a: Vec<f32>, b: Vec<f32>| {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-6, "{name}: {a} {b}");
        }
    };
    let two = |t: burn::tensor::Tensor<2>| t.into_data().try_to_vec::<f32>().unwrap();
    let four = |t: burn::tensor::Tensor<4>| t.into_data().try_to_vec::<f32>().unwrap();
    same("left", four(a.left), four(b.left));
    same("right", four(a.right), four(b.right));
    same("pose", two(a.pose), two(b.pose));
    same("position", two(a.position), two(b.position));
    same("answer", two(a.answer.clone()), two(b.answer));
    let straight = Vector3::new(0.0f32, 0.0, -1.0);
    let first = &two(a.answer)[..3];
    assert!(Vector3::from_row_slice(first).dot(&straight) > 0.0);
}
