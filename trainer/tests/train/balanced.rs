//! Epochs whose looks are drawn so that where heads point tells nothing.

use std::collections::BTreeSet;

use gaze_trainer::train::examples::{Examples, Look};
use gaze_trainer::train::settings::Settings;
use nalgebra::Vector3;
use render::maths::Rng;

use super::drawn::{cache, drawn, plan};
use gaze_trainer::net::Head;

#[test]
fn heads_that_go_with_the_eyes_do_not_in_a_balanced_epoch() {
    let mut rng = Rng::new(4);
    let (mut samples, mut crops) = (vec![], vec![]);
    for n in 0..600u16 {
        let at = [rng.unit(), rng.unit()];
        // The screen's left is on the picture's right.
        let yaw = 25.0 * (0.5 - at[0]) + 5.0 * rng.normal();
        let (sample, eyes) = drawn(n / 20, n / 20, 0, at, yaw, &mut rng);
        samples.push(sample);
        crops.extend(eyes);
    }
    let cache = cache(samples, crops);
    let plan = plan(Head::Ray);
    let examples = Examples::new(&cache, &plan).unwrap();
    let of: Vec<usize> = (0..cache.len()).collect();
    let epoch = |balance: bool, epoch: usize| -> Vec<Look> {
        let settings = Settings {
            balance,
            ..Settings::default()
        };
        examples.epoch(&of, &settings, epoch).concat()
    };
    // How far the gaze goes with a degree of the head.
    let slope = |looks: &[Look]| {
        let both: Vec<[f64; 2]> = (looks.iter())
            .map(|l| {
                let sample = &cache.samples[l.sample];
                let ray = Vector3::from(sample.ray.unwrap());
                let yaw = ray.x.atan2(-ray.z).to_degrees();
                [f64::from(sample.head_deg[0]), f64::from(yaw)]
            })
            .collect();
        let n = both.len() as f64;
        let mean = [0, 1].map(|k| both.iter().map(|b| b[k]).sum::<f64>() / n);
        let part = |a: usize, b: usize| -> f64 {
            (both.iter())
                .map(|v| (v[a] - mean[a]) * (v[b] - mean[b]))
                .sum()
        };
        part(0, 1) / part(0, 0)
    };
    let (plain, balanced) = (epoch(false, 0), epoch(true, 0));
    assert!(slope(&plain) > 0.5, "{}", slope(&plain));
    assert!(slope(&balanced).abs() < 0.1, "{}", slope(&balanced));
    // As long as any; who comes again is changed otherwise; other epochs draw others.
    assert!(
        balanced.len().abs_diff(plain.len()) < 32,
        "{}",
        balanced.len()
    );
    let distinct: BTreeSet<_> = balanced.iter().map(|l| l.sample).collect();
    let chances: BTreeSet<_> = balanced.iter().map(|l| l.chance).collect();
    assert!(distinct.len() < balanced.len() && chances.len() == balanced.len());
    let next: BTreeSet<_> = epoch(true, 1).iter().map(|l| l.sample).collect();
    assert_ne!(distinct, next);
    // And without it everything is as it was: each once.
    let once: BTreeSet<_> = plain.iter().map(|l| l.sample).collect();
    assert_eq!(once.len(), plain.len());
}
