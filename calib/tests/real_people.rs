//! Two people who look at known targets: does the gaze go the right way?
//!
//! The recordings are not part of the project. Name the file to run this:
//! `GAZE_LANDMARKS_NPZ=…/gaze_landmarks.npz cargo test -p gaze-calib --test real_people`

use std::collections::BTreeMap;
use std::path::Path;

use gaze::evaluation::evaluate;
use gaze::{geometric, head};
use gaze_calib::evaluate::npz;

#[test]
fn the_median_direction_follows_the_target_for_every_person() {
    let Some(path) = std::env::var_os("GAZE_LANDMARKS_NPZ") else {
        println!("not run: GAZE_LANDMARKS_NPZ names no file");
        return;
    };
    // All looks of a person at one of the 4×4 targets.
    let mut looks: BTreeMap<(i64, [i64; 2]), [Vec<f64>; 2]> = BTreeMap::new();
    let frames = npz::read(Path::new(&path)).unwrap();
    for f in &frames {
        let landmarks = f.landmarks.as_ref().unwrap();
        let pose = head::estimate(landmarks, &f.camera).unwrap();
        let gaze = geometric::estimate(landmarks, &f.camera, &pose).unwrap();
        let cell = f.target.map(|t| (t * 3.0).round() as i64);
        let [yaws, pitches] = looks.entry((f.person, cell)).or_default();
        yaws.push(gaze.combined.yaw_deg());
        pitches.push(gaze.combined.pitch_deg());
    }
    for person in [0, 1] {
        let of_person = || looks.iter().filter(move |((p, _), _)| *p == person);
        assert_eq!(of_person().count(), 16, "person {person}");
        for (axis, name) in ["x", "y"].into_iter().enumerate() {
            let (target, angle): (Vec<f64>, Vec<f64>) = of_person()
                .map(|((_, cell), angles)| (cell[axis] as f64, median(&angles[axis])))
                .unzip();
            let r = correlation(&target, &angle);
            println!("person {person}, {name}: r = {r:.3}");
            // The screen's right is the image's left; down is negative pitch.
            assert!(r < -0.9, "person {person}, {name}: r = {r:.3}");
        }
    }
}

/// Plain least squares on the irises' offsets gives 264 and 348 px.
#[test]
fn our_map_is_a_sixth_better_than_the_plain_one_and_knows_how_far_off_it_is() {
    let Some(path) = std::env::var_os("GAZE_LANDMARKS_NPZ") else {
        println!("not run: GAZE_LANDMARKS_NPZ names no file");
        return;
    };
    let found = evaluate(&npz::read(Path::new(&path)).unwrap());
    let plain = (found.rows.iter())
        .find(|r| r.name == "iris offset, affine")
        .unwrap();
    let ours = found.rows.last().unwrap();
    for (plain, ours) in [(plain.same, ours.same), (plain.next, ours.next)] {
        let (plain, ours) = (plain.unwrap(), ours.unwrap());
        println!("{plain:.0} px, ours {ours:.0} px");
        assert!(ours < 0.85 * plain);
    }
    for within in found.rows.iter().filter_map(|r| r.within).flatten() {
        let share = within.unwrap();
        println!("{:.0} % within the expected error", 100.0 * share);
        assert!((0.5..0.8).contains(&share));
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let product = |u: &[f64], mu: f64, v: &[f64], mv: f64| -> f64 {
        u.iter().zip(v).map(|(x, y)| (x - mu) * (y - mv)).sum()
    };
    product(a, ma, b, mb) / (product(a, ma, a, ma) * product(b, mb, b, mb)).sqrt()
}
